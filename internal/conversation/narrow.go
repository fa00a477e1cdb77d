package conversation

import (
	"fmt"
	"strconv"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// Who is about to leave sees only what she still has to do: customers bound to her, and
// open conversations that are hers to answer. That is the one rule of this file; every
// list and search of this room asks it.

// onlyHers narrows a query over threads, t, to what a viewer still needs; for everybody
// who stays it is empty and takes no argument.
func onlyHers(v staff.Viewer, args []any) (string, []any) {
	if !v.Leaving {
		return "", args
	}
	args = append(args, v.ID)
	me := "$" + strconv.Itoa(len(args))
	return ` AND ((t.assignee_id = ` + me + ` AND t.state = 'open') OR EXISTS (SELECT 1 FROM binding own WHERE own.customer_id = t.customer_id
		AND own.counter_id = t.counter_id AND own.advisor_id = ` + me + ` AND own.ended_at IS NULL))`, args
}

// hers says whether a viewer still needs a thread; of everybody who stays it is true.
func hers(tx *db.Tx, v staff.Viewer, threadID string) (bool, error) {
	if !v.Leaving {
		return true, nil
	}
	only, args := onlyHers(v, []any{threadID})
	var n int
	if err := tx.QueryRow(`SELECT COUNT(*) FROM thread t WHERE t.id = $1`+only, args...).Scan(&n); err != nil {
		return false, fmt.Errorf("is it still hers: %w", err)
	}
	return n > 0, nil
}

// personIsHers says whether a viewer still needs any thread of a person.
func personIsHers(tx *db.Tx, v staff.Viewer, personID string) (bool, error) {
	if !v.Leaving {
		return true, nil
	}
	only, args := onlyHers(v, []any{personID})
	var n int
	if err := tx.QueryRow(`SELECT COUNT(*) FROM thread t WHERE t.customer_id = $1 AND t.folded_id = ''`+only, args...).Scan(&n); err != nil {
		return false, fmt.Errorf("is she still hers: %w", err)
	}
	return n > 0, nil
}
