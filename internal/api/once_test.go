package api

import (
	"sync"
	"testing"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
)

func TestOneKeyAtTheSameMomentMakesOneThing(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		h.says("amy", "hello")
		path := prefix + "/customers/" + h.customerOf("amy") + "/notes"
		body := `{"counter":"` + h.counter + `","body":"Her cat is called Mochi"}`
		answers := make([]answer, 8)
		var all sync.WaitGroup
		for i := range answers {
			all.Go(func() {
				answers[i] = h.do(call{method: "POST", path: path, token: h.token, body: body, header: map[string]string{"Idempotency-Key": "k"}})
			})
		}
		all.Wait()
		made, id := 0, ""
		for _, a := range answers {
			var n Note
			a.into(t, &n)
			if a.status == 201 {
				made++
			} else if a.status != 200 {
				t.Errorf("%d %s", a.status, a.body)
			}
			if id != "" && n.ID != id {
				t.Errorf("two notes: %s, %s", id, n.ID)
			}
			id = n.ID
		}
		if n := h.count(`SELECT COUNT(*) FROM note`); n != 1 || made != 1 {
			t.Errorf("%d notes, %d answers say it was made", n, made)
		}
	})
}

func TestKeysAreForgotten(t *testing.T) {
	clock := dbtest.NewClock(time.Date(2026, 11, 22, 5, 0, 0, 0, time.UTC))
	h := newHouse(t, dbtest.NewAt(t, clock))
	post := func(key string) answer {
		return h.do(call{method: "POST", path: prefix + "/customers", token: h.token, body: `{"name":"Ann"}`, header: map[string]string{"Idempotency-Key": key}})
	}
	post("k")
	clock.Advance(onceFor + time.Second)
	if a := post("k"); a.status != 201 || h.count(`SELECT COUNT(*) FROM api_once`) != 1 {
		t.Errorf("%d %s", a.status, a.body)
	}
	// What was refused leaves nothing behind: the same key may be used for what is in order.
	bad := h.do(call{method: "POST", path: prefix + "/customers", token: h.token, body: `{"counter_id":"cnt_0"}`, header: map[string]string{"Idempotency-Key": "j"}})
	if a := post("j"); bad.status != 422 || a.status != 201 {
		t.Errorf("%d, then %d %s", bad.status, a.status, a.body)
	}
	h.read(func(tx *db.Tx) error {
		var digest string
		if err := tx.QueryRow(`SELECT MIN(digest) FROM api_once`).Scan(&digest); err != nil || len(digest) < 20 {
			t.Errorf("%q %v", digest, err)
		}
		return nil
	})
}
