package customer

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"dingdong/internal/db"
	"dingdong/internal/event"
	"dingdong/internal/staff"
	"dingdong/internal/vault"
)

// Source says how something about a customer came to be known.
type Source string

// Where knowledge comes from.
const (
	SourceSaid     Source = "said"     // her own words in a chat, read by a lexicon
	SourceStaff    Source = "staff"    // somebody at a counter entered it
	SourceTill     Source = "till"     // a till system
	SourceImport   Source = "import"   // a file
	SourceAPI      Source = "api"      // a program with a token
	SourceComputed Source = "computed" // worked out from what she does
)

// Proof is why we believe something about a customer.
type Proof struct {
	Source    Source
	By        string // staff id, import id, token
	CounterID string // at whose counter it was learnt
	MessageID string // where she said it
	Rule      string // of a lexicon: "zh-Hant/3/concern.sensitive"
	Cause     string // her words
	At        time.Time
	Days      int // of a tag: how long it holds; 0: as long as the tag says
}

// The longest texts of a proof, in letters.
const (
	maxCause = 500
	maxRule  = 200
)

// concluded says that no person vouches for it: what an advisor undid is not
// concluded again.
func (p Proof) concluded() bool { return p.Source == SourceSaid || p.Source == SourceComputed }

// checked refuses a source that is not known. A time that is still to come
// becomes now: otherwise a wrong clock would give a proof that nothing beats.
func (p Proof) checked(now time.Time) (Proof, error) {
	switch p.Source {
	case SourceSaid, SourceStaff, SourceTill, SourceImport, SourceAPI, SourceComputed:
	default:
		return p, db.Invalid{Field: "source", Code: "unknown"}
	}
	if p.At.IsZero() || p.At.After(now) {
		p.At = now
	}
	p.At = p.At.UTC().Truncate(time.Microsecond)
	if p.Days < 0 || p.Days > maxDays {
		return p, db.Invalid{Field: "days", Code: "unknown"}
	}
	p.Cause = first(line(p.Cause), maxCause)
	p.Rule = first(line(p.Rule), maxRule)
	p.By, p.CounterID, p.MessageID = db.CleanText(p.By), db.CleanText(p.CounterID), db.CleanText(p.MessageID)
	return p, nil
}

// Renewed is who ends a proof when a newer one of the same tag or value takes
// its place. Should the newer one be taken back, it counts again.
const Renewed = "renewed"

// readBefore tells whether a message was read for something before: what, in
// the table attribute, is the hash of a value, and in customer_tag the tag.
func (b *Book) readBefore(tx *db.Tx, table string, p Proof, customerID, what string) (bool, error) {
	if p.MessageID == "" {
		return false, nil
	}
	column := "hash"
	if table == "customer_tag" {
		column = "tag_id"
	}
	found, err := texts(tx, `SELECT id FROM `+table+` WHERE message_id = $1 AND message_id <> '' AND customer_id = $2 AND `+column+` = $3
		AND (ended_at IS NULL OR ended_by = $4)`, p.MessageID, customerID, what, Renewed)
	if err != nil {
		return false, fmt.Errorf("what a message proved: %w", err)
	}
	return len(found) > 0, nil
}

// line makes one line of a text and drops what has no place in one: control
// characters, and the marks that turn the reading direction.
func line(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069:
			return -1
		}
		return r
	}, db.CleanText(s))
	return strings.Join(strings.Fields(s), " ")
}

func first(s string, letters int) string {
	if utf8.RuneCountInString(s) <= letters {
		return s
	}
	return string([]rune(s)[:letters])
}

// ByHand is what a person or a program enters on a card.
type ByHand struct {
	CustomerID string
	CounterID  string // where she stands; "": nowhere in particular
	Name       string // of the attribute or tag
	Value      string // of the attribute
	Source     Source // "": SourceStaff
}

// proof checks that the viewer may enter something and says that it was her.
func (h ByHand) proof(tx *db.Tx, v staff.Viewer) (Proof, error) {
	if !v.May(staff.KeepCards) {
		return Proof{}, staff.ErrForbidden
	}
	if h.CounterID != "" && !v.Sees(h.CounterID) {
		return Proof{}, db.ErrNotFound
	}
	if h.Source == "" {
		h.Source = SourceStaff
	}
	return Proof{Source: h.Source, By: v.ID, CounterID: h.CounterID, At: tx.Now}, nil
}

// Sight is what a viewer may see on a card that she may see at all: what belongs
// to a brand is for those who see a counter of the brand, and words for those
// who see the counter where they were said.
type Sight struct {
	viewer staff.Viewer
	brands map[string]bool
}

// Sight loads which brands a viewer sees.
func (b *Book) Sight(tx *db.Tx, v staff.Viewer) (Sight, error) {
	s := Sight{viewer: v, brands: map[string]bool{}}
	counters := v.Counters()
	if v.SeesAll() || len(counters) == 0 {
		return s, nil
	}
	marks, args := db.In(counters, 1)
	brands, err := texts(tx, `SELECT DISTINCT brand_id FROM counter WHERE id IN (`+marks+`)`, args...)
	if err != nil {
		return s, fmt.Errorf("brands she sees: %w", err)
	}
	for _, id := range brands {
		s.brands[id] = true
	}
	return s, nil
}

// Brand says whether the viewer sees what belongs to a brand; what belongs to
// none is for everybody.
func (s Sight) Brand(id string) bool { return id == "" || s.viewer.SeesAll() || s.brands[id] }

// narrow takes out of a proof whose counter the viewer does not see what was said there
// and who was told: that it is known is the group's, how is that counter's.
func (s Sight) narrow(p Proof) Proof {
	if s.viewer.SeesAll() || s.viewer.Sees(p.CounterID) {
		return p
	}
	p.Cause, p.MessageID, p.Rule = "", "", ""
	if p.CounterID != "" && p.By != s.viewer.ID {
		p.By, p.CounterID = "", ""
	}
	return p
}

// openText opens a cell; it is empty once she was erased.
func (b *Book) openText(tx *db.Tx, customerID, label string, sealed []byte) (string, error) {
	text, err := b.Vault.OpenString(tx, customerID, label, sealed)
	if errors.Is(err, vault.ErrErased) {
		return "", nil
	}
	return text, err
}

// sealText seals a text; none becomes NULL.
func (b *Book) sealText(tx *db.Tx, customerID, label, text string) ([]byte, error) {
	if text == "" {
		return nil, nil
	}
	sealed, err := b.Vault.SealString(tx, customerID, label, text)
	if errors.Is(err, vault.ErrErased) {
		return nil, db.ErrNotFound
	}
	return sealed, err
}

// news is what open pages are told of a change on a card.
type news struct {
	customerID, counterID, by string
	what                      string // tag | attribute | note | wish | promise
}

// toldMessages is the most messages that one piece of news names.
const toldMessages = 50

// tell appends the news. messages are those of hers that prove something else now than
// before; of too many, the newest.
func (b *Book) tell(tx *db.Tx, n news, messages ...string) error {
	person, err := b.Person(tx, n.customerID)
	if err != nil {
		return err
	}
	data := map[string]string{"what": n.what}
	messages = slices.DeleteFunc(slices.Clone(messages), func(id string) bool { return id == "" })
	slices.Sort(messages)
	if messages = slices.Compact(messages); len(messages) > 0 {
		data["messages"] = strings.Join(messages[max(0, len(messages)-toldMessages):], " ")
	}
	event.Append(tx, event.Event{Kind: event.CustomerChanged, Customer: person, Counter: n.counterID, By: n.by, Data: data})
	return nil
}
