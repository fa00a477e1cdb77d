package consent

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"dingdong/internal/audit"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/event"
	"dingdong/internal/vault"
)

// State is what she said about a purpose.
type State string

// What she can have said; "" is nothing.
const (
	Granted   State = "granted"
	Withdrawn State = "withdrawn" // also a refusal of what was never granted
)

// How says in which way she said it.
type How string

// The ways.
const (
	HowPage   How = "page"   // ticked on her own page
	HowChat   How = "chat"   // said or tapped in the chat, confirmed by a button
	HowTablet How = "tablet" // signed on the counter's tablet
	HowStaff  How = "staff"  // said to an advisor, who wrote it down
	HowImport How = "import" // brought from another system
	HowBlock  How = "block"  // she blocked the account
)

// Hows lists the ways.
func Hows() []How { return []How{HowPage, HowChat, HowTablet, HowStaff, HowImport, HowBlock} }

// Entry is one line of the ledger.
type Entry struct {
	ID       string
	Customer string // the record; Record keeps it as it is given
	Purpose  string
	Account  string // "": every channel
	State    State
	How      How
	Version  int // of the text she was shown; 0: the newest
	Language string
	Staff    string // who wrote it down; "": she herself
	Witness  string // who saw it; with HowTablet and HowStaff the same as Staff unless named
	Message  string // in which she said it
	Evidence []byte // sealed in the store: the strokes of her signature, or her words
	At       time.Time
	KeptAt   time.Time // when it was written down; only read
}

// maxEvidence is enough for a signature of a few thousand points.
const maxEvidence = 64 << 10

const labelEvidence = "consent.evidence"

// Record appends what she said. Where it changes nothing (the same state, text and
// channels as her last word) it returns that and appends nothing.
func (r *Room) Record(tx *db.Tx, e Entry) (Entry, error) {
	p, err := r.bare(tx, e.Purpose)
	if errors.Is(err, db.ErrNotFound) {
		err = db.Invalid{Field: "purpose", Code: "unknown"}
	}
	if err != nil {
		return e, err
	}
	if err := e.check(p, tx.Now); err != nil {
		return e, err
	}
	who, err := r.hold(tx, e.Customer)
	if err != nil {
		return e, err
	}
	return r.add(tx, who, e)
}

// StopAll withdraws every purpose that needs a grant, also what was never granted:
// then it is a refusal on record. Purpose and State of the entry are not looked at.
func (r *Room) StopAll(tx *db.Tx, e Entry) ([]Entry, error) {
	purposes, err := r.Purposes(tx)
	if err != nil {
		return nil, err
	}
	who, err := r.hold(tx, e.Customer)
	if err != nil {
		return nil, err
	}
	var out []Entry
	for _, p := range purposes {
		if !p.NeedsGrant {
			continue
		}
		one := e
		one.Purpose, one.State, one.Version = p.Name, Withdrawn, p.Version
		if err := one.check(p, tx.Now); err != nil {
			return nil, err
		}
		if one, err = r.add(tx, who, one); err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	// A file that still has her number must not bring her back as somebody new.
	return out, r.Book.Suppress(tx, who.records, customer.SuppressStopped)
}

// check tidies an entry and names the first field that cannot be.
func (e *Entry) check(p Purpose, now time.Time) error {
	for _, id := range []struct {
		field string
		value *string
	}{
		{"customer", &e.Customer}, {"account", &e.Account}, {"staff", &e.Staff}, {"witness", &e.Witness}, {"message", &e.Message},
	} {
		if *id.value = strings.TrimSpace(db.CleanText(*id.value)); len(*id.value) > 80 {
			return db.Invalid{Field: id.field, Code: "too_long"}
		}
	}
	if e.Version == 0 {
		e.Version = p.Version
	}
	if e.Witness == "" && (e.How == HowStaff || e.How == HowTablet) {
		e.Witness = e.Staff
	}
	switch {
	case !p.NeedsGrant:
		return db.Invalid{Field: "purpose", Code: "fixed"}
	case e.State != Granted && e.State != Withdrawn:
		return db.Invalid{Field: "state", Code: "unknown"}
	case !slices.Contains(Hows(), e.How):
		return db.Invalid{Field: "how", Code: "unknown"}
	case e.How == HowBlock && e.State == Granted:
		return db.Invalid{Field: "how", Code: "kind"}
	case e.State == Granted && !p.ClosedAt.IsZero():
		return db.Invalid{Field: "purpose", Code: "closed"}
	case e.Version < 1 || e.Version > p.Version:
		return db.Invalid{Field: "version", Code: "unknown"}
	case (e.How == HowStaff || e.How == HowTablet) && e.Staff == "":
		return db.Invalid{Field: "staff", Code: "required"}
	case e.How == HowTablet && e.State == Granted && len(e.Evidence) == 0:
		return db.Invalid{Field: "evidence", Code: "required"}
	case len(e.Evidence) > maxEvidence:
		return db.Invalid{Field: "evidence", Code: "too_large"}
	case e.At.After(now):
		return db.Invalid{Field: "at", Code: "too_late"}
	case !e.At.IsZero() && e.At.Year() < 1990:
		return db.Invalid{Field: "at", Code: "too_early"}
	}
	if e.Language != "" {
		if e.Language = Language(e.Language); e.Language == "" {
			return db.Invalid{Field: "language", Code: "unknown"}
		}
	}
	return nil
}

// heed keeps a file or a program from saying yes for somebody who said no, or was
// erased, and lets her own yes to marketing end that.
func (r *Room) heed(tx *db.Tx, who person, e, last Entry) error {
	if e.State != Granted {
		return nil
	}
	// Another system sends what it knows every night: without a time that is not newer than
	// the no that she said here.
	if e.How == HowImport && e.At.IsZero() && last.State == Withdrawn && last.How != HowImport {
		return db.Invalid{Field: "at", Code: "required"}
	}
	if e.How == HowImport || strings.HasPrefix(e.Staff, "token/") {
		no, err := r.Book.Suppressed(tx, who.records)
		if err == nil && no {
			err = db.Invalid{Field: "customer", Code: "stopped"}
		}
		return err
	}
	if e.Purpose != Marketing {
		return nil
	}
	return r.Book.Unsuppress(tx, who.records)
}

// add appends an entry that was checked.
func (r *Room) add(tx *db.Tx, who person, e Entry) (Entry, error) {
	last, err := newest(tx, who.records, e.Purpose, e.Account)
	if err != nil {
		return e, err
	}
	if last.State == e.State && last.Account == e.Account && (e.State == Withdrawn || last.Version == e.Version) &&
		(e.At.IsZero() || !e.At.Before(last.At)) {
		return last, nil
	}
	if err := r.heed(tx, who, e, last); err != nil {
		return e, err
	}
	if !e.At.IsZero() { // brought in, and perhaps for the second time
		if there, err := same(tx, e); err != nil || there.ID != "" {
			return there, err
		}
	}
	if e.At.IsZero() {
		// Another node's clock may be ahead of ours: what she says now is her last word.
		if e.At = tx.Now; !e.At.After(last.At) {
			e.At = last.At.Add(time.Microsecond)
		}
	}
	e.ID, e.KeptAt = tx.NewID("con"), tx.Now
	var sealed []byte
	if len(e.Evidence) > 0 {
		if sealed, err = r.Vault.Seal(tx, e.Customer, labelEvidence, e.Evidence); err != nil {
			return e, err
		}
	}
	if _, err := tx.Exec(`INSERT INTO consent (`+entryColumns+`, evidence) VALUES (`+db.Marks(14, 1)+`)`,
		e.ID, e.Customer, e.Purpose, e.Account, string(e.State), string(e.How), int64(e.Version), e.Language, e.Staff, e.Witness,
		e.Message, db.Micro(e.At), db.Micro(e.KeptAt), sealed); err != nil {
		return e, fmt.Errorf("record consent: %w", err)
	}
	kind := event.ConsentGranted
	if e.State == Withdrawn {
		kind = event.ConsentWithdrawn
	}
	event.Append(tx, event.Event{Kind: kind, Customer: who.id, Message: e.Message, By: e.Staff,
		Data: map[string]string{"purpose": e.Purpose, "account": e.Account, "how": string(e.How), "version": fmt.Sprint(e.Version)}})
	actor := e.Staff
	if actor == "" {
		actor = byCustomer
	}
	audit.Record(tx, audit.Entry{Actor: actor, Action: "consent_" + string(e.State), Customer: who.id, Object: e.ID,
		Detail: strings.TrimSpace(fmt.Sprintf("%s version %d %s %s", e.Purpose, e.Version, e.How, e.Account))})
	return e, nil
}

// byCustomer is the actor of what a customer does herself.
const byCustomer = "customer"

const entryColumns = `id, customer_id, purpose, account_id, state, how, version, language, staff_id, witness_id, message_id, at, kept_at`

func entryCells(e *Entry, at, kept *int64) []any {
	return []any{&e.ID, &e.Customer, &e.Purpose, &e.Account, &e.State, &e.How, &e.Version, &e.Language, &e.Staff, &e.Witness, &e.Message, at, kept}
}

func scanEntry(r *sql.Rows) (e Entry, err error) {
	var at, kept int64
	err = r.Scan(entryCells(&e, &at, &kept)...)
	e.At, e.KeptAt = db.Time(at), db.Time(kept)
	return e, err
}

// newest gives her last word about a purpose on an account; for the account ""
// her last word on any. The zero Entry: she never said anything.
func newest(tx *db.Tx, records []string, purpose, account string) (Entry, error) {
	marks, args := db.In(records, 3)
	args = append([]any{purpose, account}, args...)
	rows, err := tx.Query(`SELECT `+entryColumns+` FROM consent WHERE purpose = $1 AND customer_id IN (`+marks+`)
		AND (account_id = '' OR account_id = $2 OR $2 = '') ORDER BY at DESC, id DESC LIMIT 1`, args...)
	found, err := db.Collect(rows, err, scanEntry)
	if err != nil {
		return Entry{}, fmt.Errorf("her consent: %w", err)
	}
	if len(found) == 0 {
		return Entry{}, nil
	}
	return found[0], nil
}

// same gives the entry that says the same of the same moment.
func same(tx *db.Tx, e Entry) (Entry, error) {
	rows, err := tx.Query(`SELECT `+entryColumns+` FROM consent WHERE customer_id = $1 AND purpose = $2 AND at = $3
		AND account_id = $4 AND state = $5 AND version = $6 LIMIT 1`, e.Customer, e.Purpose, db.Micro(e.At), e.Account, string(e.State), int64(e.Version))
	found, err := db.Collect(rows, err, scanEntry)
	if err != nil || len(found) == 0 {
		return Entry{}, err
	}
	return found[0], nil
}

// History gives the whole ledger of a person, the newest first. The evidence of a
// record whose key was dropped is gone.
func (r *Room) History(tx *db.Tx, customerID string) ([]Entry, error) {
	who, err := r.look(tx, customerID)
	if err != nil {
		return nil, err
	}
	return r.ledger(tx, who.records)
}

func (r *Room) ledger(tx *db.Tx, records []string) ([]Entry, error) {
	type row struct {
		Entry
		sealed []byte
	}
	marks, args := db.In(records, 1)
	rows, err := tx.Query(`SELECT `+entryColumns+`, evidence FROM consent WHERE customer_id IN (`+marks+`) ORDER BY at DESC, id DESC`, args...)
	found, err := db.Collect(rows, err, func(r *sql.Rows) (x row, err error) {
		var at, kept int64
		err = r.Scan(append(entryCells(&x.Entry, &at, &kept), &x.sealed)...)
		x.At, x.KeptAt = db.Time(at), db.Time(kept)
		return x, err
	})
	if err != nil {
		return nil, fmt.Errorf("history of consent: %w", err)
	}
	out := make([]Entry, 0, len(found))
	for _, x := range found {
		x.Evidence, err = r.Vault.Open(tx, x.Customer, labelEvidence, x.sealed)
		if err != nil && !errors.Is(err, vault.ErrErased) {
			return nil, err
		}
		out = append(out, x.Entry)
	}
	return out, nil
}
