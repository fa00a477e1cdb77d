package customer

import (
	"database/sql"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"dingdong/internal/audit"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// Type says what values an attribute takes.
type Type string

// The types of attributes.
const (
	TypeText     Type = "text"
	TypeChoice   Type = "choice"   // one of the choices
	TypeMany     Type = "many"     // any number of values; of the choices, if there are any
	TypeNumber   Type = "number"   // decimal
	TypeDate     Type = "date"     // YYYY-MM-DD
	TypeBirthday Type = "birthday" // YYYY-MM-DD, or MM-DD when the year is not known
	TypeYes      Type = "yes"      // yes or no
)

// Types lists every type, in the order in which a form offers them.
func Types() []Type {
	return []Type{TypeText, TypeChoice, TypeMany, TypeNumber, TypeDate, TypeBirthday, TypeYes}
}

// Choice is a value that an attribute may have.
type Choice struct {
	Code  string // what programs and lexicons call it
	Label string // the group's own words; "": the locale's word for a known code
}

// AttributeDef is something that the group wants to know of its customers.
type AttributeDef struct {
	ID       string
	Name     string // what programs and lexicons call it
	Label    string // the group's own words; "": the locale's word for a known name
	Type     Type
	Choices  []Choice
	BrandID  string // "": every brand sees it
	Position int
	Closed   bool
}

const (
	maxDefs    = 200
	maxLabel   = 80
	maxChoices = 200
)

var (
	attributeName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)
	choiceCode    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.+-]{0,39}$`)
)

const attributeDefColumns = `id, name, label, type, choices, brand_id, position, closed_at IS NOT NULL`

func scanAttributeDef(row scanner) (AttributeDef, error) {
	var d AttributeDef
	var choices string
	err := row.Scan(&d.ID, &d.Name, &d.Label, &d.Type, &choices, &d.BrandID, &d.Position, &d.Closed)
	for code := range strings.Lines(choices) {
		c := Choice{}
		c.Code, c.Label, _ = strings.Cut(strings.TrimRight(code, "\n"), "=")
		d.Choices = append(d.Choices, c)
	}
	return d, err
}

// AttributeDefs lists all attributes in their order, closed ones last.
func (b *Book) AttributeDefs(tx *db.Tx) ([]AttributeDef, error) {
	defs, err := db.Once(tx, defsOnce{}, func() ([]AttributeDef, error) { return readAttributeDefs(tx) })
	return slices.Clone(defs), err
}

func readAttributeDefs(tx *db.Tx) ([]AttributeDef, error) {
	rows, err := tx.Query(`SELECT ` + attributeDefColumns + ` FROM attribute_def
		ORDER BY CASE WHEN closed_at IS NULL THEN 0 ELSE 1 END, position, name`)
	defs, err := db.Collect(rows, err, func(r *sql.Rows) (AttributeDef, error) { return scanAttributeDef(r) })
	if err != nil {
		return nil, fmt.Errorf("attributes of the group: %w", err)
	}
	return defs, nil
}

// attributeDef finds one by id or name, or db.ErrNotFound.
func (b *Book) attributeDef(tx *db.Tx, column, value string) (AttributeDef, error) {
	d, err := scanAttributeDef(tx.QueryRow(`SELECT `+attributeDefColumns+` FROM attribute_def WHERE `+column+` = $1`, db.CleanText(value)))
	if err != nil {
		return d, fmt.Errorf("attribute: %w", db.NotFound(err))
	}
	return d, nil
}

// SaveAttributeDef makes an attribute, or changes the one with the ID. Its name
// and type stay: values were stored under them.
func (b *Book) SaveAttributeDef(tx *db.Tx, v staff.Viewer, d AttributeDef) (AttributeDef, error) {
	if !v.May(staff.ManageGroup) {
		return d, staff.ErrForbidden
	}
	if d.ID != "" {
		old, err := b.attributeDef(tx, "id", d.ID)
		if err != nil {
			return d, err
		}
		switch {
		case d.Name != "" && d.Name != old.Name:
			return d, db.Invalid{Field: "name", Code: "fixed"}
		case d.Type != "" && d.Type != old.Type:
			return d, db.Invalid{Field: "type", Code: "fixed"}
		}
		d.Name, d.Type, d.Closed = old.Name, old.Type, old.Closed
	}
	if err := d.check(); err != nil {
		return d, err
	}
	d.Label = line(d.Label)
	p := place{Table: "attribute_def", ID: d.ID, Name: d.Name, Label: d.Label, BrandID: d.BrandID, Position: d.Position}
	if err := p.check(tx); err != nil {
		return d, err
	}
	var err error
	if d.ID == "" {
		d.ID, d.Closed = tx.NewID("atd"), false
		_, err = tx.Exec(`INSERT INTO attribute_def (id, name, label, type, choices, brand_id, position) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			d.ID, d.Name, d.Label, string(d.Type), d.choices(), d.BrandID, int64(d.Position))
	} else {
		_, err = tx.Exec(`UPDATE attribute_def SET label = $2, choices = $3, brand_id = $4, position = $5 WHERE id = $1`,
			d.ID, d.Label, d.choices(), d.BrandID, int64(d.Position))
	}
	if err != nil {
		return d, fmt.Errorf("save attribute: %w", err)
	}
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: "attribute_saved", Object: d.ID, Detail: d.Name})
	return d, nil
}

func (d *AttributeDef) check() error {
	if !attributeName.MatchString(d.Name) {
		return db.Invalid{Field: "name", Code: "malformed"}
	}
	if !slices.Contains(Types(), d.Type) {
		return db.Invalid{Field: "type", Code: "unknown"}
	}
	if d.Type != TypeChoice && d.Type != TypeMany {
		d.Choices = nil
		return nil
	}
	if d.Type == TypeChoice && len(d.Choices) == 0 {
		return db.Invalid{Field: "choices", Code: "required"}
	}
	if len(d.Choices) > maxChoices {
		return db.Invalid{Field: "choices", Code: "too_many"}
	}
	seen := map[string]bool{}
	clean := make([]Choice, len(d.Choices))
	for i, c := range d.Choices {
		c = Choice{Code: strings.TrimSpace(c.Code), Label: line(c.Label)}
		if !choiceCode.MatchString(c.Code) {
			return db.Invalid{Field: "choices", Code: "malformed"}
		}
		if utf8.RuneCountInString(c.Label) > maxLabel {
			return db.Invalid{Field: "choices", Code: "too_long"}
		}
		if key := Fold(c.Code); seen[key] {
			return db.Invalid{Field: "choices", Code: "taken"}
		} else {
			seen[key] = true
		}
		clean[i] = c
	}
	d.Choices = clean
	return nil
}

// choices writes the column: one a line, code or code=label.
func (d AttributeDef) choices() string {
	lines := make([]string, len(d.Choices))
	for i, c := range d.Choices {
		lines[i] = c.Code
		if c.Label != "" {
			lines[i] += "=" + c.Label
		}
	}
	return strings.Join(lines, "\n")
}

// CloseAttributeDef takes an attribute off the cards; its values are kept.
func (b *Book) CloseAttributeDef(tx *db.Tx, v staff.Viewer, id string) error {
	return place{Table: "attribute_def", ID: id}.close(tx, v, "attribute_closed")
}

// ReopenAttributeDef puts a closed attribute back on the cards.
func (b *Book) ReopenAttributeDef(tx *db.Tx, v staff.Viewer, id string) error {
	return place{Table: "attribute_def", ID: id}.reopen(tx, v, "attribute_reopened")
}

// place is what the definitions of attributes and tags have in common.
type place struct {
	Table, ID, Name, Label, BrandID string
	Position                        int
}

func (p place) check(tx *db.Tx) error {
	if utf8.RuneCountInString(p.Label) > maxLabel {
		return db.Invalid{Field: "label", Code: "too_long"}
	}
	if p.Position < 0 || p.Position > 1_000_000 {
		return db.Invalid{Field: "position", Code: "unknown"}
	}
	if p.BrandID != "" {
		switch found, err := texts(tx, `SELECT id FROM brand WHERE id = $1`, db.CleanText(p.BrandID)); {
		case err != nil:
			return fmt.Errorf("brand: %w", err)
		case len(found) == 0:
			return db.Invalid{Field: "brand", Code: "unknown"}
		}
	}
	if p.ID != "" {
		return nil
	}
	names, err := texts(tx, `SELECT name FROM `+p.Table)
	switch {
	case err != nil:
		return fmt.Errorf("names: %w", err)
	case slices.Contains(names, p.Name):
		return db.Invalid{Field: "name", Code: "taken"}
	case p.Table == "attribute_def" && len(names) >= maxDefs, len(names) >= maxTags:
		return db.Invalid{Field: "name", Code: "too_many"}
	}
	return nil
}

func (p place) close(tx *db.Tx, v staff.Viewer, action string) error {
	return p.set(tx, v, action, sql.NullInt64{Int64: db.Micro(tx.Now), Valid: true})
}

func (p place) reopen(tx *db.Tx, v staff.Viewer, action string) error {
	return p.set(tx, v, action, sql.NullInt64{})
}

func (p place) set(tx *db.Tx, v staff.Viewer, action string, closed sql.NullInt64) error {
	if !v.May(staff.ManageGroup) {
		return staff.ErrForbidden
	}
	n, err := tx.Exec(`UPDATE `+p.Table+` SET closed_at = $2 WHERE id = $1`, p.ID, closed)
	if err != nil {
		return fmt.Errorf("%s: %w", action, err)
	}
	if n == 0 {
		return db.ErrNotFound
	}
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: action, Object: p.ID})
	return nil
}
