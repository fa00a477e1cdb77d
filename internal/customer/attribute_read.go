package customer

import (
	"cmp"
	"database/sql"
	"fmt"
	"slices"

	"dingdong/internal/audit"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// sealedAttribute is a row as stored; cells are opened after the rows were closed.
type sealedAttribute struct {
	Attribute
	person, defID, hash string
	slot                string // proofs of one slot rival: the value, where there may be many
	value, cause        []byte
}

const attributeColumns = `x.id, x.customer_id, x.def_id, x.value, x.hash, x.source, x.by, x.counter_id, x.message_id, x.rule, x.cause,
	x.at, x.ended_at, x.ended_by`

// personOf is the id whose card shows the customer of the table c.
const personOf = `CASE WHEN c.person_id = '' THEN c.id ELSE c.person_id END`

func scanAttribute(r *sql.Rows) (sealedAttribute, error) {
	var a sealedAttribute
	var at int64
	var ended sql.NullInt64
	err := r.Scan(&a.ID, &a.CustomerID, &a.defID, &a.value, &a.hash, &a.Proof.Source, &a.Proof.By, &a.Proof.CounterID, &a.Proof.MessageID,
		&a.Proof.Rule, &a.cause, &at, &ended, &a.EndedBy, &a.person, &a.slot)
	a.At, a.EndedAt = db.Time(at), moment(ended)
	a.Proof.At = a.At
	return a, err
}

// standing reads the proofs that count of some customers: the newest open one of
// each attribute of a person; where there may be many values, of each value.
func (b *Book) standing(tx *db.Tx, customerIDs []string, condition string, more ...any) ([]sealedAttribute, error) {
	if len(customerIDs) == 0 {
		return nil, nil
	}
	marks, args := db.In(customerIDs, len(more)+1)
	rows, err := tx.Query(`SELECT `+attributeColumns+`, `+personOf+`, CASE WHEN d.type = 'many' THEN x.hash ELSE '' END
		FROM attribute x JOIN attribute_def d ON d.id = x.def_id JOIN customer c ON c.id = x.customer_id
		WHERE x.customer_id IN (`+marks+`) AND x.ended_at IS NULL AND d.closed_at IS NULL`+condition, append(more, args...)...)
	found, err := db.Collect(rows, err, scanAttribute)
	if err != nil {
		return nil, fmt.Errorf("attributes: %w", err)
	}
	// Picked here: a window over such wide rows costs the database more than all the rest of a card.
	type slot struct{ person, defID, slot string }
	newest := make(map[slot]int, len(found))
	kept := found[:0]
	for _, a := range found {
		key := slot{a.person, a.defID, a.slot}
		i, rivals := newest[key]
		switch {
		case !rivals:
			newest[key] = len(kept)
			kept = append(kept, a)
		case cmp.Or(a.At.Compare(kept[i].At), cmp.Compare(a.ID, kept[i].ID)) > 0:
			kept[i] = a
		}
	}
	return kept, nil
}

// Attributes returns what counts now on the card of a person, in the order of
// the attributes, as far as the viewer may see it.
func (b *Book) Attributes(tx *db.Tx, s Sight, records []string) ([]Attribute, error) {
	found, err := b.standing(tx, records, "")
	if err != nil {
		return nil, err
	}
	all, err := b.openAttributes(tx, s, found)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(all, func(x, y Attribute) int {
		return cmp.Or(cmp.Compare(x.Def.Position, y.Def.Position), cmp.Compare(x.Def.Name, y.Def.Name),
			x.At.Compare(y.At), cmp.Compare(x.ID, y.ID))
	})
	return all, nil
}

// AttributeHistory returns every proof of one attribute, the newest first, the
// undone ones too.
func (b *Book) AttributeHistory(tx *db.Tx, s Sight, p Page, defID string) ([]Attribute, error) {
	return b.attributePage(tx, s, p, ` AND x.def_id = `, defID)
}

// AttributePage returns values of all attributes for a timeline, the newest
// first, each with its latest proof; the undone ones too.
func (b *Book) AttributePage(tx *db.Tx, s Sight, p Page) ([]Attribute, error) {
	return b.attributePage(tx, s, p, ` AND x.ended_by <> `, Renewed)
}

// attributePage reads a page under a condition, which ends where its value stands.
func (b *Book) attributePage(tx *db.Tx, s Sight, p Page, condition, value string) ([]Attribute, error) {
	if len(p.Records) == 0 {
		return nil, nil
	}
	where, args := p.where()
	args = append(args, value)
	where += condition + mark(len(args))
	brands, args := s.brandCondition("d.brand_id", args)
	rows, err := tx.Query(`SELECT `+attributeColumns+`, '', '' FROM attribute x JOIN attribute_def d ON d.id = x.def_id WHERE `+where+brands+p.tail(), args...)
	found, err := db.Collect(rows, err, scanAttribute)
	if err != nil {
		return nil, fmt.Errorf("history of attributes: %w", err)
	}
	return b.openAttributes(tx, s, found)
}

// brandCondition narrows a query to what belongs to no brand or to one the
// viewer sees, so that a page of a history is full.
func (s Sight) brandCondition(column string, args []any) (string, []any) {
	if s.viewer.SeesAll() {
		return "", args
	}
	brands := []string{""}
	for id := range s.brands {
		brands = append(brands, id)
	}
	slices.Sort(brands)
	return within(column, brands, args)
}

// openAttributes opens rows in their order and leaves out what the viewer may
// not see, and what nobody can read any more.
func (b *Book) openAttributes(tx *db.Tx, s Sight, found []sealedAttribute) ([]Attribute, error) {
	defs, err := b.AttributeDefs(tx)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]AttributeDef, len(defs))
	for _, d := range defs {
		byID[d.ID] = d
	}
	out := make([]Attribute, 0, len(found))
	for _, a := range found {
		a.Def = byID[a.defID]
		if !s.Brand(a.Def.BrandID) {
			continue
		}
		if a.Value, err = b.openText(tx, a.CustomerID, labelValue, a.value); err != nil {
			return nil, err
		}
		if a.Value == "" {
			continue
		}
		if a.Proof.Cause, err = b.openText(tx, a.CustomerID, labelCause, a.cause); err != nil {
			return nil, err
		}
		a.Proof = s.narrow(a.Proof)
		out = append(out, a.Attribute)
	}
	return out, nil
}

// Forget undoes a value, with every proof of it, and remembers not to conclude
// it again. What was known before counts again. Whether she may see the customer
// is the caller's to check.
func (b *Book) Forget(tx *db.Tx, v staff.Viewer, attributeID string) error {
	var customerID, defID, hash, brandID, counterID string
	var ended bool
	err := tx.QueryRow(`SELECT a.customer_id, a.def_id, a.hash, d.brand_id, a.counter_id, a.ended_at IS NOT NULL AND a.ended_by <> $2
		FROM attribute a JOIN attribute_def d ON d.id = a.def_id WHERE a.id = $1`, db.CleanText(attributeID), Renewed).
		Scan(&customerID, &defID, &hash, &brandID, &counterID, &ended)
	if err != nil {
		return fmt.Errorf("forget: %w", db.NotFound(err))
	}
	if err := b.mayUndo(tx, v, brandID); err != nil || ended {
		return err
	}
	records, err := b.recordsOf(tx, customerID)
	if err != nil {
		return err
	}
	marks, args := db.In(records, 6)
	rows, err := tx.Query(`UPDATE attribute SET ended_at = $1, ended_by = $2 WHERE def_id = $3 AND hash = $4 AND (ended_at IS NULL OR ended_by = $5)
		AND customer_id IN (`+marks+`) RETURNING customer_id, source`, append([]any{db.Micro(tx.Now), v.ID, defID, hash, Renewed}, args...)...)
	concluded, err := conclusions(rows, err)
	if err != nil {
		return fmt.Errorf("forget: %w", err)
	}
	if err := b.remember(tx, attributeAbout(defID, hash), v.ID, concluded); err != nil {
		return err
	}
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: "attribute_forgotten", Customer: customerID, Object: attributeID})
	return b.tell(tx, news{customerID, counterID, v.ID, "attribute"})
}

// mayUndo checks who undoes something that may belong to a brand.
func (b *Book) mayUndo(tx *db.Tx, v staff.Viewer, brandID string) error {
	s, err := b.Sight(tx, v)
	switch {
	case err != nil:
		return err
	case !s.Brand(brandID):
		return db.ErrNotFound
	case !v.May(staff.KeepCards):
		return staff.ErrForbidden
	}
	return nil
}

// conclusions collects the records of rows that no person vouched for.
func conclusions(rows *sql.Rows, err error) (map[string]bool, error) {
	out := map[string]bool{}
	_, err = db.Collect(rows, err, func(r *sql.Rows) (none struct{}, err error) {
		var id string
		var p Proof
		err = r.Scan(&id, &p.Source)
		if p.concluded() {
			out[id] = true
		}
		return none, err
	})
	return out, err
}
