package customer

import (
	"database/sql"
	"fmt"
	"regexp"
	"slices"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

const labelWish = "wish.body"

// WishState says what became of a wish.
type WishState string

// What can become of a wish.
const (
	WishOpen    WishState = "open"
	WishMatched WishState = "matched" // something arrived that has all of its facets
	WishGranted WishState = "granted" // she has it
	WishDropped WishState = "dropped" // she does not want it any more
)

const maxFacets = 12

var facet = regexp.MustCompile(`^[a-z][a-z_]{0,29}:[a-z0-9][a-z0-9_.-]{0,39}$`)

// Wish is something a customer would like that was not there.
type Wish struct {
	ID         string
	CustomerID string // the record it belongs to
	CounterID  string
	AuthorID   string
	AuthorName string // "" for a program
	Body       string
	Facets     []string // what an arrival must have, all of them: "scent:light"
	State      WishState
	VariantID  string    // the arrival that grants it
	MatchedAt  time.Time // zero: nothing fits yet
	At         time.Time
	EndedAt    time.Time // when it was granted or dropped
}

// WishForm is a new wish. Without facets no arrival can match it.
type WishForm struct {
	CustomerID, CounterID, Body string
	Facets                      []string
}

// AddWish writes down what a customer would like.
func (b *Book) AddWish(tx *db.Tx, v staff.Viewer, f WishForm) (Wish, error) {
	facets := slices.Clone(f.Facets)
	slices.Sort(facets)
	facets = slices.Compact(facets)
	if len(facets) > maxFacets {
		return Wish{}, db.Invalid{Field: "facets", Code: "too_many"}
	}
	for _, name := range facets {
		if !facet.MatchString(name) {
			return Wish{}, db.Invalid{Field: "facets", Code: "malformed"}
		}
	}
	sealed, err := b.write(tx, v, script{f.CustomerID, f.CounterID, labelWish, f.Body, MaxWish})
	if err != nil {
		return Wish{}, err
	}
	id := tx.NewID("wsh")
	if _, err := tx.Exec(`INSERT INTO wish (id, customer_id, counter_id, author_id, body, at) VALUES ($1, $2, $3, $4, $5, $6)`,
		id, f.CustomerID, f.CounterID, v.ID, sealed, db.Micro(tx.Now)); err != nil {
		return Wish{}, fmt.Errorf("add wish: %w", err)
	}
	args := make([]any, 0, 2*len(facets))
	for _, name := range facets {
		args = append(args, id, name)
	}
	if err := tx.Insert(`INSERT INTO wish_facet (wish_id, facet)`, 2, args, ""); err != nil {
		return Wish{}, fmt.Errorf("facets of a wish: %w", err)
	}
	if err := b.tell(tx, news{f.CustomerID, f.CounterID, v.ID, "wish"}); err != nil {
		return Wish{}, err
	}
	return b.WishByID(tx, v, id)
}

// SetWish says what became of a wish. Open again it waits for another arrival.
func (b *Book) SetWish(tx *db.Tx, v staff.Viewer, id string, state WishState) error {
	ended := sql.NullInt64{Int64: db.Micro(tx.Now), Valid: state == WishGranted || state == WishDropped}
	if !ended.Valid && state != WishOpen {
		return db.Invalid{Field: "state", Code: "unknown"} // matched is said by MatchWish alone
	}
	w, err := b.writtenFor(tx, v, "wish", id)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`UPDATE wish SET state = $2, ended_at = $3,
		variant_id = CASE WHEN $2 = 'open' THEN '' ELSE variant_id END, matched_at = CASE WHEN $2 = 'open' THEN NULL ELSE matched_at END
		WHERE id = $1`, id, string(state), ended); err != nil {
		return fmt.Errorf("set wish: %w", err)
	}
	return b.tell(tx, news{w.customerID, w.counterID, v.ID, "wish"})
}

// MatchWish says that something arrived that grants an open wish. It tells
// whether the wish was open.
func (b *Book) MatchWish(tx *db.Tx, wishID, variantID string) (bool, error) {
	rows, err := tx.Query(`UPDATE wish SET state = 'matched', variant_id = $2, matched_at = $3 WHERE id = $1 AND state = 'open'
		RETURNING customer_id, counter_id`, wishID, variantID, db.Micro(tx.Now))
	found, err := db.Collect(rows, err, func(r *sql.Rows) (w written, err error) { return w, r.Scan(&w.customerID, &w.counterID) })
	if err != nil {
		return false, fmt.Errorf("match wish: %w", err)
	}
	if len(found) == 0 {
		return false, nil
	}
	return true, b.tell(tx, news{found[0].customerID, found[0].counterID, "", "wish"})
}

const wishColumns = `x.id, x.customer_id, x.counter_id, x.author_id, COALESCE(s.name, ''), x.body, x.state, x.variant_id, x.matched_at, x.at, x.ended_at`

const wishFrom = ` FROM wish x LEFT JOIN staff s ON s.id = x.author_id WHERE `

// WishByID returns one wish that the viewer may see.
func (b *Book) WishByID(tx *db.Tx, v staff.Viewer, id string) (Wish, error) {
	rows, err := tx.Query(`SELECT `+wishColumns+wishFrom+`x.id = $1`, db.CleanText(id))
	wishes, err := b.openWishes(tx, rows, err)
	if err != nil {
		return Wish{}, err
	}
	if len(wishes) == 0 || !v.Sees(wishes[0].CounterID) {
		return Wish{}, db.ErrNotFound
	}
	return wishes[0], nil
}

// Wishes returns wishes of a person that the viewer may see, the newest first;
// granted and dropped ones too.
func (b *Book) Wishes(tx *db.Tx, v staff.Viewer, p Page) ([]Wish, error) {
	if len(p.Records) == 0 {
		return nil, nil
	}
	where, args := p.where()
	counters, args := counterCondition(v, args)
	rows, err := tx.Query(`SELECT `+wishColumns+wishFrom+where+counters+p.tail(), args...)
	return b.openWishes(tx, rows, err)
}

func (b *Book) openWishes(tx *db.Tx, rows *sql.Rows, err error) ([]Wish, error) {
	type sealedWish struct {
		Wish
		body []byte
	}
	found, err := db.Collect(rows, err, func(r *sql.Rows) (w sealedWish, err error) {
		var at int64
		var matched, ended sql.NullInt64
		err = r.Scan(&w.ID, &w.CustomerID, &w.CounterID, &w.AuthorID, &w.AuthorName, &w.body, &w.State, &w.VariantID, &matched, &at, &ended)
		w.MatchedAt, w.At, w.EndedAt = moment(matched), db.Time(at), moment(ended)
		return w, err
	})
	if err != nil || len(found) == 0 {
		if err != nil {
			err = fmt.Errorf("wishes: %w", err)
		}
		return nil, err
	}
	ids := make([]string, len(found))
	for i, w := range found {
		ids[i] = w.ID
	}
	facets, err := wishFacets(tx, ids)
	if err != nil {
		return nil, err
	}
	out := make([]Wish, 0, len(found))
	for _, w := range found {
		w.Facets = facets[w.ID]
		if w.Body, err = b.openText(tx, w.CustomerID, labelWish, w.body); err != nil {
			return nil, err
		}
		out = append(out, w.Wish)
	}
	return out, nil
}

func wishFacets(tx *db.Tx, ids []string) (map[string][]string, error) {
	marks, args := db.In(ids, 1)
	rows, err := tx.Query(`SELECT wish_id, facet FROM wish_facet WHERE wish_id IN (`+marks+`) ORDER BY wish_id, facet`, args...)
	pairs, err := db.Collect(rows, err, func(r *sql.Rows) (p [2]string, err error) { return p, r.Scan(&p[0], &p[1]) })
	if err != nil {
		return nil, fmt.Errorf("facets of wishes: %w", err)
	}
	out := map[string][]string{}
	for _, p := range pairs {
		out[p[0]] = append(out[p[0]], p[1])
	}
	return out, nil
}
