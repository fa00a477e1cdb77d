package customer

import (
	"database/sql"
	"fmt"
	"time"

	"dingdong/internal/db"
)

// Extract is what the register knows of a person, for her copy.
type Extract struct {
	Names      []string           `json:"names"`
	Since      time.Time          `json:"since"`
	Accounts   []ExtractAccount   `json:"accounts"`
	Contacts   []ExtractContact   `json:"contacts"`
	Attributes []ExtractAttribute `json:"attributes"`
	Tags       []ExtractTag       `json:"tags"`
	Notes      []ExtractText      `json:"notes"`
	Wishes     []ExtractText      `json:"wishes"`
	Promises   []ExtractText      `json:"promises"`
	Advisors   []ExtractAdvisor   `json:"advisors"`
	Merges     []ExtractMerge     `json:"put_together"`
}

// ExtractAccount is where she can be met.
type ExtractAccount struct {
	Account  string    `json:"account"`
	ID       string    `json:"id"` // the platform's id of her
	Name     string    `json:"name,omitempty"`
	Language string    `json:"language,omitempty"`
	Reach    Reach     `json:"reach"`
	Since    time.Time `json:"since"`
}

// ExtractContact is a number or an address of hers.
type ExtractContact struct {
	Kind     ContactKind `json:"kind"`
	Value    string      `json:"value"`
	Verified bool        `json:"verified"`
	Source   Source      `json:"source"`
	At       time.Time   `json:"at"`
	Ended    *time.Time  `json:"ended,omitempty"`
}

// ExtractAttribute is something that was believed about her, and why.
type ExtractAttribute struct {
	Name   string     `json:"name"`
	Value  string     `json:"value"`
	Source Source     `json:"source"`
	Words  string     `json:"because,omitempty"` // what she said
	At     time.Time  `json:"at"`
	Ended  *time.Time `json:"ended,omitempty"`
}

// ExtractTag is a tag she has or had.
type ExtractTag struct {
	Tag    string     `json:"tag"` // in the group's words, if it has some
	Name   string     `json:"-"`
	Source Source     `json:"source"`
	Words  string     `json:"because,omitempty"`
	At     time.Time  `json:"at"`
	Ended  *time.Time `json:"ended,omitempty"`
}

// ExtractText is what staff wrote down about her.
type ExtractText struct {
	Text    string     `json:"text"`
	Counter string     `json:"counter"`
	At      time.Time  `json:"at"`
	Due     *time.Time `json:"due,omitempty"`
	Ended   *time.Time `json:"ended,omitempty"`
}

// ExtractAdvisor is an advisor she had.
type ExtractAdvisor struct {
	Name    string     `json:"name"`
	Counter string     `json:"counter"`
	How     string     `json:"how"`
	At      time.Time  `json:"at"`
	Ended   *time.Time `json:"ended,omitempty"`
}

// ExtractMerge says that two records were found to be her.
type ExtractMerge struct {
	Proof  string     `json:"proof"`
	At     time.Time  `json:"at"`
	Undone *time.Time `json:"undone,omitempty"`
}

// extracting reads the rows of some records; the first error ends it.
type extracting struct {
	b    *Book
	tx   *db.Tx
	in   string
	args []any
	err  error
}

// sealedRow is a row with up to two sealed cells, and what else its table has.
type sealedRow struct {
	customer       string
	cell, cause    []byte
	one, two, more string
	at             int64
	due, ended     sql.NullInt64
	yes            bool
}

func (x *extracting) rows(columns, from string) []sealedRow {
	if x.err != nil {
		return nil
	}
	rows, err := x.tx.Query(`SELECT `+columns+` FROM `+from+x.in+`) ORDER BY x.at, x.id`, x.args...)
	found, err := db.Collect(rows, err, func(r *sql.Rows) (s sealedRow, err error) {
		return s, r.Scan(&s.customer, &s.cell, &s.cause, &s.one, &s.two, &s.more, &s.at, &s.due, &s.ended, &s.yes)
	})
	if err != nil {
		x.err = fmt.Errorf("her copy: %w", err)
	}
	return found
}

func (x *extracting) open(s sealedRow, label string, cell []byte) string {
	if x.err != nil {
		return ""
	}
	var text string
	text, x.err = x.b.openText(x.tx, s.customer, label, cell)
	return text
}

func when(n sql.NullInt64) *time.Time {
	if !n.Valid || n.Int64 == 0 {
		return nil
	}
	at := db.Time(n.Int64)
	return &at
}

// Export gives everything the register knows of some records: also what has ended,
// numbers in full, and the words because of which something was believed.
func (b *Book) Export(tx *db.Tx, records []string) (Extract, error) {
	var out Extract
	if len(records) == 0 {
		return out, nil
	}
	marks, args := db.In(records, 1)
	x := &extracting{b: b, tx: tx, in: marks, args: args}
	for _, id := range records {
		c, err := b.Get(tx, id)
		if err != nil {
			return out, fmt.Errorf("her copy: %w", err)
		}
		if c.Name != "" {
			out.Names = append(out.Names, c.Name)
		}
		if out.Since.IsZero() || c.CreatedAt.Before(out.Since) {
			out.Since = c.CreatedAt
		}
	}
	for _, s := range x.rows(`x.customer_id, x.external, x.name, COALESCE(a.name, x.account_id), x.language, x.reach, x.at, NULL, NULL, FALSE`,
		`(SELECT id, customer_id, account_id, external, name, language, reach, created_at AS at FROM identity) x LEFT JOIN account a ON a.id = x.account_id WHERE x.customer_id IN (`) {
		out.Accounts = append(out.Accounts, ExtractAccount{Account: s.one, ID: x.open(s, labelExternal, s.cell), Name: x.open(s, labelIdentity, s.cause),
			Language: s.two, Reach: Reach(s.more), Since: db.Time(s.at)})
	}
	for _, s := range x.rows(`x.customer_id, x.value, NULL, x.kind, x.source, '', x.at, NULL, x.ended_at, x.verified`, `contact x WHERE x.customer_id IN (`) {
		out.Contacts = append(out.Contacts, ExtractContact{ContactKind(s.one), x.open(s, labelContact, s.cell), s.yes, Source(s.two), db.Time(s.at), when(s.ended)})
	}
	for _, s := range x.rows(`x.customer_id, x.value, x.cause, d.name, x.source, '', x.at, NULL, x.ended_at, FALSE`,
		`attribute x JOIN attribute_def d ON d.id = x.def_id WHERE x.customer_id IN (`) {
		out.Attributes = append(out.Attributes, ExtractAttribute{s.one, x.open(s, labelValue, s.cell), Source(s.two), x.open(s, labelCause, s.cause), db.Time(s.at), when(s.ended)})
	}
	for _, s := range x.rows(`x.customer_id, NULL, x.cause, CASE WHEN t.label <> '' THEN t.label ELSE t.name END, x.source, t.name, x.at, NULL, x.ended_at, FALSE`,
		`customer_tag x JOIN tag t ON t.id = x.tag_id WHERE x.customer_id IN (`) {
		out.Tags = append(out.Tags, ExtractTag{s.one, s.more, Source(s.two), x.open(s, labelTagCause, s.cause), db.Time(s.at), when(s.ended)})
	}
	for _, text := range []struct {
		table, label, due, ended string
		to                       *[]ExtractText
	}{
		{"note", labelNote, "NULL", "x.ended_at", &out.Notes},
		{"wish", labelWish, "NULL", "x.ended_at", &out.Wishes},
		{"promise", labelPromise, "x.due_at", "COALESCE(x.done_at, x.ended_at)", &out.Promises},
	} {
		for _, s := range x.rows(`x.customer_id, x.body, NULL, COALESCE(c.name, ''), '', '', x.at, `+text.due+`, `+text.ended+`, FALSE`,
			text.table+` x LEFT JOIN counter c ON c.id = x.counter_id WHERE x.customer_id IN (`) {
			if len(s.cell) == 0 {
				continue // its words were destroyed
			}
			*text.to = append(*text.to, ExtractText{x.open(s, text.label, s.cell), s.one, db.Time(s.at), when(s.due), when(s.ended)})
		}
	}
	for _, s := range x.rows(`x.customer_id, NULL, NULL, COALESCE(w.name, ''), COALESCE(c.name, ''), x.how, x.at, NULL, x.ended_at, FALSE`,
		`binding x LEFT JOIN staff w ON w.id = x.advisor_id LEFT JOIN counter c ON c.id = x.counter_id WHERE x.customer_id IN (`) {
		out.Advisors = append(out.Advisors, ExtractAdvisor{s.one, s.two, s.more, db.Time(s.at), when(s.ended)})
	}
	for _, s := range x.rows(`x.kept_id, NULL, NULL, x.proof, '', '', x.at, NULL, x.undone_at, FALSE`, `merge x WHERE x.kept_id IN (`) {
		out.Merges = append(out.Merges, ExtractMerge{s.one, db.Time(s.at), when(s.ended)})
	}
	return out, x.err
}
