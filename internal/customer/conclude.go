package customer

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"dingdong/internal/db"
)

// Conclusion is a tag or a value that follows from what a customer said.
type Conclusion struct {
	Tag              string // empty: an attribute
	Attribute, Value string
	Proof            Proof
}

// Conclude is GiveTag and Learn for everything that one message says: it asks for
// all tags at once, because every message that comes in goes through here. What the
// group does not keep, a tag it closed or a value that is no longer among its
// choices, is passed over. It tells whether her card changed.
func (b *Book) Conclude(tx *db.Tx, customerID string, all []Conclusion) (bool, error) {
	if len(all) == 0 {
		return false, nil
	}
	records, err := b.recordsOf(tx, customerID)
	if err != nil {
		return false, err
	}
	changed, err := b.concludeTags(tx, customerID, records, all)
	if err != nil {
		return false, err
	}
	for _, c := range all {
		if c.Attribute == "" {
			continue
		}
		learnt, err := b.learn(tx, customerID, records, Learnt{Name: c.Attribute, Value: c.Value, Proof: c.Proof})
		if errors.As(err, new(db.Invalid)) {
			continue
		}
		if err != nil {
			return false, fmt.Errorf("attribute %s: %w", c.Attribute, err)
		}
		changed = changed || learnt
	}
	return changed, nil
}

// Knows tells that Conclude would change nothing: her card says all of it already, it
// was said of late, or it is not kept. Nothing is written.
func (b *Book) Knows(tx *db.Tx, customerID string, all []Conclusion) (bool, error) {
	if len(all) == 0 {
		return true, nil
	}
	records, err := b.recordsOf(tx, customerID)
	if errors.Is(err, db.ErrNotFound) { // erased meanwhile: what follows is for who writes to find
		return false, nil
	}
	if err != nil {
		return false, err
	}
	gifts, err := b.newTags(tx, customerID, records, all)
	if err != nil || len(gifts) > 0 {
		return false, err
	}
	for _, c := range all {
		if c.Attribute == "" {
			continue
		}
		n, known, err := b.lessonOf(tx, customerID, records, Learnt{Name: c.Attribute, Value: c.Value, Proof: c.Proof})
		if errors.As(err, new(db.Invalid)) {
			continue
		}
		if err != nil || !n.repeats(known) {
			return false, err
		}
	}
	return true, nil
}

func (b *Book) concludeTags(tx *db.Tx, customerID string, records []string, all []Conclusion) (bool, error) {
	gifts, err := b.newTags(tx, customerID, records, all)
	if err != nil {
		return false, err
	}
	changed, counter, said := false, "", []string(nil)
	for _, g := range gifts {
		given, err := b.give(tx, g.gift, g.worn)
		if err != nil {
			return false, fmt.Errorf("tag %s: %w", g.tag.Name, err)
		}
		if given {
			changed, counter, said = true, g.CounterID, append(said, g.MessageID)
		}
	}
	if !changed {
		return false, nil
	}
	return true, b.tell(tx, news{customerID: customerID, counterID: counter, what: "tag"}, said...)
}

// newTag is a tag to give, and how she wears it already.
type newTag struct {
	gift
	worn []wornTag
}

// newTags are the tags among what she said that she has not, or not of late.
func (b *Book) newTags(tx *db.Tx, customerID string, records []string, all []Conclusion) ([]newTag, error) {
	var names []string
	for _, c := range all {
		if c.Tag != "" {
			names = append(names, c.Tag)
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	known, err := b.standingTags(tx, names, records)
	if err != nil {
		return nil, err
	}
	var out []newTag
	for _, c := range all {
		t, ok := known[c.Tag]
		if !ok || t.refused {
			continue
		}
		p, err := c.Proof.checked(tx.Now)
		if err != nil {
			return nil, err
		}
		if !t.saidLately(customerID, p) {
			out = append(out, newTag{gift{Proof: p, tag: t.Tag, customerID: customerID, expires: t.expiry(p)}, t.worn})
		}
	}
	return out, nil
}

// standingTag is a tag, and how it stands with a person.
type standingTag struct {
	Tag
	refused bool // an advisor undid it
	worn    []wornTag
}

// Lately is how long saying a thing again proves nothing new: who looks for a
// perfume says so ten times in a conversation.
const Lately = 24 * time.Hour

// again says whether a proof only repeats another of the same words.
func (p Proof) again(source Source, at int64) bool {
	since := p.At.Sub(db.Time(at))
	return p.Source == SourceSaid && source == SourceSaid && since >= 0 && since < Lately
}

func (t *standingTag) saidLately(customerID string, p Proof) bool {
	return slices.ContainsFunc(t.worn, func(w wornTag) bool {
		return w.customerID == customerID && p.again(w.source, w.at) && (w.expires == 0 || db.Time(w.expires).After(p.At))
	})
}

// standingTags reads open tags by name, with what a person has of them, in one query.
func (b *Book) standingTags(tx *db.Tx, names, records []string) (map[string]*standingTag, error) {
	called, args := db.In(names, 1)
	whose, more := db.In(records, len(args)+1)
	rows, err := tx.Query(`SELECT t.id, t.name, t.days,
			EXISTS (SELECT 1 FROM refusal f WHERE f.about = 'tag:' || t.id AND f.customer_id IN (`+whose+`)),
			x.id, x.customer_id, x.source, x.at, x.expires_at
		FROM tag t LEFT JOIN customer_tag x ON x.tag_id = t.id AND x.ended_at IS NULL AND x.customer_id IN (`+whose+`)
		WHERE t.closed_at IS NULL AND t.name IN (`+called+`)`, append(args, more...)...)
	out := map[string]*standingTag{}
	_, err = db.Collect(rows, err, func(r *sql.Rows) (none struct{}, err error) {
		var t standingTag
		var id, customer, source sql.NullString
		var at, expires sql.NullInt64
		if err = r.Scan(&t.ID, &t.Name, &t.Days, &t.refused, &id, &customer, &source, &at, &expires); err != nil {
			return none, err
		}
		if out[t.Name] == nil {
			out[t.Name] = &t
		}
		if id.Valid {
			same := out[t.Name]
			same.worn = append(same.worn, wornTag{id.String, customer.String, Source(source.String), at.Int64, expires.Int64})
		}
		return none, nil
	})
	if err != nil {
		return nil, fmt.Errorf("tags she said: %w", err)
	}
	return out, nil
}
