package conversation

import (
	"testing"

	"dingdong/internal/channel"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
)

// What she said in a group chat goes with her; what others said there stays.
func TestAnErasureReachesIntoGroups(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		inGroup := func(user string, n int, text string) channel.Inbound {
			e := says("C1", n, text)
			e.Peer = channel.Peer{Type: channel.Group, ID: "C1", Sender: user}
			return e
		}
		events := []channel.Inbound{says("U1", 1, "hello"), says("U2", 2, "hello")}
		for n := range groupPage + 1 { // more than one page
			events = append(events, inGroup("U2", 10+n, "from the other"))
		}
		events = append(events, inGroup("U1", 5, "hers, early"), inGroup("U1", 9000, "hers, late"))
		h.receive(events...)
		var records []string
		h.read(func(tx *db.Tx) error {
			i, err := h.Book.Find(tx, h.account.ID, "U1")
			records = []string{i.CustomerID}
			return err
		})
		h.write(func(tx *db.Tx) error { return h.Erase(tx, records) })
		h.read(func(tx *db.Tx) error {
			var threadID string
			if err := tx.QueryRow(`SELECT id FROM thread WHERE kind = 'group'`).Scan(&threadID); err != nil {
				return err
			}
			hers, err := h.saidInGroup(tx, threadID, map[string]bool{"U1": true})
			others, err2 := h.saidInGroup(tx, threadID, map[string]bool{"U2": true})
			if len(hers) != 0 || len(others) != groupPage+1 || err2 != nil {
				t.Errorf("%d of hers, %d of the other are left, %v", len(hers), len(others), err2)
			}
			return err
		})
	})
}
