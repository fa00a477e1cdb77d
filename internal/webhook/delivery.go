package webhook

import (
	"database/sql"
	"fmt"
	"time"

	"dingdong/internal/audit"
	"dingdong/internal/db"
	"dingdong/internal/event"
	"dingdong/internal/staff"
)

// How far an event has come on its way to an endpoint.
const (
	stateQueued = "queued"
	stateSent   = "sent"
	stateFailed = "failed"
)

// Delivery is one event on its way to one endpoint: a line of the log.
type Delivery struct {
	ID         string
	EndpointID string
	EventSeq   int64
	Kind       event.Kind
	State      string // queued, sent or failed
	Attempts   int
	Status     int    // the last answer's HTTP status; 0: none came
	Error      string // why the last attempt failed
	At         time.Time
	TriedAt    time.Time // the last attempt; zero: none yet
}

// Deliveries gives the log of an endpoint, the latest first.
func (r *Room) Deliveries(tx *db.Tx, v staff.Viewer, endpointID string, limit int) ([]Delivery, error) {
	if !v.May(staff.ManageGroup) {
		return nil, staff.ErrForbidden
	}
	if limit <= 0 || limit > 500 {
		limit = 50
	}
	rows, err := tx.Query(`SELECT `+deliveryColumns+` FROM endpoint_delivery WHERE endpoint_id = $1 ORDER BY id DESC LIMIT $2`, endpointID, limit)
	list, err := db.Collect(rows, err, func(rs *sql.Rows) (Delivery, error) { return scanDelivery(rs) })
	if err != nil {
		return nil, fmt.Errorf("list deliveries: %w", err)
	}
	return list, nil
}

// Retry sends an event again, whatever came of it before. It goes before what
// waits, under the same webhook-id.
func (r *Room) Retry(tx *db.Tx, v staff.Viewer, deliveryID string) (Delivery, error) {
	if !v.May(staff.ManageGroup) {
		return Delivery{}, staff.ErrForbidden
	}
	var d Delivery
	d, err := scanDelivery(tx.QueryRow(`SELECT `+deliveryColumns+` FROM endpoint_delivery WHERE id = $1
		AND endpoint_id IN (SELECT id FROM endpoint WHERE ended_at IS NULL)`, deliveryID))
	if err != nil {
		return d, fmt.Errorf("load delivery: %w", db.NotFound(err))
	}
	if _, err := tx.Exec(`UPDATE endpoint_delivery SET state = 'queued', done_at = NULL WHERE id = $1`, d.ID); err != nil {
		return d, fmt.Errorf("retry delivery: %w", err)
	}
	if err := reach(tx, d.EndpointID, d.EventSeq); err != nil {
		return d, err
	}
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: "endpoint.retry", Object: d.ID})
	d.State, d.TriedAt = stateQueued, time.Time{}
	return d, enqueue(tx, d.EndpointID)
}

const deliveryColumns = `id, endpoint_id, event_seq, kind, state, attempts, status, error, at, COALESCE(done_at, 0)`

func scanDelivery(row interface{ Scan(...any) error }) (Delivery, error) {
	var d Delivery
	var at, tried int64
	err := row.Scan(&d.ID, &d.EndpointID, &d.EventSeq, &d.Kind, &d.State, &d.Attempts, &d.Status, &d.Error, &at, &tried)
	d.At, d.TriedAt = db.Time(at), db.Time(tried)
	return d, err
}

func readParcels(tx *db.Tx, endpointID string, after int64) ([]parcel, error) {
	rows, err := tx.Query(`SELECT id, event_seq, attempts, at, COALESCE(done_at, 0) FROM endpoint_delivery
		WHERE endpoint_id = $1 AND event_seq > $2 AND state = 'queued' ORDER BY event_seq LIMIT $3`, endpointID, after, bundle)
	return db.Collect(rows, err, func(rs *sql.Rows) (parcel, error) {
		var p parcel
		var at, tried int64
		err := rs.Scan(&p.id, &p.seq, &p.attempts, &at, &tried)
		p.at, p.triedAt = db.Time(at), db.Time(tried)
		return p, err
	})
}

const (
	// keepFor is how long the log of an endpoint is kept.
	keepFor = 30 * 24 * time.Hour
	// sweepRows bounds how much one run forgets; a run adds fewer than that.
	sweepRows = 100
)

// forgetOld keeps the log from growing for ever: each run looks at the oldest few rows.
func forgetOld(tx *db.Tx, endpointID string) error {
	_, err := tx.Exec(`DELETE FROM endpoint_delivery WHERE state <> 'queued' AND at < $2 AND id IN (
		SELECT id FROM endpoint_delivery WHERE endpoint_id = $1 ORDER BY id LIMIT $3)`,
		endpointID, db.Micro(tx.Now.Add(-keepFor)), sweepRows)
	if err != nil {
		return fmt.Errorf("forget old deliveries: %w", err)
	}
	return nil
}

// SweepLogs forgets the logs of endpoints that were ended: nothing is sent to them any
// more that would.
func SweepLogs(tx *db.Tx) error {
	_, err := tx.Exec(`DELETE FROM endpoint_delivery WHERE id IN (SELECT d.id FROM endpoint e JOIN endpoint_delivery d ON d.endpoint_id = e.id
		WHERE e.ended_at IS NOT NULL AND d.at < $1 LIMIT 1000)`, db.Micro(tx.Now.Add(-keepFor)))
	if err != nil {
		return fmt.Errorf("forget logs of ended endpoints: %w", err)
	}
	return nil
}
