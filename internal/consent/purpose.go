package consent

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// Purpose is a reason for which the group uses what it knows of a customer.
type Purpose struct {
	Name        string
	NeedsGrant  bool // only service does not
	Position    int
	Version     int // of its newest texts
	FromVersion int // who agreed to an older text has to be asked again
	ClosedAt    time.Time
	Texts       map[string]Text // by language
}

// Text is what a customer reads before she agrees.
type Text struct{ Title, Body string }

// Languages are the languages a text can have, the first market's first.
func Languages() []string { return []string{"zh-TW", "zh-CN", "en", "ar", "id", "ms", "th", "vi"} }

// Language gives the code of our texts for a code of a platform or a browser:
// zh-Hant and zh-HK read zh-TW, en-GB reads en. "" where there is none.
func Language(code string) string {
	code = strings.ToLower(strings.ReplaceAll(code, "_", "-"))
	switch {
	case code == "zh", strings.HasPrefix(code, "zh-hant"), code == "zh-tw", code == "zh-hk", code == "zh-mo":
		return "zh-TW"
	case strings.HasPrefix(code, "zh"):
		return "zh-CN"
	}
	base, _, _ := strings.Cut(code, "-")
	if base == "in" { // what Java still calls Indonesian
		base = "id"
	}
	if slices.Contains(Languages(), base) {
		return base
	}
	return ""
}

// In gives the text in a language, or in the nearest there is, and which that is.
func (p Purpose) In(language string) (Text, string) {
	order := append([]string{language, Language(language), "en", "zh-TW"}, Languages()...)
	for _, l := range order {
		if t, ok := p.Texts[l]; ok {
			return t, l
		}
	}
	return Text{Title: p.Name}, ""
}

const purposeColumns = `name, needs_grant, position, version, from_version, COALESCE(closed_at, 0)`

func scanPurpose(r *sql.Rows) (p Purpose, err error) {
	var closed int64
	err = r.Scan(&p.Name, &p.NeedsGrant, &p.Position, &p.Version, &p.FromVersion, &closed)
	p.ClosedAt = db.Time(closed)
	return p, err
}

// Purposes lists all purposes with their newest texts, in the group's order; the
// closed ones too.
func (r *Room) Purposes(tx *db.Tx) ([]Purpose, error) {
	rows, err := tx.Query(`SELECT ` + purposeColumns + ` FROM purpose ORDER BY position, name`)
	all, err := db.Collect(rows, err, scanPurpose)
	if err != nil {
		return nil, fmt.Errorf("purposes: %w", err)
	}
	rows, err = tx.Query(`SELECT t.purpose, t.language, t.title, t.body
		FROM purpose_text t JOIN purpose p ON p.name = t.purpose AND p.version = t.version`)
	texts, err := db.Collect(rows, err, scanText)
	if err != nil {
		return nil, fmt.Errorf("texts of purposes: %w", err)
	}
	at := map[string]int{}
	for i := range all {
		at[all[i].Name], all[i].Texts = i, map[string]Text{}
	}
	for _, t := range texts {
		all[at[t.purpose]].Texts[t.language] = t.Text
	}
	return all, nil
}

type textRow struct {
	purpose, language string
	Text
}

func scanText(r *sql.Rows) (t textRow, err error) {
	return t, r.Scan(&t.purpose, &t.language, &t.Title, &t.Body)
}

// Purpose gives one purpose with its newest texts, or db.ErrNotFound.
func (r *Room) Purpose(tx *db.Tx, name string) (Purpose, error) {
	p, err := r.bare(tx, name)
	if err != nil {
		return p, err
	}
	p.Texts, err = textsOf(tx, p.Name, p.Version)
	return p, err
}

// bare gives a purpose without its texts.
func (r *Room) bare(tx *db.Tx, name string) (Purpose, error) {
	rows, err := tx.Query(`SELECT `+purposeColumns+` FROM purpose WHERE name = $1`, db.CleanText(name))
	found, err := db.Collect(rows, err, scanPurpose)
	if err == nil && len(found) == 0 {
		err = db.ErrNotFound
	}
	if err != nil {
		return Purpose{}, fmt.Errorf("purpose: %w", err)
	}
	return found[0], nil
}

func textsOf(tx *db.Tx, purpose string, version int) (map[string]Text, error) {
	rows, err := tx.Query(`SELECT purpose, language, title, body FROM purpose_text WHERE purpose = $1 AND version = $2`, purpose, int64(version))
	texts, err := db.Collect(rows, err, scanText)
	if err != nil {
		return nil, fmt.Errorf("texts of a purpose: %w", err)
	}
	out := make(map[string]Text, len(texts))
	for _, t := range texts {
		out[t.language] = t.Text
	}
	return out, nil
}

// TextOf gives the text of a version, in a language or the nearest there is;
// version 0 is the newest.
func (r *Room) TextOf(tx *db.Tx, purpose, language string, version int) (Text, error) {
	p, err := r.bare(tx, purpose)
	if err != nil {
		return Text{}, err
	}
	if version == 0 {
		version = p.Version
	}
	if p.Texts, err = textsOf(tx, p.Name, version); err != nil {
		return Text{}, err
	}
	if len(p.Texts) == 0 {
		return Text{}, fmt.Errorf("version %d of a purpose: %w", version, db.ErrNotFound)
	}
	t, _ := p.In(language)
	return t, nil
}

// PurposeVersion is one version of the texts of a purpose.
type PurposeVersion struct {
	Version int
	By      string // staff id, or "system"
	ByName  string
	At      time.Time
	Note    string // what changed
	Anew    bool   // grants of older versions ended with it
	Agreed  int    // records whose newest word about the purpose is yes, to this version
	Texts   map[string]Text
}

// Versions lists the versions of a purpose, the newest first, with how many
// customers stand on each.
func (r *Room) Versions(tx *db.Tx, v staff.Viewer, purpose string) ([]PurposeVersion, error) {
	if !v.May(staff.SeeConsent) {
		return nil, staff.ErrForbidden
	}
	p, err := r.bare(tx, purpose)
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(`SELECT v.version, v.by, COALESCE(s.name, ''), v.at, v.note, v.anew
		FROM purpose_version v LEFT JOIN staff s ON s.id = v.by WHERE v.purpose = $1 ORDER BY v.version DESC`, p.Name)
	list, err := db.Collect(rows, err, func(r *sql.Rows) (x PurposeVersion, err error) {
		var at int64
		err = r.Scan(&x.Version, &x.By, &x.ByName, &at, &x.Note, &x.Anew)
		x.At = db.Time(at)
		return x, err
	})
	if err != nil {
		return nil, fmt.Errorf("versions of a purpose: %w", err)
	}
	agreed, err := agreedTo(tx, p.Name)
	if err != nil {
		return nil, err
	}
	for i := range list {
		list[i].Agreed = agreed[list[i].Version]
		if list[i].Texts, err = textsOf(tx, p.Name, list[i].Version); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// agreedTo counts, by version, the records whose newest entry is a grant.
func agreedTo(tx *db.Tx, purpose string) (map[int]int, error) {
	rows, err := tx.Query(`SELECT c.version, COUNT(*) FROM consent c
		WHERE c.purpose = $1 AND c.state = 'granted' AND NOT EXISTS (SELECT 1 FROM consent n
			WHERE n.customer_id = c.customer_id AND n.purpose = c.purpose AND (n.at > c.at OR n.at = c.at AND n.id > c.id))
		GROUP BY c.version`, purpose)
	type count struct{ version, n int }
	counts, err := db.Collect(rows, err, func(r *sql.Rows) (c count, err error) { return c, r.Scan(&c.version, &c.n) })
	if err != nil {
		return nil, fmt.Errorf("who agreed to a purpose: %w", err)
	}
	out := make(map[int]int, len(counts))
	for _, c := range counts {
		out[c.version] = c.n
	}
	return out, nil
}
