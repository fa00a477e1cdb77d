package insight

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"dingdong/internal/audit"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// State says whether a version of a lexicon is in use.
type State string

// The life of a version.
const (
	StateDraft State = "draft"
	StateLive  State = "live" // one of each language
	StateOld   State = "old"  // was live, or was dropped; can be published again
)

// Version is one text of a language's lexicon.
type Version struct {
	ID       string
	Language string
	Version  int // counts the texts of the language, whoever wrote them
	State    State
	By       string // staff id; "system": it came with the product
	At       time.Time
	Note     string
	Shipped  int    // the product's own number of it; 0: the group's text
	YAML     string // of single versions only
	Problem  string // why a live one is not read; of single versions only
}

const versionColumns = `id, language, version, state, by, at, note, shipped`

func versionCells(v *Version, at *int64) []any {
	return []any{&v.ID, &v.Language, &v.Version, &v.State, &v.By, at, &v.Note, &v.Shipped}
}

func scanVersion(r *sql.Rows) (v Version, err error) {
	var at int64
	err = r.Scan(versionCells(&v, &at)...)
	v.At = db.Time(at)
	return v, err
}

func scanVersionText(r *sql.Rows) (v Version, err error) {
	var at int64
	err = r.Scan(append(versionCells(&v, &at), &v.YAML)...)
	v.At = db.Time(at)
	return v, err
}

// Versions lists the versions of a language without their texts, the newest
// first; language empty: of all.
func (r *Room) Versions(tx *db.Tx, v staff.Viewer, language string) ([]Version, error) {
	if !v.May(staff.KeepLexicons) {
		return nil, staff.ErrForbidden
	}
	rows, err := tx.Query(`SELECT `+versionColumns+` FROM lexicon WHERE language = $1 OR $1 = '' ORDER BY language, version DESC`, db.CleanText(language))
	list, err := db.Collect(rows, err, scanVersion)
	if err != nil {
		return nil, fmt.Errorf("versions of lexicons: %w", err)
	}
	slices.SortStableFunc(list, func(a, b Version) int {
		return slices.Index(Languages(), a.Language) - slices.Index(Languages(), b.Language)
	})
	return list, nil
}

// Version gives one version with its text.
func (r *Room) Version(tx *db.Tx, v staff.Viewer, id string) (Version, error) {
	if !v.May(staff.KeepLexicons) {
		return Version{}, staff.ErrForbidden
	}
	return r.version(tx, id)
}

func (r *Room) version(tx *db.Tx, id string) (Version, error) {
	rows, err := tx.Query(`SELECT `+versionColumns+`, yaml FROM lexicon WHERE id = $1`, db.CleanText(id))
	list, err := db.Collect(rows, err, scanVersionText)
	if err == nil && len(list) == 0 {
		err = db.ErrNotFound
	}
	if err != nil {
		return Version{}, fmt.Errorf("lexicon: %w", err)
	}
	found := list[0]
	if _, err := ParseLexicon([]byte(found.YAML)); err != nil {
		found.Problem = err.Error()
	}
	return found, nil
}

// Draft is a text that shall become a version. ID empty: a new draft.
type Draft struct {
	ID, Language, YAML, Note string
}

const maxNote = 500

// SaveDraft keeps a text that is in order, without using it.
func (r *Room) SaveDraft(tx *db.Tx, v staff.Viewer, d Draft) (Version, error) {
	if !v.May(staff.KeepLexicons) {
		return Version{}, staff.ErrForbidden
	}
	d.Note = db.CleanText(d.Note)
	if utf8.RuneCountInString(d.Note) > maxNote {
		return Version{}, db.Invalid{Field: "note", Code: "too_long"}
	}
	if _, err := d.parse(); err != nil {
		return Version{}, err
	}
	var err error
	if d.ID == "" {
		d.ID, err = insertVersion(tx, newVersion{Draft: d, by: v.ID, state: StateDraft})
	} else {
		err = changeDraft(tx, v, d)
	}
	if err != nil {
		return Version{}, fmt.Errorf("save lexicon: %w", err)
	}
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: "lexicon_saved", Object: d.ID, Detail: d.Language})
	return r.version(tx, d.ID)
}

// parse checks the text and that it is of the language it is meant for.
func (d Draft) parse() (Lexicon, error) {
	l, err := ParseLexicon([]byte(d.YAML))
	if err == nil && l.Language != d.Language {
		err = Problem{Field: "language", Code: "unknown", Detail: l.Language}
	}
	return l, err
}

// newVersion is a row on its way into the table.
type newVersion struct {
	Draft
	by      string
	state   State
	shipped int
}

// insertVersion gives db.ErrConflict when another node was faster.
func insertVersion(tx *db.Tx, n newVersion) (string, error) {
	id := tx.NewID("lex")
	added, err := tx.Exec(`INSERT INTO lexicon (id, language, version, state, yaml, by, at, note, shipped)
		SELECT $1, $2, COALESCE(MAX(version), 0) + 1, $3, $4, $5, CAST($6 AS BIGINT), $7, CAST($8 AS BIGINT) FROM lexicon WHERE language = $2
		ON CONFLICT DO NOTHING`,
		id, n.Language, string(n.state), n.YAML, n.by, db.Micro(tx.Now), n.Note, int64(n.shipped))
	if err == nil && added == 0 {
		err = db.ErrConflict
	}
	return id, err
}

func changeDraft(tx *db.Tx, v staff.Viewer, d Draft) error {
	// A shipped text that was changed is the group's own from then on.
	n, err := tx.Exec(`UPDATE lexicon SET yaml = $3, note = $4, by = $5, at = $6, shipped = CASE WHEN yaml = $3 THEN shipped ELSE 0 END
		WHERE id = $1 AND language = $2 AND state = 'draft'`, d.ID, d.Language, d.YAML, d.Note, v.ID, db.Micro(tx.Now))
	if err == nil && n == 0 {
		err = db.ErrNotFound
	}
	return err
}

// Publish makes a version the live one of its language. Tags that it needs and
// the group does not have are made. It may be an old one: that is the way back.
func (r *Room) Publish(tx *db.Tx, v staff.Viewer, id string) error {
	if !v.May(staff.KeepLexicons) {
		return staff.ErrForbidden
	}
	found, err := r.version(tx, id)
	if err != nil {
		return err
	}
	l, err := Draft{Language: found.Language, YAML: found.YAML}.parse()
	if err != nil {
		return err
	}
	if found.State == StateLive {
		return nil
	}
	if err := r.ensureTags(tx, l.Tags()); err != nil {
		return fmt.Errorf("tags of a lexicon: %w", err)
	}
	if err := goLive(tx, found.Language, id); err != nil {
		return err
	}
	tx.AfterCommit(r.live.forget)
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: "lexicon_published", Object: id, Detail: found.Language})
	return nil
}

func goLive(tx *db.Tx, language, id string) error {
	if _, err := tx.Exec(`UPDATE lexicon SET state = 'old' WHERE language = $1 AND state = 'live' AND id <> $2`, language, id); err != nil {
		return fmt.Errorf("publish lexicon: %w", err)
	}
	if _, err := tx.Exec(`UPDATE lexicon SET state = 'live' WHERE id = $1`, id); err != nil {
		return fmt.Errorf("publish lexicon: %w", err)
	}
	return nil
}

// Drop puts a draft aside.
func (r *Room) Drop(tx *db.Tx, v staff.Viewer, id string) error {
	if !v.May(staff.KeepLexicons) {
		return staff.ErrForbidden
	}
	// It stays as an old version, or a shipped one would be offered at every start.
	n, err := tx.Exec(`UPDATE lexicon SET state = 'old' WHERE id = $1 AND state = 'draft'`, db.CleanText(id))
	if err == nil && n == 0 {
		err = db.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("drop lexicon: %w", err)
	}
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: "lexicon_dropped", Object: id})
	return nil
}

// Tags lists the tags that the rules conclude.
func (l Lexicon) Tags() []string {
	var names []string
	for _, rule := range l.Rules {
		if rule.Tag != "" {
			names = append(names, rule.Tag)
		}
		if rule.Negated != nil && rule.Negated.Tag != "" {
			names = append(names, rule.Negated.Tag)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// TryResult is what a lexicon makes of a sentence.
type TryResult struct {
	Text     string
	Findings []Finding
}

// What can be tried at once.
const (
	maxTries   = 100
	maxTryText = 2000
)

// Try reads sentences with a text that is not live, alone: what the other
// languages would say does not stand in the way.
func Try(yaml string, sentences []string) ([]TryResult, error) {
	l, err := ParseLexicon([]byte(yaml))
	if err != nil {
		return nil, err
	}
	reader, err := Compile([]Lexicon{l})
	if err != nil {
		return nil, err
	}
	if len(sentences) > maxTries {
		return nil, db.Invalid{Field: "sentences", Code: "too_many"}
	}
	out := make([]TryResult, 0, len(sentences))
	for _, s := range sentences {
		s = db.CleanText(s)
		if utf8.RuneCountInString(s) > maxTryText {
			return nil, db.Invalid{Field: "sentences", Code: "too_long"}
		}
		out = append(out, TryResult{s, reader.Read(s)})
	}
	return out, nil
}

// byShipped is who wrote what came with the product.
const byShipped = "system"

// EnsureShipped brings in the lexicons of the product: where a language has none
// they go live; a newer one takes the place of an older one that nobody edited,
// and is a draft beside a group's own text. It costs one query when there is
// nothing new.
func (r *Room) EnsureShipped(tx *db.Tx) error {
	files, err := Shipped()
	if err != nil {
		return err
	}
	rows, err := tx.Query(`SELECT ` + versionColumns + ` FROM lexicon`)
	known, err := db.Collect(rows, err, scanVersion)
	if err != nil {
		return fmt.Errorf("shipped lexicons: %w", err)
	}
	for _, f := range files {
		if err := r.ensure(tx, f, known); err != nil {
			return fmt.Errorf("shipped lexicon %s: %w", f.Name, err)
		}
	}
	return nil
}

func (r *Room) ensure(tx *db.Tx, f File, known []Version) error {
	language, number := f.Language(), f.Version()
	live, newest := Version{}, 0
	for _, k := range known {
		if k.Language == language {
			newest = max(newest, k.Shipped)
			if k.State == StateLive {
				live = k
			}
		}
	}
	if newest >= number {
		return nil
	}
	tags, err := f.tags()
	if err != nil {
		return err
	}
	n := newVersion{Draft: Draft{Language: language, YAML: f.YAML}, by: byShipped, state: StateDraft, shipped: number}
	id, err := insertVersion(tx, n)
	if errors.Is(err, db.ErrConflict) {
		return nil // another node starts at this moment
	}
	if err != nil || live.ID != "" && live.Shipped == 0 {
		return err
	}
	if err := r.ensureTags(tx, tags); err != nil {
		return err
	}
	tx.AfterCommit(r.live.forget)
	return goLive(tx, language, id)
}

// ensureTags makes tags that a lexicon gives. Those that we ship words for come
// with their colour and the days they hold.
func (r *Room) ensureTags(tx *db.Tx, names []string) error {
	words, err := TagWords()
	if err != nil {
		return err
	}
	known := make(map[string]TagWord, len(words))
	for _, w := range words {
		known[w.Name] = w
	}
	var tags []customer.Tag
	for _, name := range names {
		tags = append(tags, customer.Tag{Name: name, Tone: known[name].Tone, Days: known[name].Days})
	}
	return r.Book.EnsureTags(tx, tags)
}
