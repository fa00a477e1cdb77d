package conversation

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"dingdong/internal/audit"
	"dingdong/internal/channel"
	"dingdong/internal/db"
	"dingdong/internal/event"
	"dingdong/internal/job"
	"dingdong/internal/staff"
)

// What the house does with a thread by itself. The author of such a note is the
// customer's own advisor.
const (
	ActCovered  Act = "covered"  // she is off: the stand-in answers in her place
	ActFreed    Act = "freed"    // she is off and nobody stands in: the counter answers
	ActReturned Act = "returned" // she is back
)

// standing is a thread with the customer's own advisor.
type standing struct {
	threadID, personID, counterID string
	assignee                      string
	covers                        string // in whose place the assignee answers
	advisor                       string // hers at this counter
	away                          bool   // her advisor is off duty
}

// route brings a thread to the customer's own advisor, or to who stands in for her.
// What a colleague took on is left to her: only a thread that is nobody's, or was
// closed, or covered for an advisor who is back, moves. The query that found the thread
// knows whether it may have to; most messages cost nothing here.
func (d *Desk) route(tx *db.Tx, p *place) error {
	if p.routing != unsettled || p.peer == channel.Group || p.peer == channel.Room {
		return nil
	}
	return d.bring(tx, p.threadID)
}

// settle gives a thread to the customer's advisor now, whoever has it.
func (d *Desk) settle(tx *db.Tx, p standing) error {
	member, err := staff.AnswersAt(tx, p.advisor, p.counterID)
	if err != nil || !member { // she left: the counter answers, as for everybody
		return err
	}
	to, covers, act := p.advisor, "", ActReturned
	if p.away {
		if to, err = standIn(tx, p.counterID, p.advisor); err != nil {
			return err
		}
		covers, act = p.advisor, ActCovered
		if to == "" {
			act = ActFreed
		}
	}
	if to == p.assignee && covers == p.covers {
		return nil
	}
	n, err := tx.Exec(`UPDATE thread SET assignee_id = $2, covers_id = $3 WHERE id = $1 AND assignee_id = $4 AND covers_id = $5`,
		p.threadID, to, covers, p.assignee, p.covers)
	if err != nil {
		return fmt.Errorf("route: %w", err)
	}
	if n == 0 {
		return nil // somebody took it at this moment
	}
	if covers != p.covers {
		if _, err := tx.Exec(`INSERT INTO thread_note (id, thread_id, author_id, kind, target_id, body, at) VALUES ($1, $2, $3, $4, $5, NULL, $6)`,
			tx.NewID("nte"), p.threadID, p.advisor, string(act), to, db.Micro(tx.Now)); err != nil {
			return fmt.Errorf("note: %w", err)
		}
	} else {
		act = ActAssigned
	}
	event.Append(tx, event.Event{Kind: event.ThreadChanged, Customer: p.personID, Thread: p.threadID, Counter: p.counterID, By: "system",
		Data: map[string]string{"act": string(act), "to": to}})
	return nil
}

// standIn is who answers at a counter for an advisor who is off; empty: nobody in
// particular.
func standIn(tx *db.Tx, counterID, advisorID string) (string, error) {
	c, err := staff.GetCounter(tx, counterID)
	if err != nil || c.StandIn == "" || c.StandIn == advisorID {
		return "", err
	}
	ok, err := staff.OnDuty(tx, c.StandIn, counterID)
	if !ok {
		return "", err
	}
	return c.StandIn, err
}

// dutyPiece bounds how many threads are read at once.
const dutyPiece = 200

// dutyChanged is the job behind staff.SetAway: who waits for an advisor that went off
// comes to her stand-in, and what was covered for her comes back.
func (d *Desk) dutyChanged(_ context.Context, j job.Job) (job.Outcome, error) {
	var args staff.DutyArgs
	if err := j.Decode(&args); err != nil {
		return nil, job.Fatal(err)
	}
	return func(tx *db.Tx) error {
		p, err := staff.GetStaff(tx, args.Staff)
		if err != nil {
			return err
		}
		away := p.AwayUntil.After(tx.Now)
		which := `t.covers_id = $1 AND t.covers_id <> ''`
		if away {
			which = `t.assignee_id = $1 AND t.assignee_id <> '' AND t.kind = 'person' AND t.state = 'open' AND t.waiting_since > 0`
		}
		m := moving{advisor: p.ID, away: away, which: which}
		for more := true; more && err == nil; {
			more, err = d.moveFor(tx, &m)
		}
		return err
	}, nil
}

type moving struct {
	advisor, which string
	away           bool
	after          string // the thread that was settled last
}

// moveFor settles threads of customers whose advisor went or came, and tells
// whether there are more.
func (d *Desk) moveFor(tx *db.Tx, m *moving) (bool, error) {
	rows, err := tx.Query(`SELECT t.id, t.customer_id, t.counter_id, t.assignee_id, t.covers_id FROM thread t
		WHERE `+m.which+` AND EXISTS (SELECT 1 FROM binding b WHERE b.customer_id = t.customer_id AND b.counter_id = t.counter_id
			AND b.advisor_id = $1 AND b.ended_at IS NULL) AND t.id > $2 ORDER BY t.id LIMIT $3`, m.advisor, m.after, dutyPiece)
	list, err := db.Collect(rows, err, func(r *sql.Rows) (standing, error) {
		p := standing{advisor: m.advisor, away: m.away}
		return p, r.Scan(&p.threadID, &p.personID, &p.counterID, &p.assignee, &p.covers)
	})
	if err != nil {
		return false, fmt.Errorf("threads of an advisor: %w", err)
	}
	for _, s := range list {
		m.after = s.threadID
		if err := d.settle(tx, s); err != nil {
			return false, err
		}
	}
	return len(list) == dutyPiece, nil
}

// Giving is a colleague's word on whose customer somebody is. AdvisorID empty: nobody's.
type Giving struct {
	ThreadID, AdvisorID string
}

// GiveAdvisor lets a colleague enter whose customer the person of a thread is at its
// counter.
func (d *Desk) GiveAdvisor(tx *db.Tx, v staff.Viewer, g Giving) error {
	t, err := d.writable(tx, v, g.ThreadID)
	if err != nil {
		return err
	}
	person, err := d.Book.Person(tx, t.CustomerID)
	if err != nil {
		return err
	}
	return d.giveAdvisor(tx, v, owning{person, t.CounterID, g.AdvisorID, t.ID})
}

func auditBinding(tx *db.Tx, by, person, counterID string) {
	audit.Record(tx, audit.Entry{Actor: by, Action: "customer.bind", Customer: person, Object: counterID})
}

func (d *Desk) uncover(tx *db.Tx, threadID string) error {
	if _, err := tx.Exec(`UPDATE thread SET covers_id = '' WHERE id = $1 AND covers_id <> ''`, threadID); err != nil {
		return fmt.Errorf("uncover: %w", err)
	}
	return nil
}

// bring gives a thread to the advisor that its person is bound to; without one it stays.
func (d *Desk) bring(tx *db.Tx, threadID string) error {
	s := standing{threadID: threadID}
	var away int64
	err := db.NotFound(tx.QueryRow(`SELECT t.customer_id, t.counter_id, t.assignee_id, t.covers_id, b.advisor_id, w.away_until
		FROM thread t JOIN binding b ON b.customer_id = t.customer_id AND b.counter_id = t.counter_id AND b.ended_at IS NULL
			JOIN staff w ON w.id = b.advisor_id WHERE t.id = $1`, threadID).
		Scan(&s.personID, &s.counterID, &s.assignee, &s.covers, &s.advisor, &away))
	if errors.Is(err, db.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("her advisor: %w", err)
	}
	s.away = away > db.Micro(tx.Now)
	return d.settle(tx, s)
}
