package conversation

import (
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"dingdong/internal/audit"
	"dingdong/internal/channel"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// Card is a printed invitation to a counter, or to one of its advisors, on one account.
type Card struct {
	ID, Code  string
	AccountID string
	CounterID string
	AdvisorID string // empty: the counter's own card
	CreatedBy string
	CreatedAt time.Time
	EndedAt   time.Time // zero: it works
}

// CardForm says for whom a card is made.
type CardForm struct {
	AccountID, CounterID, AdvisorID string
}

// codeSigns are letters and digits that nobody takes for another, in print or by ear.
const (
	codeSigns  = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
	codeLength = 6
)

// newCode draws a card's code. It is no secret that opens anything, but neighbouring
// codes must not be guessed: a wrong one would bind her to a stranger.
func newCode() string {
	var b [codeLength * 4]byte
	_, _ = rand.Read(b[:]) // never fails: the process ends first
	out := make([]byte, 0, codeLength)
	for _, x := range b {
		// What is above the last whole run of the signs would favour the first of them.
		if int(x) < 256/len(codeSigns)*len(codeSigns) && len(out) < codeLength {
			out = append(out, codeSigns[int(x)%len(codeSigns)])
		}
	}
	if len(out) < codeLength {
		return newCode()
	}
	return string(out)
}

const cardColumns = `id, code, account_id, counter_id, advisor_id, created_by, created_at, COALESCE(ended_at, 0)`

func scanCard(r interface{ Scan(...any) error }) (Card, error) {
	var c Card
	var created, ended int64
	err := r.Scan(&c.ID, &c.Code, &c.AccountID, &c.CounterID, &c.AdvisorID, &c.CreatedBy, &created, &ended)
	c.CreatedAt, c.EndedAt = db.Time(created), db.Time(ended)
	return c, err
}

// SaveCard returns the card of an account, a counter and perhaps an advisor, and makes it
// when there is none. An advisor may make her own and her counter's; a manager those of
// the counters she sees.
func (d *Desk) SaveCard(tx *db.Tx, v staff.Viewer, f CardForm) (Card, error) {
	if err := d.mayCard(tx, v, f); err != nil {
		return Card{}, err
	}
	if c, err := cardOf(tx, f); !errors.Is(err, db.ErrNotFound) {
		return c, err
	}
	// A code that is taken already is drawn again; three in a row would be no chance.
	for range 3 {
		n, err := tx.Exec(`INSERT INTO card (id, code, account_id, counter_id, advisor_id, created_by, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
			tx.NewID("crd"), newCode(), f.AccountID, f.CounterID, f.AdvisorID, v.ID, db.Micro(tx.Now))
		if err != nil {
			return Card{}, fmt.Errorf("save card: %w", err)
		}
		c, err := cardOf(tx, f)
		if n > 0 && err == nil {
			audit.Record(tx, audit.Entry{Actor: v.ID, Action: "card.save", Object: c.ID, Detail: f.CounterID + " " + f.AdvisorID})
		}
		if !errors.Is(err, db.ErrNotFound) {
			return c, err
		}
	}
	return Card{}, errors.New("save card: no free code was drawn")
}

func (d *Desk) mayCard(tx *db.Tx, v staff.Viewer, f CardForm) error {
	if !v.May(staff.ManageGroup) {
		if !v.Sees(f.CounterID) {
			return db.Invalid{Field: "counter", Code: "unknown"}
		}
		if !v.May(staff.Chat) || (v.Role != staff.Manager && f.AdvisorID != "" && f.AdvisorID != v.ID) {
			return staff.ErrForbidden
		}
	}
	a, err := d.AccountByID(tx, f.AccountID)
	if errors.Is(err, db.ErrNotFound) || (err == nil && !a.ClosedAt.IsZero()) {
		return db.Invalid{Field: "account", Code: "unknown"}
	}
	if err != nil {
		return err
	}
	if !a.Serves(f.CounterID) {
		return db.Invalid{Field: "counter", Code: "unknown"}
	}
	if f.AdvisorID == "" {
		return nil
	}
	ok, err := staff.AnswersAt(tx, f.AdvisorID, f.CounterID)
	if err == nil && !ok {
		err = db.Invalid{Field: "advisor", Code: "not_at_counter"}
	}
	return err
}

func cardOf(tx *db.Tx, f CardForm) (Card, error) {
	c, err := scanCard(tx.QueryRow(`SELECT `+cardColumns+` FROM card WHERE account_id = $1 AND counter_id = $2 AND advisor_id = $3 AND ended_at IS NULL`,
		f.AccountID, f.CounterID, f.AdvisorID))
	if err != nil {
		return Card{}, db.NotFound(err)
	}
	return c, nil
}

// Cards lists the cards in use at the counters that the viewer sees.
func (d *Desk) Cards(tx *db.Tx, v staff.Viewer) ([]Card, error) {
	rows, err := tx.Query(`SELECT ` + cardColumns + ` FROM card WHERE ended_at IS NULL ORDER BY account_id, counter_id, advisor_id, id`)
	list, err := db.Collect(rows, err, func(r *sql.Rows) (Card, error) { return scanCard(r) })
	if err != nil {
		return nil, fmt.Errorf("cards: %w", err)
	}
	var seen []Card
	for _, c := range list {
		if v.Sees(c.CounterID) || v.May(staff.ManageGroup) {
			seen = append(seen, c)
		}
	}
	return seen, nil
}

// CardByCode finds a card in use by its code, however it was typed. A card whose account
// is closed, or does not serve its counter any more, is not found.
func (d *Desk) CardByCode(tx *db.Tx, code string) (Card, error) {
	code = strings.ToUpper(strings.TrimSpace(code))
	if !isCode(code) {
		return Card{}, db.ErrNotFound
	}
	return d.cardInUse(tx, `code = $1`, code)
}

func (d *Desk) cardInUse(tx *db.Tx, where, key string) (Card, error) {
	c, err := scanCard(tx.QueryRow(`SELECT `+cardColumns+` FROM card WHERE `+where+` AND ended_at IS NULL`, key))
	if err != nil {
		return Card{}, db.NotFound(err)
	}
	a, err := d.Listening(tx, c.AccountID)
	if err != nil {
		return Card{}, err
	}
	if !a.Serves(c.CounterID) {
		return Card{}, db.ErrNotFound
	}
	if c.AdvisorID == "" {
		return c, nil
	}
	ok, err := staff.AnswersAt(tx, c.AdvisorID, c.CounterID)
	if !ok {
		c.AdvisorID = "" // she left: her card is the counter's now
	}
	return c, err
}

func isCode(s string) bool {
	return len(s) == codeLength && strings.Trim(s, codeSigns) == ""
}

// EndCard takes a card out of use; what it bound stays bound.
func (d *Desk) EndCard(tx *db.Tx, v staff.Viewer, id string) error {
	c, err := scanCard(tx.QueryRow(`SELECT `+cardColumns+` FROM card WHERE id = $1 AND ended_at IS NULL`, id))
	if err != nil {
		return db.NotFound(err)
	}
	if !v.May(staff.ManageGroup) && !v.Sees(c.CounterID) {
		return db.ErrNotFound
	}
	if !v.May(staff.ManageGroup) && (!v.May(staff.Chat) || (v.Role != staff.Manager && c.AdvisorID != v.ID)) {
		return staff.ErrForbidden
	}
	if _, err := tx.Exec(`UPDATE card SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL`, id, db.Micro(tx.Now)); err != nil {
		return fmt.Errorf("end card: %w", err)
	}
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: "card.end", Object: id})
	return nil
}

// CardLink is the address behind a card's QR. On LINE with LIFF it proves who scans; on
// LINE without, it opens the chat with a text typed in that carries the code (LINE,
// "Use the LINE URL scheme"); on the web chat it opens the chat.
func (d *Desk) CardLink(c Card, a Account) string {
	switch {
	case a.Kind == channel.WebChat:
		return d.PublicURL + "/chat/" + url.PathEscape(a.ID) + "?card=" + c.Code
	case a.LIFF.ID != "":
		return "https://liff.line.me/" + a.LIFF.ID + "/?card=" + c.Code
	}
	id := a.BasicID
	if id != "" && !strings.HasPrefix(id, "@") {
		id = "@" + id
	}
	return "https://line.me/R/oaMessage/" + percent(id) + "/?" + percent("👋 ["+c.Code+"]")
}

// percent encodes a piece of LINE's address. It wants %20, not the plus of a form.
func percent(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
