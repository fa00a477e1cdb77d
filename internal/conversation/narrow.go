package conversation

import (
	"database/sql"
	"fmt"
	"slices"
	"strconv"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// A viewer sees the customers of her counters, and only while the relation lasts. This
// file has the two rules of when it does not, and every list, search and single look of
// this room asks it:
//
//   - Who is about to leave sees only what she still has to do: customers bound to her,
//     and open conversations that are hers to answer.
//   - An advisor does not see a conversation that was closed after the customer went on
//     with another counter, unless somebody here is still her advisor. Writing here again
//     opens it. A manager answers for what was said at her counters and sees it on.

// ended is a relation that is over, of the thread t.
const ended = `t.state = 'closed' AND EXISTS (SELECT 1 FROM identity gone WHERE gone.id = t.identity_id AND gone.counter_id <> '' AND gone.counter_id <> t.counter_id)
	AND NOT EXISTS (SELECT 1 FROM binding kept WHERE kept.customer_id = t.customer_id AND kept.counter_id = t.counter_id AND kept.ended_at IS NULL)`

// onlyHers narrows a query over threads, t, to those whose customers a viewer may see at
// the counters she sees; for most it takes no argument.
func onlyHers(v staff.Viewer, args []any) (string, []any) {
	switch {
	case v.Leaving:
		args = append(args, v.ID)
		me := "$" + strconv.Itoa(len(args))
		return ` AND ((t.assignee_id = ` + me + ` AND t.state = 'open') OR EXISTS (SELECT 1 FROM binding own WHERE own.customer_id = t.customer_id
		AND own.counter_id = t.counter_id AND own.advisor_id = ` + me + ` AND own.ended_at IS NULL))`, args
	case v.Role == staff.Advisor:
		return ` AND NOT (` + ended + `)`, args
	}
	return "", args
}

// hers says whether a viewer may see a thread of a counter that she sees.
func hers(tx *db.Tx, v staff.Viewer, t Thread) (bool, error) {
	if !v.Leaving && (v.Role != staff.Advisor || !t.MovedOn) {
		return true, nil
	}
	only, args := onlyHers(v, []any{t.ID})
	var n int
	if err := tx.QueryRow(`SELECT COUNT(*) FROM thread t WHERE t.id = $1`+only, args...).Scan(&n); err != nil {
		return false, fmt.Errorf("is it still hers: %w", err)
	}
	return n > 0, nil
}

// personIsHers says whether a viewer may see a person: the relation with one of the
// counters that she sees lasts.
func (d *Desk) personIsHers(tx *db.Tx, v staff.Viewer, personID string) (bool, error) {
	if v.SeesAll() {
		return true, nil
	}
	threads, err := threadsSeen(tx, v, personID)
	if err != nil || len(threads) > 0 || v.Leaving {
		return len(threads) > 0, err
	}
	records, err := d.Book.Records(tx, personID)
	if err != nil {
		return false, err
	}
	home, err := d.Book.HomeCounters(tx, records)
	if err != nil || !slices.ContainsFunc(home, v.Sees) {
		return false, err
	}
	strangers, err := neverMet(tx, v.Counters(), []string{personID})
	return len(strangers) > 0, err
}

// neverMet keeps, of some persons who were entered for some counters, those who have
// never had a thread there: of the others the thread says whether the relation lasts.
func neverMet(tx *db.Tx, counters, persons []string) ([]string, error) {
	if len(persons) == 0 || len(counters) == 0 {
		return nil, nil
	}
	ids, args := db.In(persons, 1)
	marks, more := db.In(counters, len(args)+1)
	rows, err := tx.Query(`SELECT DISTINCT t.customer_id FROM thread t WHERE t.customer_id IN (`+ids+`) AND (t.counter_id || '') IN (`+marks+`)`, append(args, more...)...)
	met, err := db.Collect(rows, err, func(r *sql.Rows) (id string, err error) { return id, r.Scan(&id) })
	if err != nil {
		return nil, fmt.Errorf("whom they have met: %w", err)
	}
	return slices.DeleteFunc(slices.Clone(persons), func(p string) bool { return slices.Contains(met, p) }), nil
}
