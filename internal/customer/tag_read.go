package customer

import (
	"cmp"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"dingdong/internal/db"
)

// CustomerTag is a tag on a card, with why it is there.
type CustomerTag struct {
	ID         string
	CustomerID string // the record it belongs to
	Tag        Tag
	Proof      Proof
	Language   string    // of the lexicon that heard it
	At         time.Time // of the proof
	ExpiresAt  time.Time // zero: it does not expire
	EndedAt    time.Time // when it was taken; zero: it was not
	EndedBy    string
}

const customerTagColumns = `x.id, x.customer_id, x.tag_id, x.counter_id, x.source, x.by, x.message_id, x.rule, x.cause, x.at, x.expires_at,
	x.ended_at, x.ended_by`

type sealedTag struct {
	CustomerTag
	tagID string
	cause []byte
}

func scanCustomerTag(r *sql.Rows) (sealedTag, error) {
	var t sealedTag
	var at, expires int64
	var ended sql.NullInt64
	err := r.Scan(&t.ID, &t.CustomerID, &t.tagID, &t.Proof.CounterID, &t.Proof.Source, &t.Proof.By, &t.Proof.MessageID, &t.Proof.Rule,
		&t.cause, &at, &expires, &ended, &t.EndedBy)
	t.At, t.ExpiresAt, t.EndedAt = db.Time(at), db.Time(expires), moment(ended)
	t.Proof.At = t.At
	t.Language, _, _ = strings.Cut(t.Proof.Rule, "/")
	return t, err
}

// TagsOf returns the tags on the card of a person, in the order of the tags, as
// far as the viewer may see them. What has expired does not show.
func (b *Book) TagsOf(tx *db.Tx, s Sight, records []string) ([]CustomerTag, error) {
	if len(records) == 0 {
		return nil, nil
	}
	marks, args := db.In(records, 2)
	rows, err := tx.Query(`SELECT `+customerTagColumns+` FROM customer_tag x JOIN tag t ON t.id = x.tag_id
		WHERE x.customer_id IN (`+marks+`) AND x.ended_at IS NULL AND (x.expires_at = 0 OR x.expires_at > $1) AND t.closed_at IS NULL
		ORDER BY x.at DESC, x.id DESC`, append([]any{db.Micro(tx.Now)}, args...)...)
	found, err := db.Collect(rows, err, scanCustomerTag)
	if err != nil {
		return nil, fmt.Errorf("tags of a person: %w", err)
	}
	// Two records of a person may both have it: the newest proof shows.
	seen := map[string]bool{}
	found = slices.DeleteFunc(found, func(t sealedTag) bool {
		again := seen[t.tagID]
		seen[t.tagID] = true
		return again
	})
	all, err := b.openTags(tx, s, found)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(all, func(x, y CustomerTag) int {
		return cmp.Or(cmp.Compare(x.Tag.Position, y.Tag.Position), cmp.Compare(x.Tag.Name, y.Tag.Name))
	})
	return all, nil
}

// TagPage returns tags for a timeline, the newest first: those she has or had,
// each with its latest proof.
func (b *Book) TagPage(tx *db.Tx, s Sight, p Page) ([]CustomerTag, error) {
	if len(p.Records) == 0 {
		return nil, nil
	}
	where, args := p.where()
	brands, args := s.brandCondition("t.brand_id", args)
	args = append(args, Renewed)
	rows, err := tx.Query(`SELECT `+customerTagColumns+` FROM customer_tag x JOIN tag t ON t.id = x.tag_id
		WHERE `+where+brands+` AND x.ended_by <> `+mark(len(args))+p.tail(), args...)
	found, err := db.Collect(rows, err, scanCustomerTag)
	if err != nil {
		return nil, fmt.Errorf("history of tags: %w", err)
	}
	return b.openTags(tx, s, found)
}

func (b *Book) openTags(tx *db.Tx, s Sight, found []sealedTag) ([]CustomerTag, error) {
	if len(found) == 0 {
		return nil, nil
	}
	ids := make([]string, len(found))
	for i, t := range found {
		ids[i] = t.tagID
	}
	slices.Sort(ids)
	marks, args := db.In(slices.Compact(ids), 1)
	rows, err := tx.Query(`SELECT `+tagColumns+` FROM tag WHERE id IN (`+marks+`)`, args...)
	tags, err := db.Collect(rows, err, func(r *sql.Rows) (Tag, error) { return scanTag(r) })
	if err != nil {
		return nil, fmt.Errorf("tags: %w", err)
	}
	byID := make(map[string]Tag, len(tags))
	for _, t := range tags {
		byID[t.ID] = t
	}
	out := make([]CustomerTag, 0, len(found))
	for _, t := range found {
		t.Tag = byID[t.tagID]
		if !s.Brand(t.Tag.BrandID) {
			continue
		}
		if t.Proof.Cause, err = b.openText(tx, t.CustomerID, labelTagCause, t.cause); err != nil {
			return nil, err
		}
		t.Proof = s.narrow(t.Proof)
		out = append(out, t.CustomerTag)
	}
	return out, nil
}

// FindByTag returns who has a tag now; somebody of several records may come on
// two pages. Who may see which of them is the caller's to check, and whether the
// viewer sees the tag's brand.
func (b *Book) FindByTag(tx *db.Tx, f Find) (Found, error) {
	t, err := b.openTag(tx, f.Name)
	if err != nil {
		return Found{}, err
	}
	type holder struct{ record, person string }
	rows, err := tx.Query(`SELECT x.customer_id, `+personOf+` FROM customer_tag x JOIN customer c ON c.id = x.customer_id
		WHERE x.tag_id = $1 AND x.ended_at IS NULL AND x.customer_id > $2 AND (x.expires_at = 0 OR x.expires_at > $3)
		ORDER BY x.customer_id LIMIT $4`, t.ID, db.CleanText(f.After), db.Micro(tx.Now), f.limit()+1)
	holders, err := db.Collect(rows, err, func(r *sql.Rows) (h holder, err error) { return h, r.Scan(&h.record, &h.person) })
	if err != nil {
		return Found{}, fmt.Errorf("find by tag: %w", err)
	}
	found := Found{}
	if len(holders) > f.limit() {
		holders = holders[:f.limit()]
		found.Next = holders[len(holders)-1].record
	}
	for _, h := range holders {
		found.Persons = append(found.Persons, h.person)
	}
	slices.Sort(found.Persons)
	found.Persons = slices.Compact(found.Persons)
	return found, nil
}

// TagsSaid returns the tags that some messages were read for, while she still has them
// because of what she said: of one brand, and those that belong to none. What a viewer
// may see of them is what she sees of the messages.
func (b *Book) TagsSaid(tx *db.Tx, brandID string, messageIDs []string) ([]CustomerTag, error) {
	if len(messageIDs) == 0 {
		return nil, nil
	}
	marks, args := db.In(messageIDs, 4)
	rows, err := tx.Query(`SELECT x.id, x.customer_id, x.message_id, x.counter_id, x.rule, x.cause, x.at, t.id, t.name, t.label, t.tone, t.brand_id, t.position
		FROM customer_tag x JOIN tag t ON t.id = x.tag_id
		WHERE x.message_id IN (`+marks+`) AND x.message_id <> '' AND x.source = 'said' AND (x.ended_at IS NULL OR x.ended_by = $3)
			AND t.closed_at IS NULL AND t.brand_id IN ('', $1) AND EXISTS (SELECT 1 FROM customer_tag y WHERE y.customer_id = x.customer_id
				AND y.tag_id = x.tag_id AND y.ended_at IS NULL AND y.source = 'said' AND (y.expires_at = 0 OR y.expires_at > $2))
		ORDER BY t.position, t.name, x.id`, append([]any{brandID, db.Micro(tx.Now), Renewed}, args...)...)
	found, err := db.Collect(rows, err, func(r *sql.Rows) (t sealedTag, err error) {
		var at int64
		err = r.Scan(&t.ID, &t.CustomerID, &t.Proof.MessageID, &t.Proof.CounterID, &t.Proof.Rule, &t.cause, &at, &t.Tag.ID, &t.Tag.Name, &t.Tag.Label,
			&t.Tag.Tone, &t.Tag.BrandID, &t.Tag.Position)
		t.Proof.Source, t.At = SourceSaid, db.Time(at)
		t.Proof.At = t.At
		return t, err
	})
	if err != nil {
		return nil, fmt.Errorf("tags that were said: %w", err)
	}
	out := make([]CustomerTag, len(found))
	for i, t := range found {
		if t.Proof.Cause, err = b.openText(tx, t.CustomerID, labelTagCause, t.cause); err != nil {
			return nil, err
		}
		out[i] = t.CustomerTag
	}
	return out, nil
}
