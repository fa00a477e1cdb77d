package privacy

import (
	"context"
	"testing"
	"time"

	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/staff"
)

// Whoever is found to be her while she is erased is erased with her: another node may
// hold the merge open at the moment in which it is asked who she is.
func TestAMergeOnAnotherNodeIsErasedToo(t *testing.T) {
	clock := dbtest.NewClock(base)
	url := dbtest.PostgresURL(t) // of the other engine there is one node
	var nodes []*db.DB
	for range 2 {
		d, err := db.Open(context.Background(), url, db.Options{Clock: clock.Now})
		check(t, err)
		defer d.Close()
		nodes = append(nodes, d)
	}
	h := newHouse(t, nodes[0], clock)
	lin, other := h.hears("Ulin", "hello", nil), h.hears("Uother", "hello", nil)
	erased := make(chan error, 1)
	h.write(func(tx *db.Tx) error {
		if _, err := h.Desk.Merge(tx, staff.System(), conversation.Merge{KeptID: lin, LostID: other, Proof: conversation.ProvedByAdvisor}); err != nil {
			return err
		}
		go func() {
			erased <- nodes[1].Write(context.Background(), func(tx *db.Tx) error {
				_, err := h.EraseFor(tx, h.officer, lin, "")
				return err
			})
		}()
		for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
			var waits int
			err := tx.QueryRow(`SELECT COUNT(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))`).Scan(&waits)
			if err != nil || waits > 0 {
				return err
			}
		}
		return nil
	})
	check(t, <-erased)
	if n := h.number(`SELECT COUNT(*) FROM customer`); n != 0 {
		t.Errorf("%d records are left", n)
	}
}
