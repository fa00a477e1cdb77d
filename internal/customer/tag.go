package customer

import (
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"

	"dingdong/internal/audit"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// Tag is a short word that can stand on a card.
type Tag struct {
	ID       string
	Name     string // what programs and lexicons call it: concern:sensitive
	Label    string // the group's own words; "": the locale's word for a known name
	Tone     string // its colour, one of Tones
	BrandID  string // "": every brand sees it
	Days     int    // how long it holds after its proof; 0: it does not expire
	ByHand   bool   // offered to the advisor when she leaves a conversation
	Position int
	Closed   bool
}

// Tones lists the colours of tags; the first is the plain one.
func Tones() []string { return []string{"", "rose", "amber", "green", "blue", "violet", "grey"} }

const (
	maxTags = 5000
	maxDays = 3650
)

var tagName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}(:[a-z0-9][a-z0-9_.-]{0,39})?$`)

const tagColumns = `id, name, label, tone, brand_id, days, by_hand, position, closed_at IS NOT NULL`

func scanTag(row scanner) (Tag, error) {
	var t Tag
	err := row.Scan(&t.ID, &t.Name, &t.Label, &t.Tone, &t.BrandID, &t.Days, &t.ByHand, &t.Position, &t.Closed)
	return t, err
}

// Tags lists all tags in their order, closed ones last.
func (b *Book) Tags(tx *db.Tx) ([]Tag, error) {
	return readTags(tx, ` ORDER BY CASE WHEN closed_at IS NULL THEN 0 ELSE 1 END, position, name`)
}

// TagsByHand lists the tags in use that are offered when somebody leaves the counter.
func (b *Book) TagsByHand(tx *db.Tx) ([]Tag, error) {
	return readTags(tx, ` WHERE by_hand AND closed_at IS NULL ORDER BY position, name`)
}

func readTags(tx *db.Tx, which string) ([]Tag, error) {
	rows, err := tx.Query(`SELECT ` + tagColumns + ` FROM tag` + which)
	tags, err := db.Collect(rows, err, func(r *sql.Rows) (Tag, error) { return scanTag(r) })
	if err != nil {
		return nil, fmt.Errorf("tags: %w", err)
	}
	return tags, nil
}

// tag finds one by id or name, or db.ErrNotFound.
func (b *Book) tag(tx *db.Tx, column, value string) (Tag, error) {
	t, err := scanTag(tx.QueryRow(`SELECT `+tagColumns+` FROM tag WHERE `+column+` = $1`, db.CleanText(value)))
	if err != nil {
		return t, fmt.Errorf("tag: %w", db.NotFound(err))
	}
	return t, nil
}

// openTag finds a tag that is in use.
func (b *Book) openTag(tx *db.Tx, name string) (Tag, error) {
	t, err := b.tag(tx, "name", name)
	switch {
	case errors.Is(err, db.ErrNotFound):
		return t, db.Invalid{Field: "tag", Code: "unknown"}
	case err == nil && t.Closed:
		return t, db.Invalid{Field: "tag", Code: "closed"}
	}
	return t, err
}

// SaveTag makes a tag, or changes the one with the ID. Its name stays: lexicons
// and programs use it.
func (b *Book) SaveTag(tx *db.Tx, v staff.Viewer, t Tag) (Tag, error) {
	if !v.May(staff.ManageGroup) {
		return t, staff.ErrForbidden
	}
	if t.ID != "" {
		old, err := b.tag(tx, "id", t.ID)
		if err != nil {
			return t, err
		}
		if t.Name != "" && t.Name != old.Name {
			return t, db.Invalid{Field: "name", Code: "fixed"}
		}
		t.Name, t.Closed = old.Name, old.Closed
	}
	switch {
	case !tagName.MatchString(t.Name):
		return t, db.Invalid{Field: "name", Code: "malformed"}
	case !slices.Contains(Tones(), t.Tone):
		return t, db.Invalid{Field: "tone", Code: "unknown"}
	case t.Days < 0 || t.Days > maxDays:
		return t, db.Invalid{Field: "days", Code: "unknown"}
	}
	t.Label = line(t.Label)
	p := place{Table: "tag", ID: t.ID, Name: t.Name, Label: t.Label, BrandID: t.BrandID, Position: t.Position}
	if err := p.check(tx); err != nil {
		return t, err
	}
	var err error
	if t.ID == "" {
		t.ID, t.Closed = tx.NewID("tag"), false
		_, err = tx.Exec(`INSERT INTO tag (id, name, label, tone, brand_id, days, by_hand, position) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			t.ID, t.Name, t.Label, t.Tone, t.BrandID, int64(t.Days), t.ByHand, int64(t.Position))
	} else {
		_, err = tx.Exec(`UPDATE tag SET label = $2, tone = $3, brand_id = $4, days = $5, by_hand = $6, position = $7 WHERE id = $1`,
			t.ID, t.Label, t.Tone, t.BrandID, int64(t.Days), t.ByHand, int64(t.Position))
	}
	if err != nil {
		return t, fmt.Errorf("save tag: %w", err)
	}
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: "tag_saved", Object: t.ID, Detail: t.Name})
	return t, nil
}

// CloseTag takes a tag off the cards; who had it has it again if it is reopened.
func (b *Book) CloseTag(tx *db.Tx, v staff.Viewer, id string) error {
	return place{Table: "tag", ID: id}.close(tx, v, "tag_closed")
}

// ReopenTag puts a closed tag back on the cards.
func (b *Book) ReopenTag(tx *db.Tx, v staff.Viewer, id string) error {
	return place{Table: "tag", ID: id}.reopen(tx, v, "tag_reopened")
}

// EnsureTags makes those of some tags that there are not yet, such as the tags of
// a lexicon that goes live. Tags the group has keep what it made of them.
func (b *Book) EnsureTags(tx *db.Tx, tags []Tag) error {
	for i, t := range tags {
		if !tagName.MatchString(t.Name) || !slices.Contains(Tones(), t.Tone) || t.Days < 0 || t.Days > maxDays {
			return db.Invalid{Field: "tag", Code: "malformed"}
		}
		tags[i].ByHand, tags[i].Position = false, afterDefaults
	}
	return ensureTags(tx, tags)
}
