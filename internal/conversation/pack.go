package conversation

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"dingdong/internal/consent"
	"dingdong/internal/customer"
	"dingdong/internal/db"
)

// asking is a delivery that wants the next parcel of a thread. repeat says that
// an earlier attempt may have called the platform and left no note.
type asking struct {
	thread string
	repeat bool
}

// packing reads parcels for many deliveries at once: hundreds of them run at one
// time, and one query for fifty threads costs little more than one for one.
// Whoever comes while nobody reads, reads for all who wait; then the next one does.
type packing struct {
	mu      sync.Mutex
	waiting []*packOrder
	busy    bool
}

type packOrder struct {
	asking
	parcel parcel
	err    error
	woken  chan bool // true: read for all who wait; false: yours is there
}

// packLimit is the most threads read at once.
const packLimit = 64

// nextParcel reads what is to be sent next in a thread, or db.ErrNotFound.
func (d *Desk) nextParcel(ctx context.Context, a asking) (parcel, error) {
	o := &packOrder{asking: a, woken: make(chan bool, 1)}
	q := &d.packing
	q.mu.Lock()
	q.waiting = append(q.waiting, o)
	lead := !q.busy
	q.busy = true
	q.mu.Unlock()
	if !lead && !<-o.woken {
		return o.parcel, o.err
	}
	q.mu.Lock()
	// The leader is among the first: it waited longest, or found nobody waiting.
	orders := q.waiting[:min(len(q.waiting), packLimit)]
	q.waiting = append([]*packOrder(nil), q.waiting[len(orders):]...)
	q.mu.Unlock()
	err := errors.New("the read of what is queued broke off")
	defer func() { // also when it panics: others wait for this
		q.mu.Lock()
		q.busy = len(q.waiting) > 0
		if q.busy {
			q.waiting[0].woken <- true
		}
		q.mu.Unlock()
		for _, other := range orders {
			if err != nil {
				other.err = err
			}
			if other != o {
				other.woken <- false
			}
		}
	}()
	err = d.DB.Read(context.WithoutCancel(ctx), func(tx *db.Tx) error { return d.packAll(tx, orders) })
	if err != nil {
		return parcel{}, err
	}
	return o.parcel, o.err
}

// addressing is what a parcel needs to know of its thread.
type addressing struct {
	counter, token string
	until          time.Time
}

// packAll reads the parcels of several threads with a few queries.
func (d *Desk) packAll(tx *db.Tx, orders []*packOrder) error {
	var ids []string
	for _, o := range orders {
		ids = append(ids, o.thread)
	}
	queued, err := readQueued(tx, ids)
	if err != nil {
		return fmt.Errorf("queued messages: %w", err)
	}
	threads, err := readAddressing(tx, ids)
	if err != nil {
		return fmt.Errorf("threads of queued messages: %w", err)
	}
	var identities, customers []string
	for _, rows := range queued {
		identities = append(identities, rows[0].IdentityID)
		customers = append(customers, rows[0].CustomerID)
	}
	if err := d.Vault.Warm(tx, customers); err != nil {
		return err
	}
	people, err := d.Book.Addressees(tx, identities)
	if err != nil {
		return err
	}
	for _, o := range orders {
		rows := queued[o.thread]
		if len(rows) == 0 {
			o.err = db.ErrNotFound
			continue
		}
		o.parcel, o.err = d.pack(tx, o.asking, rows, threads[o.thread], people[rows[0].IdentityID])
	}
	return nil
}

// perThread is how many queued messages of a thread are read at once: two calls can
// carry no more.
const perThread = 10

// readQueued reads the oldest queued messages of some threads. It asks for more than
// they usually have in one go; threads behind one that has very many are asked again.
func readQueued(tx *db.Tx, threads []string) (map[string][]row, error) {
	out := map[string][]row{}
	left := slices.Clone(threads)
	for len(left) > 0 {
		marks, args := db.In(left, 1)
		limit := perThread * (len(left) + 1)
		rows, err := tx.Query(`SELECT id, thread_id, customer_id, account_id, identity_id, purpose, type, body, blob, preview, at, failure, delivery_id
			FROM message WHERE status = 'queued' AND thread_id IN (`+marks+`) ORDER BY thread_id, id LIMIT `+strconv.Itoa(limit), args...)
		found, err := db.Collect(rows, err, scanQueued)
		if err != nil {
			return nil, err
		}
		last := ""
		for _, r := range found {
			last = r.ThreadID
			if len(out[last]) < perThread {
				out[last] = append(out[last], r)
			}
		}
		if len(found) < limit {
			break
		}
		if len(out[last]) < perThread { // it may have been cut off
			delete(out, last)
		}
		left = slices.DeleteFunc(left, func(id string) bool { return len(out[id]) > 0 })
	}
	return out, nil
}

// scanQueued reads what the way out needs of a message.
func scanQueued(r *sql.Rows) (m row, err error) {
	var at int64
	err = r.Scan(&m.ID, &m.ThreadID, &m.CustomerID, &m.AccountID, &m.IdentityID, &m.Purpose, &m.Type, &m.Body, &m.Blob, &m.Preview,
		&at, &m.Failure, &m.DeliveryID)
	m.At, m.Status = db.Time(at), StatusQueued
	return m, err
}

func readAddressing(tx *db.Tx, threads []string) (map[string]addressing, error) {
	marks, args := db.In(threads, 1)
	out := map[string]addressing{}
	rows, err := tx.Query(`SELECT id, counter_id, reply_token, reply_until FROM thread WHERE id IN (`+marks+`)`, args...)
	_, err = db.Collect(rows, err, func(r *sql.Rows) (none struct{}, err error) {
		var id string
		var a addressing
		var until int64
		err = r.Scan(&id, &a.counter, &a.token, &until)
		a.until = db.Time(until)
		out[id] = a
		return none, err
	})
	return out, err
}

// pack decides what of the queued messages of a thread goes into its next call.
func (d *Desk) pack(tx *db.Tx, a asking, queued []row, at addressing, who customer.Addressee) (parcel, error) {
	first := queued[0]
	p := parcel{threadID: a.thread, customer: first.CustomerID, counter: at.counter, reach: who.Reach, to: who.External}
	var err error
	if p.account, err = d.accountOut(tx, first.AccountID); err != nil {
		return p, err
	}
	limits := d.limits(p.account)
	if first.DeliveryID != "" {
		err = p.resume(tx, first.DeliveryID)
	} else if !a.repeat {
		p.choose(tx, queued, limits.Bubbles, at.token, at.until)
	}
	if err != nil {
		return p, err
	}
	undoable := first.DeliveryID == "" || p.delivery.State == deliveryWaiting
	for n, r := range queued {
		together := n == 0 || (p.delivery.ID != "" && r.DeliveryID == first.DeliveryID && r.IdentityID == first.IdentityID && n < limits.Bubbles)
		if !together {
			break
		}
		if undoable && r.Purpose != consent.Service {
			may, err := d.Consent().May(tx, r.CustomerID, r.Purpose, r.AccountID)
			if err != nil {
				return p, err
			}
			if !may && first.DeliveryID != "" && len(queued) > 1 && queued[1].DeliveryID == first.DeliveryID {
				p.dissolve = true // each is asked about on its own
				return p, nil
			}
			if !may && n > 0 {
				break // it comes alone, next
			}
			if !may {
				p.stop, p.delivery = consent.Stopped, delivery{}
			}
		}
		m, err := d.open(tx, r)
		if err != nil {
			return p, err
		}
		p.messages = append(p.messages, m)
	}
	p.left = len(queued) > len(p.messages)
	return p, nil
}

func (p *parcel) resume(tx *db.Tx, id string) error {
	var until int64
	err := tx.QueryRow(`SELECT id, method, token, token_until, state FROM delivery WHERE id = $1`, id).
		Scan(&p.delivery.ID, &p.delivery.Method, &p.delivery.Token, &until, &p.delivery.State)
	p.delivery.TokenUntil = db.Time(until)
	return db.NotFound(err)
}

// choose decides whether a first attempt needs a delivery row: for a free reply,
// or for several bubbles in one call.
func (p *parcel) choose(tx *db.Tx, queued []row, bubbles int, token string, until time.Time) {
	several := len(queued) > 1 && bubbles > 1 && queued[1].DeliveryID == "" && queued[1].IdentityID == queued[0].IdentityID
	free := token != "" && tx.Now.Before(until)
	if !several && !free {
		return
	}
	p.delivery = delivery{ID: newDeliveryID(), Method: methodPush, fresh: true}
	if free {
		p.delivery.Method, p.delivery.Token, p.delivery.TokenUntil = methodReply, token, until
	}
}
