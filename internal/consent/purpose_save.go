package consent

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"dingdong/internal/audit"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// PurposeForm is a new purpose, or what shall change of one. That a purpose needs
// a grant cannot be chosen: everything but service does, or it would be a way
// around her.
type PurposeForm struct {
	Name     string          // an existing one, or with New a new one
	New      bool            //
	Position int             //
	Closed   bool            // nothing is said for it any more
	Texts    map[string]Text // all languages; one that is left out has no text
	Note     string          // what the new texts change, and for whom
	Anew     bool            // who agreed before has to be asked again
	Version  int             // the version that was edited; 0: whichever is newest
}

const (
	maxTitle = 80
	maxBody  = 3000
	maxNote  = 500
)

// SavePurpose makes a purpose or changes it. A changed text is a new version; the
// old ones stay, because customers agreed to them.
func (r *Room) SavePurpose(tx *db.Tx, v staff.Viewer, f PurposeForm) (Purpose, error) {
	if !v.May(staff.KeepConsent) {
		return Purpose{}, staff.ErrForbidden
	}
	if err := f.check(); err != nil {
		return Purpose{}, err
	}
	if f.New {
		return r.addPurpose(tx, v, f)
	}
	// Two editors at once: the second waits here, and sees the first one's version.
	if _, err := tx.Exec(`UPDATE purpose SET version = version WHERE name = $1`, f.Name); err != nil {
		return Purpose{}, fmt.Errorf("save purpose: %w", err)
	}
	p, err := r.Purpose(tx, f.Name)
	if err != nil {
		return p, err
	}
	if f.Version != 0 && f.Version != p.Version {
		return p, fmt.Errorf("save purpose: %w", db.ErrConflict)
	}
	if p.Name == Service && (f.Closed || f.Anew) {
		return p, db.Invalid{Field: "name", Code: "fixed"}
	}
	if !maps.Equal(p.Texts, f.Texts) || f.Anew {
		p.Version++
		p.Texts = f.Texts
		if f.Anew {
			p.FromVersion = p.Version
		}
		if err := keepVersion(tx, newVersion{p, v.ID, f.Note, f.Anew}); err != nil {
			return p, err
		}
		audit.Record(tx, audit.Entry{Actor: v.ID, Action: "purpose_text_changed", Object: p.Name, Detail: fmt.Sprintf("version %d", p.Version)})
	}
	closed := !p.ClosedAt.IsZero()
	if closed != f.Closed || p.Position != f.Position {
		audit.Record(tx, audit.Entry{Actor: v.ID, Action: "purpose_changed", Object: p.Name, Detail: map[bool]string{true: "closed", false: "open"}[f.Closed]})
	}
	if _, err := tx.Exec(`UPDATE purpose SET version = $2, from_version = $3, position = $4,
		closed_at = CASE WHEN $5 THEN COALESCE(closed_at, $6) END WHERE name = $1`,
		p.Name, int64(p.Version), int64(p.FromVersion), int64(f.Position), f.Closed, db.Micro(tx.Now)); err != nil {
		return p, fmt.Errorf("save purpose: %w", err)
	}
	return r.Purpose(tx, p.Name)
}

func (r *Room) addPurpose(tx *db.Tx, v staff.Viewer, f PurposeForm) (Purpose, error) {
	if _, err := r.bare(tx, f.Name); !errors.Is(err, db.ErrNotFound) {
		if err == nil {
			err = db.Invalid{Field: "name", Code: "name_taken"}
		}
		return Purpose{}, err
	}
	p := Purpose{Name: f.Name, NeedsGrant: true, Position: f.Position, Version: 1, FromVersion: 1, Texts: f.Texts}
	if err := insertPurpose(tx, p); err != nil {
		return p, err
	}
	if err := keepVersion(tx, newVersion{p, v.ID, f.Note, false}); err != nil {
		return p, err
	}
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: "purpose_added", Object: p.Name})
	return r.Purpose(tx, p.Name)
}

func insertPurpose(tx *db.Tx, p Purpose) error {
	_, err := tx.Exec(`INSERT INTO purpose (name, needs_grant, position, version, from_version) VALUES ($1, $2, $3, $4, $5)`,
		p.Name, p.NeedsGrant, int64(p.Position), int64(p.Version), int64(p.FromVersion))
	if err != nil {
		return fmt.Errorf("add purpose: %w", err)
	}
	return nil
}

// newVersion is a version of texts on its way into the tables.
type newVersion struct {
	Purpose
	by, note string
	anew     bool
}

func keepVersion(tx *db.Tx, n newVersion) error {
	if _, err := tx.Exec(`INSERT INTO purpose_version (purpose, version, by, at, note, anew) VALUES ($1, $2, $3, $4, $5, $6)`,
		n.Name, int64(n.Version), n.by, db.Micro(tx.Now), n.note, n.anew); err != nil {
		return fmt.Errorf("keep version of a purpose: %w", err)
	}
	var args []any
	for _, language := range slices.Sorted(maps.Keys(n.Texts)) {
		t := n.Texts[language]
		args = append(args, n.Name, int64(n.Version), language, t.Title, t.Body)
	}
	if err := tx.Insert(`INSERT INTO purpose_text (purpose, version, language, title, body)`, 5, args, ""); err != nil {
		return fmt.Errorf("keep texts of a purpose: %w", err)
	}
	return nil
}

// check tidies the form, and names the first field that cannot be: text_title.en.
func (f *PurposeForm) check() error {
	f.Name = strings.TrimSpace(db.CleanText(f.Name))
	if !nameForm(f.Name) {
		return db.Invalid{Field: "name", Code: "name_form"}
	}
	f.Note = strings.TrimSpace(db.CleanText(f.Note))
	if utf8.RuneCountInString(f.Note) > maxNote {
		return db.Invalid{Field: "note", Code: "too_long"}
	}
	if f.Position < 0 || f.Position > 10_000 {
		return db.Invalid{Field: "position", Code: "range"}
	}
	tidy := map[string]Text{}
	for _, language := range slices.Sorted(maps.Keys(f.Texts)) {
		t := f.Texts[language]
		t.Title = strings.Join(strings.Fields(db.CleanText(t.Title)), " ")
		t.Body = strings.TrimSpace(strings.ReplaceAll(db.CleanText(t.Body), "\r\n", "\n"))
		if t == (Text{}) {
			continue
		}
		switch {
		case !slices.Contains(Languages(), language):
			return db.Invalid{Field: "texts", Code: "unknown"}
		case t.Title == "":
			return db.Invalid{Field: "text_title." + language, Code: "required"}
		case t.Body == "":
			return db.Invalid{Field: "text_body." + language, Code: "required"}
		case utf8.RuneCountInString(t.Title) > maxTitle:
			return db.Invalid{Field: "text_title." + language, Code: "too_long"}
		case utf8.RuneCountInString(t.Body) > maxBody:
			return db.Invalid{Field: "text_body." + language, Code: "too_long"}
		}
		tidy[language] = t
	}
	if len(tidy) == 0 {
		return db.Invalid{Field: "texts", Code: "required"}
	}
	f.Texts = tidy
	return nil
}

// nameForm: small letters, digits, _ and -, beginning with a letter.
func nameForm(name string) bool {
	for i, c := range name {
		letter := c >= 'a' && c <= 'z'
		if !letter && (i == 0 || c != '-' && c != '_' && (c < '0' || c > '9')) {
			return false
		}
	}
	return name != "" && len(name) <= 40
}
