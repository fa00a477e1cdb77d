package conversation

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"dingdong/internal/channel"
	"dingdong/internal/consent"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// kindGreeting marks the message that says who we are and asks: by it we know that she
// was told on an account.
const kindGreeting = "greeting"

// greet tells her once per account who we are, what for and how to stop, and asks whether
// we may write first. The words are those of the purposes. Whoever has answered, on
// whatever channel, is not asked again; whoever comes back after a block is, unless she did.
func (d *Desk) greet(tx *db.Tx, a Account, p place, back bool) error {
	if p.peer == channel.Group || p.peer == channel.Room {
		return nil
	}
	service, err := d.Consent().Purpose(tx, consent.Service)
	if errors.Is(err, db.ErrNotFound) {
		return nil // a house without purposes asks nothing
	}
	if err != nil {
		return err
	}
	if rules, err := d.ChatRules(tx); err != nil || rules.NoGreeting {
		return err
	}
	if answered, err := d.answeredBefore(tx, p.customerID); err != nil || answered {
		return err
	}
	told, err := greeted(tx, a.ID, p.personID)
	if err != nil || told && !back {
		return err
	}
	v, err := d.voice(tx, p.identityID, p.counterID)
	if err != nil {
		return err
	}
	name, err := counterName(tx, p.counterID)
	if err != nil {
		return err
	}
	ask, err := d.question(tx, v, p)
	if err != nil {
		return err
	}
	words, _ := service.In(consent.Language(v.language))
	parts := []string{v.say("hello", "account", a.Name, "counter", name), words.Title + "\n" + words.Body}
	if ask.text != "" {
		parts = append(parts, ask.text)
	}
	ask.text = fitted(append(parts, v.say("page_line", "page", d.PageURL(p.identityID, false, tx.Now))), d.limits(a).TextUnits)
	ask.key, ask.kind = "greeting "+a.ID, kindGreeting
	if told {
		ask.key += " " + tx.NewID("evt")
	}
	return d.tell(tx, p.threadID, ask)
}

// answeredBefore tells whether she has said yes or no to marketing for all channels.
func (d *Desk) answeredBefore(tx *db.Tx, customerID string) (bool, error) {
	states, err := d.Consent().States(tx, customerID, time.Time{})
	for _, s := range states {
		if s.Purpose == consent.Marketing && s.Account == "" && s.State != "" && s.Entry.How != consent.HowBlock {
			return true, err
		}
	}
	return false, err
}

// greeted tells whether a person was told on an account.
func greeted(tx *db.Tx, accountID, personID string) (bool, error) {
	var n int
	err := tx.QueryRow(`SELECT COUNT(*) FROM message WHERE account_id = $1 AND kind = $2 AND author = 'automation'
		AND thread_id IN (SELECT id FROM thread WHERE customer_id = $3)`, accountID, kindGreeting, personID).Scan(&n)
	if err != nil {
		return false, fmt.Errorf("was she greeted: %w", err)
	}
	return n > 0, nil
}

// fitted joins paragraphs; where they are too long for one message, each gives its first.
func fitted(parts []string, units int) string {
	whole := strings.Join(parts, "\n\n")
	if len(utf16.Encode([]rune(whole))) <= units {
		return whole
	}
	for i := range parts {
		parts[i], _, _ = strings.Cut(parts[i], "\n\n")
	}
	return strings.Join(parts, "\n\n")
}

// question asks with buttons whether we may write first. Its text is the purpose's; it
// is empty where the group has closed the purpose.
func (d *Desk) question(tx *db.Tx, v voice, p place) (sentence, error) {
	return d.ask(tx, v, consent.Marketing, p.identityID)
}

func (d *Desk) ask(tx *db.Tx, v voice, purpose, identityID string) (sentence, error) {
	more := channel.Choice{Label: v.say("read_more"), Data: DataOwn}
	p, err := d.Consent().Purpose(tx, purpose)
	if errors.Is(err, db.ErrNotFound) || err == nil && (!p.ClosedAt.IsZero() || !p.NeedsGrant) {
		return sentence{text: v.say("page_line", "page", d.PageURL(identityID, false, tx.Now)), choices: []channel.Choice{more}}, nil
	}
	if err != nil {
		return sentence{}, err
	}
	words, language := p.In(consent.Language(v.language))
	version := ":" + p.Name + ":" + strconv.Itoa(p.Version) + ":" + language
	return sentence{text: words.Title + "\n" + words.Body, choices: []channel.Choice{
		{Label: v.say("agree"), Data: ours + "allow" + version},
		{Label: v.say("only_answers"), Data: ours + "refuse" + version},
		more,
	}}, nil
}

func (t *tap) starts() error {
	say, err := t.question(t.tx, t.voice, t.place)
	if err != nil {
		return err
	}
	return t.answerAt(t.place, say)
}

// decide records her answer to a question about a purpose, with the text that she read.
// An old button says what she read then; where the group has asked anew since, it asks.
func (t *tap) decide(yes bool) error {
	version, err := strconv.Atoi(t.command.args[1])
	if err != nil || version < 1 {
		return t.stale()
	}
	e := consent.Entry{Purpose: t.command.args[0], Version: version, Language: t.command.args[2], State: consent.Withdrawn}
	if yes {
		e.State = consent.Granted
	}
	if e, err = t.allowed(e); err != nil {
		return t.excused(err)
	}
	if !yes {
		if err := t.Withdrawn(t.tx, t.place.customerID); err != nil {
			return err
		}
		return t.answerAt(t.place, sentence{text: t.voice.say("refused", "page", t.link(false))})
	}
	may, err := t.Consent().May(t.tx, t.place.customerID, e.Purpose, e.Account)
	if err != nil {
		return err
	}
	if !may { // she read a text that does not count any more
		say, err := t.ask(t.tx, t.voice, e.Purpose, t.place.identityID)
		if err != nil {
			return err
		}
		return t.answerAt(t.place, say)
	}
	return t.answerAt(t.place, sentence{text: t.voice.say("agreed", "page", t.link(false))})
}

// allowed writes what she tapped into the ledger, with a line of the thread as its proof.
// Where nothing changes there is no second line.
func (t *tap) allowed(e consent.Entry) (consent.Entry, error) {
	e.Customer, e.How = t.place.customerID, consent.HowChat
	if e.Language == "" {
		e.Language = consent.Language(t.voice.language)
	}
	return t.note(t.tx, noted{t.account, t.place, e})
}

// noted is an answer of hers on its way into the ledger and her thread.
type noted struct {
	account Account
	place   place
	entry   consent.Entry
}

func (d *Desk) note(tx *db.Tx, n noted) (consent.Entry, error) {
	e := n.entry
	p, err := d.Consent().Purpose(tx, e.Purpose)
	if err != nil {
		return e, err
	}
	states, err := d.Consent().States(tx, e.Customer, time.Time{})
	if err != nil {
		return e, err
	}
	line := systemLine{Type: TypeDeclined}
	if e.State == consent.Granted {
		language, err := storeLanguage(tx, n.place.counterID)
		if err != nil {
			return e, err
		}
		words, _ := p.In(consent.Language(language))
		line = systemLine{Type: TypeAllowed, Text: words.Title}
	}
	for _, s := range states {
		if s.Purpose == e.Purpose && s.Account == e.Account && s.State == e.State && (e.State == consent.Withdrawn || s.Entry.Version == e.Version) {
			line.Type = ""
		}
	}
	e, err = d.Consent().Record(tx, e)
	if err != nil || line.Type == "" {
		return e, err
	}
	_, err = d.addLine(tx, n.account, n.place, line)
	return e, err
}

// storeLanguage is the language of the place where a counter stands.
func storeLanguage(tx *db.Tx, counterID string) (string, error) {
	c, err := staff.GetCounter(tx, counterID)
	if err != nil {
		return "", err
	}
	s, err := staff.GetStore(tx, c.StoreID)
	return StoreLanguage(s.Timezone), err
}
