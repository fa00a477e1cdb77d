package customer

import (
	"cmp"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

const (
	labelValue = "attribute.value"
	labelCause = "attribute.cause"
)

// Learnt is a value of an attribute, with its proof.
type Learnt struct {
	Name  string // of the attribute
	Value string
	Proof Proof
}

// Learn takes in a value of a customer's attribute and tells whether her card
// changed. The newest proof counts, by when it was proved and not when we heard
// of it, and an older one only enters the history. What an advisor undid is not
// concluded again from her words or behaviour. The caller has checked that
// whoever enters this may.
func (b *Book) Learn(tx *db.Tx, customerID string, l Learnt) (bool, error) {
	records, err := b.recordsOf(tx, customerID)
	if err != nil {
		return false, err
	}
	return b.learn(tx, customerID, records, l)
}

func (b *Book) learn(tx *db.Tx, customerID string, records []string, l Learnt) (bool, error) {
	n, known, err := b.lessonOf(tx, customerID, records, l)
	if err != nil || n.repeats(known) {
		return false, err
	}
	if refused, err := b.refuse(tx, refusal{records, attributeAbout(n.def.ID, n.hash), n.Proof}); err != nil || refused {
		return false, err
	}
	changed, err := b.enter(tx, n, known)
	if err != nil || !changed {
		return false, err
	}
	return true, b.tell(tx, news{customerID, n.CounterID, n.By, "attribute"})
}

// lessonOf checks a value on its way in, and lists what is known of its attribute, the
// newest first.
func (b *Book) lessonOf(tx *db.Tx, customerID string, records []string, l Learnt) (n lesson, known []proved, err error) {
	if n.Proof, err = l.Proof.checked(tx.Now); err != nil {
		return n, nil, err
	}
	if n.def, err = b.openDef(tx, l.Name); err != nil {
		return n, nil, err
	}
	if n.value, err = n.def.normal(l.Value, tx.Now); err != nil {
		return n, nil, err
	}
	n.customerID, n.hash = customerID, b.attributeHash(n.def, n.value)
	known, err = b.proofs(tx, n.def, records)
	return n, known, err
}

// LearnByHand is Learn for what a viewer enters. Whether she may see the
// customer is the caller's to check: see conversation.Desk.Visible.
func (b *Book) LearnByHand(tx *db.Tx, v staff.Viewer, h ByHand) (bool, error) {
	p, err := h.proof(tx, v)
	if err != nil {
		return false, err
	}
	d, err := b.openDef(tx, h.Name)
	if err != nil {
		return false, err
	}
	s, err := b.Sight(tx, v)
	if err != nil {
		return false, err
	}
	if !s.Brand(d.BrandID) {
		return false, db.Invalid{Field: "attribute", Code: "unknown"}
	}
	return b.Learn(tx, h.CustomerID, Learnt{Name: d.Name, Value: h.Value, Proof: p})
}

// openDef finds an attribute that is in use.
func (b *Book) openDef(tx *db.Tx, name string) (AttributeDef, error) {
	d, err := b.attributeDef(tx, "name", name)
	switch {
	case errors.Is(err, db.ErrNotFound):
		return d, db.Invalid{Field: "attribute", Code: "unknown"}
	case err == nil && d.Closed:
		return d, db.Invalid{Field: "attribute", Code: "closed"}
	}
	return d, err
}

// recordsOf lists the records of whoever a customer is.
func (b *Book) recordsOf(tx *db.Tx, customerID string) ([]string, error) {
	var person string
	var others int
	err := tx.QueryRow(`SELECT person_id, (SELECT COUNT(*) FROM customer o WHERE o.person_id = $1 AND o.person_id <> '') FROM customer WHERE id = $1`,
		customerID).Scan(&person, &others)
	if err != nil {
		return nil, fmt.Errorf("person: %w", db.NotFound(err))
	}
	if person == "" && others == 0 { // as nearly everybody
		return []string{customerID}, nil
	}
	return b.Records(tx, cmp.Or(person, customerID))
}

// lesson is a checked value on its way in.
type lesson struct {
	Proof
	def                     AttributeDef
	customerID, value, hash string
}

// proved is an open proof as stored; a record has one of each value.
type proved struct {
	id, customerID, hash string
	source               Source
	value                []byte
	at                   int64
}

// repeats says that she only said again what counts already.
func (n lesson) repeats(known []proved) bool {
	return n.def.Type != TypeBirthday && slices.ContainsFunc(known, func(k proved) bool {
		return k.hash == n.hash && k.customerID == n.customerID && n.again(k.source, k.at) && (n.def.Type == TypeMany || known[0].hash == n.hash)
	})
}

// proofs lists the open proofs of an attribute, the newest first.
func (b *Book) proofs(tx *db.Tx, d AttributeDef, records []string) ([]proved, error) {
	marks, args := db.In(records, 2)
	rows, err := tx.Query(`SELECT id, customer_id, hash, source, value, at FROM attribute
		WHERE def_id = $1 AND customer_id IN (`+marks+`) AND ended_at IS NULL`, append([]any{d.ID}, args...)...)
	found, err := db.Collect(rows, err, func(r *sql.Rows) (p proved, err error) {
		return p, r.Scan(&p.id, &p.customerID, &p.hash, &p.source, &p.value, &p.at)
	})
	if err != nil {
		return nil, fmt.Errorf("proofs of %s: %w", d.Name, err)
	}
	slices.SortFunc(found, func(x, y proved) int { return cmp.Or(cmp.Compare(y.at, x.at), cmp.Compare(y.id, x.id)) })
	return found, nil
}

// enter stores a proof beside the known ones, the newest of which is first. It
// tells whether another value counts now.
func (b *Book) enter(tx *db.Tx, n lesson, known []proved) (bool, error) {
	values := map[string]bool{}
	var same *proved // what proves the same value of the same record
	for i, k := range known {
		values[k.hash] = true
		if k.hash == n.hash && k.customerID == n.customerID {
			same = &known[i]
		}
	}
	if repeated, err := b.readBefore(tx, "attribute", n.Proof, n.customerID, n.hash); err != nil || repeated {
		return false, err
	}
	changed := !values[n.hash]
	if n.def.Type != TypeMany {
		changed = len(known) == 0 || known[0].hash != n.hash && known[0].at <= db.Micro(n.At)
	} else if changed && len(values) >= MaxMany {
		return false, db.Invalid{Field: n.def.Name, Code: "too_many"}
	}
	if n.def.Type == TypeBirthday && len(known) > 0 && known[0].hash == n.hash {
		before, err := b.openText(tx, known[0].customerID, labelValue, known[0].value)
		if err != nil {
			return false, err
		}
		if len(n.value) < len(before) { // the day alone confirms the year that is known
			n.value = before
		}
		changed = n.value != before && known[0].at <= db.Micro(n.At)
	}
	switch {
	case same == nil:
		return changed, b.insertProof(tx, n, "")
	case same.at > db.Micro(n.At): // late: it enters the history only
		return false, b.insertProof(tx, n, Renewed)
	case same.source == n.Source && n.Source != SourceSaid && !changed:
		return false, b.confirm(tx, n, same.id)
	}
	if _, err := tx.Exec(`UPDATE attribute SET ended_at = $2, ended_by = $3 WHERE id = $1`, same.id, db.Micro(tx.Now), Renewed); err != nil {
		return false, fmt.Errorf("renew %s: %w", n.def.Name, err)
	}
	return changed, b.insertProof(tx, n, "")
}

// confirm moves on what the same source said before: who imports the same file
// every night, or computes the same thing, shall not fill the history.
func (b *Book) confirm(tx *db.Tx, n lesson, id string) error {
	value, cause, err := b.sealProof(tx, n)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`UPDATE attribute SET value = $2, by = $3, counter_id = $4, message_id = $5, rule = $6, cause = $7, at = $8 WHERE id = $1`,
		id, value, n.By, n.CounterID, n.MessageID, n.Rule, cause, db.Micro(n.At))
	if err != nil {
		return fmt.Errorf("confirm %s: %w", n.def.Name, err)
	}
	return nil
}

func (b *Book) insertProof(tx *db.Tx, n lesson, endedBy string) error {
	value, cause, err := b.sealProof(tx, n)
	if err != nil {
		return err
	}
	ended := sql.NullInt64{Int64: db.Micro(tx.Now), Valid: endedBy != ""}
	// Another node may have learnt the same at this moment: once is enough.
	_, err = tx.Exec(`INSERT INTO attribute (id, customer_id, def_id, value, hash, source, by, counter_id, message_id, rule, cause, at, ended_at, ended_by)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT DO NOTHING`,
		tx.NewID("atr"), n.customerID, n.def.ID, value, n.hash, string(n.Source), n.By, n.CounterID, n.MessageID, n.Rule, cause, db.Micro(n.At),
		ended, endedBy)
	if err != nil {
		return fmt.Errorf("learn %s: %w", n.def.Name, err)
	}
	return nil
}

func (b *Book) sealProof(tx *db.Tx, n lesson) (value, cause []byte, err error) {
	if value, err = b.sealText(tx, n.customerID, labelValue, n.value); err != nil {
		return nil, nil, err
	}
	cause, err = b.sealText(tx, n.customerID, labelCause, n.Cause)
	return value, cause, err
}

// Attribute is one proof of a value on a card.
type Attribute struct {
	ID         string
	CustomerID string // the record it belongs to
	Def        AttributeDef
	Value      string
	Proof      Proof
	At         time.Time // when it was proved
	EndedAt    time.Time // zero: it stands
	EndedBy    string    // who undid it, or Renewed
}
