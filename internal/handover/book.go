package handover

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// entry is one customer of a client book at one counter.
type entry struct {
	person, counter string
	bound           bool   // bound to the leaver
	own             string // her advisor, where it is another one
	language        string
	last            int64
	interests       []string
}

type spot struct{ person, counter string }

const personOf = `CASE WHEN c.person_id = '' THEN c.id ELSE c.person_id END`

// bookOf reads everything that hangs on an advisor: who is bound to her, whose thread
// she answers or is covered in, whom she promised something.
func bookOf(tx *db.Tx, leaver string) ([]entry, error) {
	rows, err := tx.Query(`SELECT `+personOf+`, b.counter_id, 1 FROM binding b JOIN customer c ON c.id = b.customer_id
			WHERE b.advisor_id = $1 AND b.ended_at IS NULL AND c.kind = 'person'
		UNION SELECT t.customer_id, t.counter_id, 0 FROM thread t WHERE t.assignee_id = $1 AND t.assignee_id <> '' AND t.kind = 'person' AND t.folded_id = ''
		UNION SELECT t.customer_id, t.counter_id, 0 FROM thread t WHERE t.covers_id = $1 AND t.covers_id <> '' AND t.kind = 'person' AND t.folded_id = ''
		UNION SELECT `+personOf+`, p.counter_id, 0 FROM promise p JOIN customer c ON c.id = p.customer_id
			WHERE p.author_id = $1 AND p.done_at IS NULL AND p.ended_at IS NULL AND c.kind = 'person'
		ORDER BY 1, 2, 3 DESC`, leaver)
	all, err := db.Collect(rows, err, func(r *sql.Rows) (e entry, err error) {
		var bound int
		err = r.Scan(&e.person, &e.counter, &bound)
		e.bound = bound == 1
		return e, err
	})
	if err != nil {
		return nil, fmt.Errorf("client book: %w", err)
	}
	all = slices.CompactFunc(all, func(a, b entry) bool { return a.person == b.person && a.counter == b.counter }) // a bound one comes first
	for part := range slices.Chunk(all, 200) {
		if err := describe(tx, part, leaver); err != nil {
			return nil, fmt.Errorf("client book: %w", err)
		}
	}
	return all, nil
}

// describe adds what the split and the telling depend on.
func describe(tx *db.Tx, part []entry, leaver string) error {
	at := map[spot]*entry{}
	persons := make([]string, len(part))
	for i := range part {
		at[spot{part[i].person, part[i].counter}] = &part[i]
		persons[i] = part[i].person
	}
	for _, read := range []func(*db.Tx, []string, map[spot]*entry) error{readOwn(leaver), readThreads, readPurchases, readTags} {
		if err := read(tx, persons, at); err != nil {
			return err
		}
	}
	return speak(tx, part)
}

// readOwn learns who has an advisor already that is not the leaver.
func readOwn(leaver string) func(*db.Tx, []string, map[spot]*entry) error {
	return func(tx *db.Tx, persons []string, at map[spot]*entry) error {
		marks, args := db.In(persons, 1)
		rows, err := tx.Query(`SELECT customer_id, counter_id, advisor_id, at FROM binding WHERE ended_at IS NULL AND customer_id IN (`+marks+`)`, args...)
		_, err = db.Collect(rows, err, func(r *sql.Rows) (none struct{}, err error) {
			var s spot
			var advisor string
			var since int64
			if err = r.Scan(&s.person, &s.counter, &advisor, &since); err != nil || at[s] == nil {
				return none, err
			}
			at[s].last = max(at[s].last, since)
			if advisor != leaver { // her own record's comes before that of one merged into it
				at[s].own, at[s].bound = advisor, false
			}
			return none, nil
		})
		return err
	}
}

// readThreads learns in what language she is written to, and when they last spoke.
func readThreads(tx *db.Tx, persons []string, at map[spot]*entry) error {
	marks, args := db.In(persons, 1)
	rows, err := tx.Query(`SELECT t.customer_id, t.counter_id, i.language, COALESCE((SELECT MAX(m.at) FROM message m WHERE m.thread_id = t.id
			AND m.author IN ('customer', 'staff')), 0)
		FROM thread t JOIN identity i ON i.id = t.identity_id WHERE t.kind = 'person' AND t.folded_id = '' AND t.customer_id IN (`+marks+`)`, args...)
	_, err = db.Collect(rows, err, func(r *sql.Rows) (none struct{}, err error) {
		var s spot
		var language string
		var last int64
		if err = r.Scan(&s.person, &s.counter, &language, &last); err == nil && at[s] != nil {
			at[s].language, at[s].last = language, max(at[s].last, last)
		}
		return none, err
	})
	return err
}

// readPurchases learns when she last bought something there, and what.
func readPurchases(tx *db.Tx, persons []string, at map[spot]*entry) error {
	marks, args := db.In(persons, 1)
	rows, err := tx.Query(`SELECT `+personOf+`, p.counter_id, MAX(p.at), COALESCE(d.category, '') FROM customer c JOIN purchase p ON p.customer_id = c.id
			LEFT JOIN purchase_line l ON l.purchase_id = p.id LEFT JOIN variant v ON v.id = l.variant_id LEFT JOIN product d ON d.id = v.product_id
		WHERE p.kind = 'sale' AND p.customer_id <> '' AND (c.id IN (`+marks+`) OR c.person_id IN (`+marks+`))
		GROUP BY 1, p.counter_id, COALESCE(d.category, '') ORDER BY 1, 2, 4`, args...)
	_, err = db.Collect(rows, err, func(r *sql.Rows) (none struct{}, err error) {
		var s spot
		var category string
		var last int64
		if err = r.Scan(&s.person, &s.counter, &last, &category); err == nil && at[s] != nil {
			at[s].last = max(at[s].last, last)
			if category != "" {
				at[s].interests = append(at[s].interests, category)
			}
		}
		return none, err
	})
	return err
}

// readTags learns what she cares for: the group's word for a tag, and its name. A brand's
// own tag counts at its own counters.
func readTags(tx *db.Tx, persons []string, at map[spot]*entry) error {
	marks, args := db.In(persons, 2)
	rows, err := tx.Query(`SELECT DISTINCT `+personOf+`, t.name, t.label, COALESCE(k.id, '') FROM customer c JOIN customer_tag x ON x.customer_id = c.id JOIN tag t ON t.id = x.tag_id
			LEFT JOIN counter k ON k.brand_id = t.brand_id AND t.brand_id <> ''
		WHERE x.ended_at IS NULL AND (x.expires_at = 0 OR x.expires_at > $1) AND (c.id IN (`+marks+`) OR c.person_id IN (`+marks+`)) AND (t.brand_id = '' OR k.id IS NOT NULL)
		ORDER BY 1, 2, 4`,
		append([]any{db.Micro(tx.Now)}, args...)...)
	_, err = db.Collect(rows, err, func(r *sql.Rows) (none struct{}, err error) {
		var person, name, label, counter string
		if err = r.Scan(&person, &name, &label, &counter); err != nil {
			return none, err
		}
		for s, e := range at {
			if s.person == person && (counter == "" || counter == s.counter) {
				e.interests = append(e.interests, tagWords(name, label)...)
			}
		}
		return none, nil
	})
	return err
}

// speak settles the language of each: what the platform says of her, else the place's.
func speak(tx *db.Tx, part []entry) error {
	known := map[[2]string]string{}
	for i := range part {
		e := &part[i]
		key := [2]string{e.language, e.counter}
		language, ok := known[key]
		if !ok {
			var err error
			if language, err = conversation.LanguageOf(tx, customer.Identity{Language: e.language}, e.counter); err != nil {
				return err
			}
			known[key] = language
		}
		e.language = language
	}
	return nil
}

// candidates lists who may take over by rule, by counter: its advisors on duty, or
// whoever answers there where it has none. Who leaves or will be away is left out.
func candidates(tx *db.Tx, h Handover) (map[string][]Colleague, error) {
	people, err := staff.Advisors(tx, h.Counters)
	if err != nil {
		return nil, err
	}
	gone, err := leaving(tx, h.ID)
	if err != nil {
		return nil, err
	}
	out := map[string][]Colleague{}
	for counter, list := range people {
		if list, err = orAnybody(tx, counter, list, h.LeaverID); err != nil {
			return nil, err
		}
		for _, p := range list {
			if p.ID == h.LeaverID || p.Away || gone[p.ID] {
				continue
			}
			if leaves, err := staff.LeavingAt(tx, p.ID); err != nil || !leaves.IsZero() {
				if err != nil {
					return nil, err
				}
				continue
			}
			c := Colleague{ID: p.ID, Languages: p.Languages, Specialities: p.Specialities}
			if c.Load, err = loadOf(tx, p.ID, counter); err != nil {
				return nil, err
			}
			out[counter] = append(out[counter], c)
		}
	}
	return out, nil
}

// loadOf counts the customers that somebody has at a counter.
func loadOf(tx *db.Tx, advisor, counter string) (n int, err error) {
	if err = tx.QueryRow(`SELECT COUNT(*) FROM binding WHERE advisor_id = $1 AND counter_id = $2 AND ended_at IS NULL`, advisor, counter).Scan(&n); err != nil {
		return 0, fmt.Errorf("load of a colleague: %w", err)
	}
	return n, nil
}

// orAnybody takes whoever answers at a counter where the leaver is its only advisor.
func orAnybody(tx *db.Tx, counter string, list []staff.Colleague, leaver string) ([]staff.Colleague, error) {
	if slices.ContainsFunc(list, func(p staff.Colleague) bool { return p.ID != leaver }) {
		return list, nil
	}
	return staff.Colleagues(tx, counter)
}

// ownAdvisor is who a person is bound to at a counter; empty: nobody.
func (r *Room) ownAdvisor(tx *db.Tx, person, counter string) (string, error) {
	b, err := r.Desk.Book.BindingAt(tx, person, counter)
	if errors.Is(err, db.ErrNotFound) {
		return "", nil
	}
	return b.AdvisorID, err
}
