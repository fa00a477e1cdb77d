package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"dingdong/internal/audit"
	"dingdong/internal/db"
	"dingdong/internal/event"
	"dingdong/internal/job"
)

// JobDeliver sends what is queued for one endpoint, in order.
const JobDeliver = "webhook"

type deliverArgs struct {
	Endpoint string `json:"endpoint"`
}

const (
	// tryFor is how long an event is tried before a person must decide.
	tryFor = 24 * time.Hour
	// bundle is how many events one run sends at most, and runTime how long it
	// goes on: what it sent is noted at its end.
	bundle  = 20
	runTime = 10 * time.Second
	// maxAnswer is how much of an answer is read, so that the connection can
	// serve again; nothing in it matters.
	maxAnswer = 16 << 10
)

// waits are the pauses after the first failed attempts; the last one repeats.
var waits = [...]time.Duration{
	5 * time.Second, 15 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour,
}

func wait(attempts int) time.Duration { return waits[min(max(attempts, 1), len(waits))-1] }

// round is what one run has to do.
type round struct {
	endpointID, url string
	secrets         []string // the new one, and for a while the old one
	after           int64    // the endpoint's cursor when it was read
	parcels         []parcel
}

// parcel is one event for one endpoint.
type parcel struct {
	id       string
	seq      int64
	attempts int
	at       time.Time // when it was queued
	triedAt  time.Time // zero: never
	body     []byte    // nil: the event is gone
	customer string    // whose words are in it; empty: nobody's
}

// outcome is what came of a parcel.
type outcome struct {
	parcel
	status int
	err    string // empty: accepted
	gone   bool   // the endpoint asked to be left alone
}

// Deliver is the job handler behind every webhook.
func (r *Room) Deliver(ctx context.Context, j job.Job) (job.Outcome, error) {
	var args deliverArgs
	if err := j.Decode(&args); err != nil {
		return nil, job.Fatal(err)
	}
	work, err := r.next(ctx, args.Endpoint)
	if errors.Is(err, db.ErrNotFound) {
		return nil, nil // paused, ended, or nothing is queued
	}
	if err != nil {
		return nil, fmt.Errorf("next webhook: %w", err)
	}
	began := r.DB.Now()
	if first := work.parcels[0]; first.attempts > 0 {
		// News for a failing endpoint must not shorten its pause.
		if due := first.triedAt.Add(wait(first.attempts)); due.After(began) {
			return nil, job.Snooze(due)
		}
	}
	var done []outcome
	for _, p := range work.parcels {
		// As with a program that asks: once an hour for each customer, and what cannot be
		// recorded is not told.
		look := audit.Look{Actor: Actor(work.endpointID), Action: "api.read", Customers: []string{p.customer}}
		if err := r.sight.Record(ctx, r.DB, look); err != nil {
			if len(done) == 0 {
				return nil, err
			}
			break
		}
		o := r.call(ctx, work, p)
		if ctx.Err() != nil {
			break // we are stopping: this attempt does not count
		}
		done = append(done, o)
		if o.err != "" || r.DB.Now().Sub(began) > runTime {
			break
		}
	}
	if len(done) == 0 {
		return nil, ctx.Err()
	}
	return func(tx *db.Tx) error { return r.settle(tx, work, done) }, nil
}

// next reads what is queued for an endpoint, or db.ErrNotFound.
func (r *Room) next(ctx context.Context, endpointID string) (round, error) {
	work := round{endpointID: endpointID}
	err := r.DB.Read(ctx, func(tx *db.Tx) error {
		var sealed, old []byte
		var oldUntil int64
		err := tx.QueryRow(`SELECT url, secret, after_seq, old_secret, old_secret_until FROM endpoint WHERE id = $1 AND paused_at IS NULL AND ended_at IS NULL`, endpointID).
			Scan(&work.url, &sealed, &work.after, &old, &oldUntil)
		if err != nil {
			return db.NotFound(err)
		}
		if work.secrets, err = r.secrets(sealed, old, db.Time(oldUntil), tx.Now); err != nil {
			return err
		}
		if work.parcels, err = readParcels(tx, endpointID, work.after); err != nil {
			return err
		}
		if len(work.parcels) == 0 {
			return db.ErrNotFound
		}
		return r.fill(tx, work.parcels)
	})
	return work, err
}

// fill writes the body of each parcel as things are now: a message that was
// unsent in the meantime goes out without its content.
func (r *Room) fill(tx *db.Tx, parcels []parcel) error {
	var events []event.Event
	for _, p := range parcels {
		e, err := event.Get(tx, p.seq)
		if errors.Is(err, db.ErrNotFound) {
			continue // purged
		}
		if err != nil {
			return err
		}
		events = append(events, e)
	}
	docs, err := Documents(tx, r.Desk, events)
	if err != nil {
		return err
	}
	for i := range parcels {
		for n, e := range events {
			if e.Seq != parcels[i].seq {
				continue
			}
			if parcels[i].body, err = json.Marshal(docs[n]); err != nil {
				return fmt.Errorf("event document: %w", err)
			}
			if docs[n].Message != nil {
				parcels[i].customer = docs[n].Customer
			}
		}
	}
	return nil
}

// call posts one event. Whatever goes wrong is part of the outcome.
func (r *Room) call(ctx context.Context, work round, p parcel) outcome {
	o := outcome{parcel: p}
	if p.body == nil {
		o.err = "the event is no longer kept"
		return o
	}
	env := envelope{id: p.id, at: r.DB.Now(), body: p.body}
	signature, err := env.sign(work.secrets...)
	if err != nil {
		o.err = err.Error()
		return o
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, work.url, bytes.NewReader(p.body))
	if err != nil {
		o.err = err.Error()
		return o
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Dingdong-Webhook/1")
	req.Header.Set(headerID, env.id)
	req.Header.Set(headerTimestamp, env.timestamp())
	req.Header.Set(headerSignature, signature)
	res, err := r.client.Do(req)
	if err != nil {
		o.err = reason(err)
		return o
	}
	defer res.Body.Close()
	_, _ = io.CopyN(io.Discard, res.Body, maxAnswer) // a longer answer costs it the connection
	o.status = res.StatusCode
	o.gone = res.StatusCode == http.StatusGone
	if res.StatusCode < 200 || res.StatusCode > 299 {
		o.err = "answered " + res.Status
		if len(o.err) > 100 { // the words after the number are the endpoint's
			o.err = fmt.Sprintf("answered %d", res.StatusCode)
		}
	}
	return o
}

// reason keeps what failed and leaves the address out: it may hold a secret of
// the receiver's.
func reason(err error) string {
	var e *url.Error
	if errors.As(err, &e) {
		if e.Timeout() {
			return fmt.Sprintf("no answer within %s", callTime)
		}
		err = e.Err
	}
	text := db.CleanText(err.Error())
	return text[:min(len(text), 300)]
}

// settle notes what came of a run, moves the cursor, and looks for more.
func (r *Room) settle(tx *db.Tx, work round, done []outcome) error {
	passed := work.after
	var again time.Time
	for _, o := range done {
		state := stateSent
		switch {
		case o.err == "":
		case o.gone, o.body == nil, !tx.Now.Before(o.at.Add(tryFor)):
			state = stateFailed
		default:
			state, again = stateQueued, tx.Now.Add(wait(o.attempts+1))
		}
		if state != stateQueued {
			passed = o.seq
		}
		// For one that waits, done_at is when it was tried.
		if _, err := tx.Exec(`UPDATE endpoint_delivery SET state = $2, attempts = attempts + 1, status = $3, error = $4, done_at = $5
			WHERE id = $1 AND state = 'queued'`, o.id, state, int64(o.status), db.CleanText(o.err), db.Micro(tx.Now)); err != nil {
			return fmt.Errorf("note webhook: %w", err)
		}
		if o.gone {
			if err := r.gone(tx, work.endpointID); err != nil {
				return err
			}
		}
	}
	// Only if nobody has moved it back meanwhile.
	if _, err := tx.Exec(`UPDATE endpoint SET after_seq = $2 WHERE id = $1 AND after_seq = $3`, work.endpointID, passed, work.after); err != nil {
		return fmt.Errorf("endpoint cursor: %w", err)
	}
	if err := forgetOld(tx, work.endpointID); err != nil {
		return err
	}
	if !again.IsZero() {
		job.KeepOpen(tx, again)
		return nil
	}
	return more(tx, work.endpointID)
}

// gone pauses an endpoint that answered 410: it wants no more.
func (r *Room) gone(tx *db.Tx, endpointID string) error {
	_, err := tx.Exec(`UPDATE endpoint SET paused_at = $2 WHERE id = $1 AND paused_at IS NULL`, endpointID, db.Micro(tx.Now))
	if err != nil {
		return fmt.Errorf("pause endpoint: %w", err)
	}
	audit.Record(tx, audit.Entry{Actor: "system", Action: "endpoint.gone", Object: endpointID})
	tx.AfterCommit(r.live.forget)
	return nil
}

// more keeps the job open while events wait behind this run.
func more(tx *db.Tx, endpointID string) error {
	var left int
	err := tx.QueryRow(`SELECT COUNT(*) FROM (SELECT d.id FROM endpoint_delivery d JOIN endpoint e ON e.id = d.endpoint_id
		WHERE e.id = $1 AND e.paused_at IS NULL AND e.ended_at IS NULL AND d.event_seq > e.after_seq AND d.state = 'queued' LIMIT 1) q`,
		endpointID).Scan(&left)
	if err != nil {
		return fmt.Errorf("more webhooks: %w", err)
	}
	if left > 0 {
		job.KeepOpen(tx, tx.Now)
	}
	return nil
}
