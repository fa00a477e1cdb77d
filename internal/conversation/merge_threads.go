package conversation

import (
	"cmp"
	"database/sql"
	"fmt"
	"slices"

	"dingdong/internal/db"
	"dingdong/internal/event"
)

// regrouping puts the conversations of persons together or takes them apart.
//
// A thread has a home: the record that opened it. Of the threads with a home in
// one person there is one at each counter that shows everything; its customer_id
// is the person's. The others are folded into it: their customer_id is their home,
// and nothing is in them. A message belongs to the shown thread of the person
// whose record it came from. So both directions are one act: who belongs together
// has changed, and every counter's threads follow.
type regrouping struct {
	before, after [][]string // the records of each person, herself first
	act           Act
	by            string
}

// Acts that pages are told of, besides what colleagues do with a thread.
const (
	ActMerged   Act = "merged"
	ActUnmerged Act = "unmerged"
)

// held is a thread that is being regrouped.
type held struct {
	id, home, counter, state, assignee, folded, kind string
	identity, account, replyToken, readToken, covers string
	unread, waiting, replyUntil, lastAt, createdAt   int64
	standby                                          bool
}

// spot is a record at a counter.
type spot struct{ record, counter string }

// share is what of a conversation is whose: of one record at one counter.
type share struct {
	state, assignee string
	unread, waiting int64
}

// hold takes hold of every thread of some records to the end of the transaction.
// Who has read one of them and not yet written in it reads again.
func hold(tx *db.Tx, records []string) ([]held, error) {
	marks, args := db.In(records, 1)
	rows, err := tx.Query(`UPDATE thread SET moves = moves + 1, home_id = CASE WHEN home_id = '' THEN customer_id ELSE home_id END
		WHERE customer_id IN (`+marks+`)
		RETURNING id, home_id, counter_id, state, assignee_id, folded_id, kind, identity_id, account_id, reply_token, read_token, covers_id,
			unread, waiting_since, reply_until, last_at, created_at, standby`, args...)
	all, err := db.Collect(rows, err, func(r *sql.Rows) (h held, err error) {
		return h, r.Scan(&h.id, &h.home, &h.counter, &h.state, &h.assignee, &h.folded, &h.kind, &h.identity, &h.account, &h.replyToken, &h.readToken,
			&h.covers, &h.unread, &h.waiting, &h.replyUntil, &h.lastAt, &h.createdAt, &h.standby)
	})
	if err != nil {
		return nil, fmt.Errorf("hold threads: %w", err)
	}
	slices.SortFunc(all, func(a, b held) int { return cmp.Compare(a.id, b.id) })
	return all, nil
}

// idle refuses while something is on its way to her: a call that is being made
// must find its messages where it took them from.
func idle(tx *db.Tx, threads []held) error {
	if len(threads) == 0 {
		return nil
	}
	ids := make([]string, len(threads))
	for i, t := range threads {
		ids[i] = t.id
	}
	marks, args := db.In(ids, 1)
	var n int
	err := tx.QueryRow(`SELECT (SELECT COUNT(*) FROM message WHERE status = 'queued' AND thread_id IN (`+marks+`)) +
		(SELECT COUNT(*) FROM job WHERE kind = 'deliver' AND dead_at IS NULL AND key IN (`+marks+`))`, args...).Scan(&n)
	if err != nil {
		return fmt.Errorf("what is on its way: %w", err)
	}
	if n > 0 {
		return ErrBusy
	}
	return nil
}

// regroup moves threads, messages and notes to where they belong now. The caller
// holds the threads and has changed who belongs together.
func (d *Desk) regroup(tx *db.Tx, g regrouping, threads []held) error {
	shares := map[spot]share{}
	for _, records := range g.before {
		if err := splitShares(tx, records, threads, shares); err != nil {
			return err
		}
	}
	if err := parkThreads(tx, threads); err != nil {
		return err
	}
	var counters []string
	for _, t := range threads {
		if !slices.Contains(counters, t.counter) {
			counters = append(counters, t.counter)
		}
	}
	var arranged []arrangement
	for _, records := range g.after {
		identities, err := identitiesOf(tx, records)
		if err != nil {
			return err
		}
		for _, counter := range counters {
			here := slices.DeleteFunc(slices.Clone(threads), func(t held) bool { return t.counter != counter })
			p := personAt{records: records, counter: counter, threads: here, identities: identities, shares: shares}
			a, err := d.arrange(tx, p)
			if err != nil {
				return err
			}
			if a.shown.id != "" {
				arranged = append(arranged, a)
			}
		}
		for _, counter := range counters {
			event.Append(tx, event.Event{Kind: event.CustomerChanged, Customer: records[0], Counter: counter, By: g.by,
				Data: map[string]string{"what": "merge"}})
		}
	}
	for _, a := range arranged { // when every message is where it belongs
		if err := a.show(tx); err != nil {
			return err
		}
		if err := a.keepShares(tx); err != nil {
			return err
		}
	}
	return d.tellRegrouped(tx, g)
}

// tellRegrouped tells pages of every thread that shows something else now.
func (d *Desk) tellRegrouped(tx *db.Tx, g regrouping) error {
	var ids []string
	for _, records := range g.after {
		marks, args := db.In(records, 1)
		rows, err := tx.Query(`SELECT id, customer_id, counter_id, folded_id FROM thread WHERE customer_id IN (`+marks+`) ORDER BY id`, args...)
		type told struct{ id, customer, counter, folded string }
		all, err := db.Collect(rows, err, func(r *sql.Rows) (t told, err error) {
			return t, r.Scan(&t.id, &t.customer, &t.counter, &t.folded)
		})
		if err != nil {
			return fmt.Errorf("threads of a person: %w", err)
		}
		for _, t := range all {
			ids = append(ids, t.id)
			data := map[string]string{"act": string(g.act)}
			if t.folded != "" {
				data["to"] = t.folded
			}
			event.Append(tx, event.Event{Kind: event.ThreadChanged, Customer: records[0], Thread: t.id, Counter: t.counter, By: g.by, Data: data})
		}
	}
	return restoreKeys(tx, ids)
}

// parkThreads gives every thread to its home, so that none is in the way of
// another while they are arranged anew. Unnamed notes get the key they have.
func parkThreads(tx *db.Tx, threads []held) error {
	for _, t := range threads {
		if _, err := tx.Exec(`UPDATE thread_note SET customer_id = $2 WHERE thread_id = $1 AND customer_id = ''`, t.id, t.home); err != nil {
			return fmt.Errorf("notes of a thread: %w", err)
		}
		if _, err := tx.Exec(`UPDATE thread SET customer_id = $2, folded_id = '' WHERE id = $1`, t.id, t.home); err != nil {
			return fmt.Errorf("arrange threads: %w", err)
		}
	}
	return nil
}

// personAt is a person at a counter while threads are arranged.
type personAt struct {
	records    []string // herself first
	counter    string
	threads    []held // every held thread of the counter
	identities map[string]identityRow
	shares     map[spot]share
}

type identityRow struct{ id, record, account string }

func identitiesOf(tx *db.Tx, records []string) (map[string]identityRow, error) {
	marks, args := db.In(records, 1)
	rows, err := tx.Query(`SELECT id, customer_id, account_id FROM identity WHERE customer_id IN (`+marks+`) ORDER BY id`, args...)
	list, err := db.Collect(rows, err, func(r *sql.Rows) (i identityRow, err error) { return i, r.Scan(&i.id, &i.record, &i.account) })
	if err != nil {
		return nil, fmt.Errorf("identities of a person: %w", err)
	}
	out := make(map[string]identityRow, len(list))
	for _, i := range list {
		out[i.id] = i
	}
	return out, nil
}
