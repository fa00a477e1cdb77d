package webhook

import (
	"cmp"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"dingdong/internal/db"
	"dingdong/internal/event"
)

// target is an endpoint as Queue needs it.
type target struct {
	id    string
	kinds []event.Kind // empty: every kind
}

func (t target) wants(k event.Kind) bool {
	return len(t.kinds) == 0 || slices.Contains(t.kinds, k)
}

// Queue is the reaction to every event: it puts the event in the queue of each
// endpoint that asked for its kind, once. Without endpoints it costs a look
// into memory.
func (r *Room) Queue(tx *db.Tx, ev event.Event) error {
	targets, err := r.targets(tx)
	if err != nil {
		return err
	}
	for _, t := range targets {
		if !t.wants(ev.Kind) {
			continue
		}
		tx.Defer(queue, queued{id: tx.NewID("edl"), endpointID: t.id, seq: ev.Seq, kind: ev.Kind})
		if err := enqueue(tx, t.id); err != nil {
			return fmt.Errorf("queue for endpoint: %w", err)
		}
	}
	return nil
}

// Nobody says that no endpoint is live.
func (r *Room) Nobody(tx *db.Tx) (bool, error) {
	targets, err := r.targets(tx)
	return len(targets) == 0, err
}

func (r *Room) targets(tx *db.Tx) ([]target, error) {
	if list, fresh := r.live.get(tx.Now); fresh {
		return list, nil
	}
	rows, err := tx.Query(`SELECT id, kinds FROM endpoint WHERE ended_at IS NULL AND paused_at IS NULL ORDER BY id`)
	list, err := db.Collect(rows, err, func(rs *sql.Rows) (target, error) {
		var t target
		var kinds string
		err := rs.Scan(&t.id, &kinds)
		for k := range strings.FieldsSeq(kinds) {
			t.kinds = append(t.kinds, event.Kind(k))
		}
		return t, err
	})
	if err != nil {
		return nil, fmt.Errorf("live endpoints: %w", err)
	}
	r.live.put(list, tx.Now)
	return list, nil
}

// queued is a delivery on its way into the table.
type queued struct {
	id, endpointID string
	seq            int64
	kind           event.Kind
}

var queue = &db.Batch{Name: "webhook", Order: 5, Flush: flush}

func flush(tx *db.Tx, rows []any) error {
	list := make([]queued, len(rows))
	for i, row := range rows {
		list[i] = row.(queued)
	}
	slices.SortFunc(list, func(a, b queued) int {
		return cmp.Or(cmp.Compare(a.endpointID, b.endpointID), cmp.Compare(a.seq, b.seq))
	})
	args := make([]any, 0, len(list)*6)
	for i, q := range list {
		args = append(args, q.id, q.endpointID, q.seq, string(q.kind), stateQueued, db.Micro(tx.Now))
		if i > 0 && list[i-1].endpointID == q.endpointID {
			continue
		}
		// An event that was set aside comes after younger ones: the courier must
		// look at it although it has gone past its number.
		if err := reach(tx, q.endpointID, q.seq); err != nil {
			return err
		}
	}
	return tx.Insert(`INSERT INTO endpoint_delivery (id, endpoint_id, event_seq, kind, state, at)`, 6, args,
		`ON CONFLICT (endpoint_id, event_seq) DO NOTHING`)
}

// reach moves an endpoint's cursor back, so that the event number seq is looked at.
func reach(tx *db.Tx, endpointID string, seq int64) error {
	_, err := tx.Exec(`UPDATE endpoint SET after_seq = $2 WHERE id = $1 AND after_seq > $2`, endpointID, seq-1)
	if err != nil {
		return fmt.Errorf("endpoint cursor: %w", err)
	}
	return nil
}
