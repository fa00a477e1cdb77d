package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"dingdong/internal/app"
	"dingdong/internal/consent"
	"dingdong/internal/db"
	"dingdong/internal/privacy"
	"dingdong/internal/staff"
)

// What the nightly run is measured with.
const (
	silentMonths  = 12
	askedNight    = time.Minute
	keptYears     = 3
	seedAtOnce    = 2000
	otherEvery    = 20 * time.Millisecond // how often the rest of the house writes meanwhile
	otherPatience = 250 * time.Millisecond
)

// retention measures the night's run over a house with many customers: a night on which
// almost nobody has been silent for too long, and one on which one in a hundred has. The
// floor is the least that must be read to know it: every thread's time, once, in its index.
func (r *run) retention() error {
	h, err := newHouse(r.ctx, r.o.binary, "", "http://127.0.0.1:9")
	if err != nil {
		return err
	}
	defer h.raze()
	return h.inside(r.ctx, func(a *app.App) error {
		p := population{run: r, app: a, house: h, people: r.o.people, now: a.DB.Now()}
		p.born = p.now.AddDate(-keptYears, 0, 0)
		p.span = p.now.AddDate(0, -silentMonths-6, 0).Sub(p.born) / time.Duration(p.people)
		if err := p.seed(); err != nil {
			return fmt.Errorf("seed: %w", err)
		}
		rules := privacy.DefaultRules()
		rules.SilentMonths = silentMonths
		rules.Keep[privacy.KeepClosed] = 730 // off by default; here it has to be looked for
		if err := a.DB.Write(r.ctx, func(tx *db.Tx) error { return privacy.SaveRules(tx, staff.System(), rules) }); err != nil {
			return err
		}
		floor, err := p.floor()
		if err != nil {
			return err
		}
		for _, night := range []struct {
			name string
			due  int // persons who fall silent before it
		}{{"the first night, nobody due", 0}, {"a usual night, 20 due", 20}, {"1 % due, the first night of it", r.o.people / 100}, {"1 % due, the second", 0}, {"the night after", 0}} {
			if err := p.silence(night.due); err != nil {
				return err
			}
			if err := p.night(night.name, floor); err != nil {
				return err
			}
		}
		return nil
	})
}

// population is a house full of customers that were never really there.
type population struct {
	*run
	app    *app.App
	house  *house
	people int
	now    time.Time     // when it was made
	born   time.Time     // when the first of them came
	span   time.Duration // between one's first day and the next one's
	silent int           // how many of them fell silent so far
}

// at is when customer n came, and contact when she was last heard of: everybody was in
// the last eleven months.
func (p *population) at(n int) time.Time { return p.born.Add(time.Duration(n) * p.span) }

func (p *population) contact(n int) time.Time {
	day := n / seedAtOnce * 7919 % 330 // neighbours share one, else most of the time goes into seeding
	return p.now.Add(-time.Duration(day)*24*time.Hour - time.Duration(n%seedAtOnce)*40*time.Second)
}

func (p *population) seed() error {
	began := time.Now()
	for from := 0; from < p.people; from += seedAtOnce {
		if from%200_000 == 0 {
			fmt.Fprintf(os.Stderr, "   %d customers\n", from)
		}
		to := min(from+seedAtOnce, p.people)
		if err := p.app.DB.Write(p.ctx, func(tx *db.Tx) error { return p.some(tx, from, to) }); err != nil {
			return err
		}
	}
	err := p.app.DB.Write(p.ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(`UPDATE tally SET n = (SELECT COALESCE(MAX(seq), 0) FROM event) WHERE name IN ('event', 'react')`)
		return err
	})
	fmt.Fprintf(os.Stderr, "   seeded in %v\n", time.Since(began).Round(time.Second))
	return err
}

// some writes customers as the rooms would have: the register, the key, a conversation
// of three messages, an event, and every third bought something.
func (p *population) some(tx *db.Tx, from, to int) error {
	var customers, keys, identities, threads, messages, purchases, events []any
	sealed := make([]byte, 64)
	for n := from; n < to; n++ {
		came, last := p.at(n), p.contact(n)
		cus, idn, thr := db.IDAt("cus", came), db.IDAt("idn", came), db.IDAt("thr", came)
		counter := p.house.counters[n%len(p.house.counters)]
		customers = append(customers, cus, "person", sealed, db.Micro(came))
		keys = append(keys, cus, sealed, db.Micro(came))
		identities = append(identities, idn, cus, p.house.account, fmt.Sprintf("%032x", n), sealed, sealed, db.Micro(came))
		final := ""
		for i, at := range []time.Time{came.Add(time.Second), came.Add(time.Minute), last} {
			id := db.IDAt("msg", at)[:20] + fmt.Sprintf("%09d%d", n, i)
			author, status := "customer", "received"
			if i == 1 {
				author, status = "staff", "sent"
			}
			messages = append(messages, id, thr, cus, p.house.account, idn, author, "service", "text", sealed, db.Micro(at), db.Micro(at), status)
			final = id
		}
		threads = append(threads, thr, cus, counter, idn, p.house.account, final, db.Micro(last), db.Micro(came))
		events = append(events, n+1001, db.Micro(came), "message.received", cus, thr, counter)
		if n%3 == 0 {
			purchases = append(purchases, db.IDAt("pur", came), "till", fmt.Sprint(n), cus, counter, db.Micro(came), 128_000, "TWD", db.Micro(came))
		}
	}
	for _, t := range []struct {
		head  string
		width int
		rows  []any
	}{
		{`INSERT INTO customer (id, kind, name, created_at)`, 4, customers},
		{`INSERT INTO vault_key (customer_id, sealed, created_at)`, 3, keys},
		{`INSERT INTO identity (id, customer_id, account_id, external_hash, external, name, created_at)`, 7, identities},
		{`INSERT INTO thread (id, customer_id, counter_id, identity_id, account_id, last_message_id, last_at, created_at)`, 8, threads},
		{`INSERT INTO message (id, thread_id, customer_id, account_id, identity_id, author, purpose, type, body, at, arrived_at, status)`, 12, messages},
		{`INSERT INTO purchase (id, source, ref, customer_id, counter_id, at, total, currency, created_at)`, 9, purchases},
		{`INSERT INTO event (seq, at, kind, customer_id, thread_id, counter_id)`, 6, events},
	} {
		if err := tx.Insert(t.head, t.width, t.rows, ""); err != nil {
			return err
		}
	}
	return nil
}

// silence lets some more customers have been silent for longer than the rule allows,
// spread over the whole house. One in four of them agreed to marketing, and is asked.
func (p *population) silence(count int) error {
	if count == 0 {
		return nil
	}
	every := p.people / count
	since := p.now.AddDate(0, -silentMonths-2, 0)
	for from := 0; from < count; from += 500 {
		err := p.app.DB.Write(p.ctx, func(tx *db.Tx) error {
			var keyed []string
			for i := from; i < min(from+500, count); i++ {
				n := i*every + p.silent // others than those of a former night
				if n >= p.people {
					break
				}
				came := p.at(n)
				thread, at := db.IDAt("thr", came), db.Micro(since.Add(-time.Duration(n)*time.Millisecond))
				for _, q := range []string{`UPDATE message SET at = $2, arrived_at = $2 WHERE thread_id = $1 AND at > $2`, `UPDATE thread SET last_at = $2 WHERE id = $1`} {
					if _, err := tx.Exec(q, thread, at); err != nil {
						return err
					}
				}
				if i%4 == 0 {
					keyed = append(keyed, db.IDAt("cus", came))
				}
			}
			for _, id := range keyed { // her key and her words are real: she is written to
				if _, err := tx.Exec(`DELETE FROM vault_key WHERE customer_id = $1`, id); err != nil {
					return err
				}
				if err := p.app.Vault.NewKey(tx, id); err != nil {
					return err
				}
				if err := p.agree(tx, id); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	p.silent++
	return nil
}

func (p *population) agree(tx *db.Tx, customer string) error {
	if _, err := tx.Exec(`UPDATE identity SET name = NULL, reach = 'friend' WHERE customer_id = $1`, customer); err != nil {
		return err
	}
	if _, err := tx.Exec(`UPDATE customer SET name = NULL WHERE id = $1`, customer); err != nil {
		return err
	}
	return tx.Insert(`INSERT INTO consent (id, customer_id, purpose, state, how, version, at, kept_at)`, 8,
		[]any{tx.NewID("cns"), customer, string(consent.Marketing), "granted", "chat", 1, 1, 1}, "")
}

// floor reads what nobody can spare reading: when each thread last heard of anything.
func (p *population) floor() (time.Duration, error) {
	var times []time.Duration
	for range 3 {
		began := cpu()
		err := p.app.DB.Read(p.ctx, func(tx *db.Tx) error {
			var n, newest int64
			return tx.QueryRow(`SELECT COUNT(*), MAX(t.last_at) FROM customer c JOIN thread t ON t.customer_id = c.id WHERE c.person_id = ''`).Scan(&n, &newest)
		})
		if err != nil {
			return 0, err
		}
		times = append(times, cpu()-began)
	}
	slices.Sort(times)
	return times[1], nil
}

// night runs the rules, while the house goes on writing.
func (p *population) night(name string, floor time.Duration) error {
	ctx, stop := context.WithCancel(p.ctx)
	waits := make(chan []time.Duration)
	go func() { waits <- p.others(ctx) }()
	used, began := cpu(), time.Now()
	run, err := p.app.Privacy.Retain(p.ctx)
	took, used := time.Since(began), cpu()-used
	stop()
	other := <-waits
	if err != nil {
		return err
	}
	slices.Sort(other)
	gone, asked := run.Counts["persons"], run.Counts["asked"]
	p.note(fmt.Sprintf("Night over %d customers: %s", p.people, name), fmt.Sprintf("%.1f s (%.1f s of processor, %.1f times the floor's %.1f s), %d erased, %d asked",
		took.Seconds(), used.Seconds(), used.Seconds()/floor.Seconds(), floor.Seconds(), gone, asked), "under 60 s", took < askedNight)
	if len(other) > 0 {
		p99, most := other[len(other)*99/100], other[len(other)-1]
		p.note("Other writes of the house meanwhile", fmt.Sprintf("%d, p50 %s, p99 %s, longest %s", len(other),
			ms(other[len(other)/2]), ms(p99), ms(most)), fmt.Sprintf("p99 %d ms", otherPatience.Milliseconds()), p99 < otherPatience)
	}
	return nil
}

// others writes a row now and then, as a webhook would, and tells how long each waited.
func (p *population) others(ctx context.Context) (waits []time.Duration) {
	tick := time.NewTicker(otherEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return waits
		case <-tick.C:
		}
		began := time.Now()
		err := p.app.DB.Write(ctx, func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE tally SET note = $1 WHERE name = 'staff'`, fmt.Sprint(began.UnixNano()))
			return err
		})
		if err != nil && !errors.Is(err, context.Canceled) {
			fmt.Fprintln(os.Stderr, "   another write failed:", err)
		}
		if err == nil {
			waits = append(waits, time.Since(began))
		}
	}
}
