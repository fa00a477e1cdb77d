package consent

import (
	"cmp"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"time"

	"dingdong/internal/db"
)

// Standing is where she stands on a purpose.
type Standing struct {
	Purpose string
	Account string // "": everywhere that has no standing of its own
	State   State  // "": she was never asked, or did not answer
	Entry   Entry  // her last word, without its evidence; zero where she said none
	// Outdated says that she agreed to an older text and the group has asked anew
	// since: her yes no longer counts.
	Outdated bool
	Needs    bool // the purpose needs a grant
	Closed   bool // the group no longer uses the purpose
}

// Allowed says whether something may be said or done for the purpose.
func (s Standing) Allowed() bool {
	if !s.Needs {
		return true
	}
	return s.State == Granted && !s.Outdated && !s.Closed
}

// States gives her standing on every purpose as it was at a moment, in the group's
// order, and on single accounts where that differs; a zero time is now. Of records
// that are one person today the newest word counts, whichever said it.
func (r *Room) States(tx *db.Tx, customerID string, at time.Time) ([]Standing, error) {
	who, err := r.look(tx, customerID)
	if err != nil {
		return nil, err
	}
	limit := int64(1) << 62
	if !at.IsZero() {
		limit = db.Micro(at)
	}
	marks, args := db.In(who.records, 2)
	rows, err := tx.Query(`SELECT `+entryColumns+` FROM consent WHERE at <= $1 AND customer_id IN (`+marks+`) ORDER BY at, id`,
		append([]any{limit}, args...)...)
	entries, err := db.Collect(rows, err, scanEntry)
	if err != nil {
		return nil, fmt.Errorf("states of consent: %w", err)
	}
	purposes, err := purposesAt(tx, limit)
	if err != nil {
		return nil, err
	}
	var out []Standing
	for _, p := range purposes {
		out = append(out, standings(p, entries)...)
	}
	return out, nil
}

// purposesAt gives the purposes as they were at a moment, with the version from
// which a grant counted then. What she said elsewhere before we knew a purpose may
// have been brought in, so none is left out.
func purposesAt(tx *db.Tx, limit int64) ([]Purpose, error) {
	rows, err := tx.Query(`SELECT p.name, p.needs_grant, CASE WHEN p.closed_at <= $1 THEN 1 ELSE 0 END,
		COALESCE(MAX(CASE WHEN v.anew THEN v.version ELSE 1 END), 1)
		FROM purpose p LEFT JOIN purpose_version v ON v.purpose = p.name AND v.at <= $1
		GROUP BY p.name, p.needs_grant, p.closed_at, p.position ORDER BY p.position, p.name`, limit)
	list, err := db.Collect(rows, err, func(r *sql.Rows) (p Purpose, err error) {
		var closed int
		err = r.Scan(&p.Name, &p.NeedsGrant, &closed, &p.FromVersion)
		if closed == 1 {
			p.ClosedAt = db.Time(limit)
		}
		return p, err
	})
	if err != nil {
		return nil, fmt.Errorf("purposes at a moment: %w", err)
	}
	return list, nil
}

// standings reads the entries of all purposes, the oldest first, for one.
func standings(p Purpose, entries []Entry) []Standing {
	general := Standing{Purpose: p.Name, Needs: p.NeedsGrant, Closed: !p.ClosedAt.IsZero()}
	single := map[string]Standing{}
	for _, e := range entries {
		if e.Purpose != p.Name {
			continue
		}
		s := general
		s.Account, s.State, s.Entry = e.Account, e.State, e
		s.Outdated = e.State == Granted && e.Version < p.FromVersion
		if e.Account == "" {
			general = s
			clear(single) // it covers every channel
			continue
		}
		single[e.Account] = s
	}
	if general.Closed && general.State == "" && len(single) == 0 {
		return nil // she never had to do with it
	}
	out := []Standing{general}
	for _, account := range slices.SortedFunc(maps.Keys(single), cmp.Compare[string]) {
		if s := single[account]; s.State != general.State || s.Outdated != general.Outdated {
			out = append(out, s)
		}
	}
	return out
}

// May says whether she may be written to for a purpose on an account. Service
// needs no grant.
func (r *Room) May(tx *db.Tx, customerID, purpose, accountID string) (bool, error) {
	if purpose == Service {
		return true, nil
	}
	who, err := r.look(tx, customerID)
	if err != nil {
		return false, err
	}
	refused, err := r.refused(tx, question{who.records, purpose, accountID})
	return refused == "" && err == nil, err
}

// question asks for the standing of a person.
type question struct {
	records          []string
	purpose, account string
}

// refused says why a purpose must not be used, "" where it may.
func (r *Room) refused(tx *db.Tx, q question) (string, error) {
	out, err := r.refusals(tx, []question{q})
	if err != nil {
		return "", err
	}
	return out[0], nil
}

// refusals is refused for several people, whose records are not each other's.
func (r *Room) refusals(tx *db.Tx, questions []question) ([]string, error) {
	out := make([]string, len(questions))
	byPurpose := map[string][]int{}
	for i, q := range questions {
		if q.purpose != Service {
			byPurpose[q.purpose] = append(byPurpose[q.purpose], i)
		}
	}
	for purpose, which := range byPurpose {
		var some []question
		for _, i := range which {
			some = append(some, questions[i])
		}
		now, err := lastWords(tx, purpose, some)
		if err != nil {
			return nil, err
		}
		for n, i := range which {
			if out[i], err = r.refusal(tx, now, some[n]); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// stand is a purpose, and what people said of it: for each record the newest word first.
type stand struct {
	needs        bool
	closed, from int64
	words        map[string][]word
}

type word struct {
	account string
	state   State
	version int64
	age     int // 0: the newest of all that were read
}

// lastWords reads what people said of a purpose. A standing of single accounts says
// nothing about all of them.
func lastWords(tx *db.Tx, purpose string, questions []question) (stand, error) {
	var records, accounts []string
	for _, q := range questions {
		records = append(records, q.records...)
		if !slices.Contains(accounts, q.account) {
			accounts = append(accounts, q.account)
		}
	}
	hers, args := oneOf("customer_id", records, 2)
	marks, more := db.In(accounts, 2+len(args))
	every, last := "ORDER BY e.at DESC, e.id DESC", ""
	if len(questions) == 1 { // of one person the last word is enough
		every, last = "", "ORDER BY at DESC, id DESC LIMIT 1"
	}
	rows, err := tx.Query(`SELECT p.needs_grant, COALESCE(p.closed_at, 0), p.from_version,
			COALESCE(e.customer_id, ''), COALESCE(e.account_id, ''), COALESCE(e.state, ''), COALESCE(e.version, 0)
		FROM purpose p LEFT JOIN (SELECT customer_id, account_id, state, version, at, id FROM consent
			WHERE `+hers+` AND purpose = $1 AND account_id IN ('', `+marks+`) `+last+`) e ON TRUE
		WHERE p.name = $1 `+every, slices.Concat([]any{db.CleanText(purpose)}, args, more)...)
	s := stand{words: map[string][]word{}}
	found := 0
	_, err = db.Collect(rows, err, func(r *sql.Rows) (none struct{}, err error) {
		w := word{age: found}
		var customer string // "": nobody said anything
		err = r.Scan(&s.needs, &s.closed, &s.from, &customer, &w.account, &w.state, &w.version)
		if customer != "" {
			s.words[customer] = append(s.words[customer], w)
		}
		found++
		return none, err
	})
	if err != nil {
		return s, fmt.Errorf("her consent: %w", err)
	}
	if found == 0 {
		return s, db.Invalid{Field: "purpose", Code: "unknown"}
	}
	return s, nil
}

// refusal says why a person must not be written to.
func (r *Room) refusal(tx *db.Tx, s stand, q question) (string, error) {
	w, said := s.last(q)
	switch {
	case w.state == Withdrawn:
		return Stopped, nil
	case !said && s.needs, s.closed > 0, said && w.version < s.from:
		return NoConsent, nil
	case !said: // nothing has to be granted: then a no from before she came holds
		no, err := r.Book.Suppressed(tx, q.records)
		if err != nil || no {
			return Stopped, err
		}
	}
	return "", nil
}

// last is her last word that counts on an account, whichever of her records said it.
func (s stand) last(q question) (last word, said bool) {
	for _, record := range q.records {
		for _, w := range s.words[record] {
			if w.account != "" && w.account != q.account {
				continue
			}
			if !said || w.age < last.age {
				last, said = w, true
			}
			break // the others of this record are older
		}
	}
	return last, said
}

// oneOf asks for a column to be one of some values. Of a single one SQLite takes the
// newest row from the end of the index; of a list it gathers and sorts.
func oneOf(column string, values []string, first int) (string, []any) {
	if len(values) == 1 {
		return fmt.Sprintf("%s = $%d", column, first), []any{values[0]}
	}
	marks, args := db.In(values, first)
	return column + " IN (" + marks + ")", args
}
