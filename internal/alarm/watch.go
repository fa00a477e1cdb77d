package alarm

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"dingdong/internal/audit"
	"dingdong/internal/db"
	"dingdong/internal/event"
	"dingdong/internal/job"
	"dingdong/internal/staff"
)

// JobWatch looks at what is new in the audit, JobDay at the whole day of those who worked
// in the last hour.
const (
	JobWatch = "alarm"
	JobDay   = "alarm_day"

	watchEvery = time.Minute
	dayEvery   = time.Hour
	newsAtOnce = 20_000 // lines of the audit that one run looks at
)

// Schedule enters the periodic jobs, once each.
func Schedule(tx *db.Tx) error {
	for _, kind := range []string{JobWatch, JobDay} {
		if err := job.Enqueue(tx, job.New{Kind: kind, Key: "periodic"}); err != nil {
			return err
		}
	}
	return nil
}

// Handlers are the room's background work.
func (r *Room) Handlers() map[string]job.Handler {
	return map[string]job.Handler{
		JobWatch: func(context.Context, job.Job) (job.Outcome, error) {
			return func(tx *db.Tx) error {
				behind, err := r.Watch(tx)
				next := tx.Now.Add(watchEvery)
				if behind {
					next = tx.Now
				}
				job.KeepOpen(tx, next)
				return err
			}, nil
		},
		JobDay: func(context.Context, job.Job) (job.Outcome, error) {
			return func(tx *db.Tx) error {
				job.KeepOpen(tx, tx.Now.Add(dayEvery))
				return r.WatchDay(tx)
			}, nil
		},
	}
}

// watched are the actions that rules count.
var watched = []string{"thread.open", "api.read", "customer.shown", "customer.search", "api.search", "customer.contact", "api.contact",
	"export.asked", "customer.export_fetched", "export.denied"}

// Watch looks at the lines of the audit that are new, and raises what they make true.
func (r *Room) Watch(tx *db.Tx) (behind bool, err error) {
	last, err := audit.Last(tx)
	if err != nil {
		return false, err
	}
	var done int64
	if err := tx.QueryRow(`SELECT n FROM tally WHERE name = 'alarm'`).Scan(&done); err != nil {
		return false, fmt.Errorf("alarm: %w", db.NotFound(err))
	}
	if done == last {
		return false, nil
	}
	hour, err := audit.SeqAt(tx, tx.Now.Add(-time.Hour))
	if err != nil {
		return false, err
	}
	from := max(done, hour-1) // after a long sleep, what is older than an hour raises nothing
	to := min(last, from+newsAtOnce)
	actors, err := actorsBetween(tx, from, to)
	if err != nil {
		return false, err
	}
	if len(actors) > 0 {
		if err := r.watch(tx, actors, window{since: hour - 1, until: last}); err != nil {
			return false, err
		}
	}
	if _, err := tx.Exec(`UPDATE tally SET n = $1 WHERE name = 'alarm'`, to); err != nil {
		return false, fmt.Errorf("alarm: %w", err)
	}
	return to < last, nil
}

// WatchDay looks at the whole day of those who did something within the last hour.
func (r *Room) WatchDay(tx *db.Tx) error {
	last, err := audit.Last(tx)
	if err != nil {
		return err
	}
	hour, err := audit.SeqAt(tx, tx.Now.Add(-dayEvery))
	if err != nil {
		return err
	}
	day, err := audit.SeqAt(tx, tx.Now.Add(-24*time.Hour))
	if err != nil {
		return err
	}
	actors, err := actorsBetween(tx, hour-1, last)
	if err != nil || len(actors) == 0 {
		return err
	}
	return r.watch(tx, actors, window{since: day - 1, until: last, day: true})
}

// window is the lines of the audit that are counted.
type window struct {
	since, until int64 // after the one, up to the other
	day          bool
}

// actorsBetween gives who did anything that is watched.
func actorsBetween(tx *db.Tx, after, until int64) ([]string, error) {
	marks, args := db.In(watched, 3)
	rows, err := tx.Query(`SELECT DISTINCT actor FROM audit WHERE seq > $1 AND seq <= $2 AND action IN (`+marks+`)`, append([]any{after, until}, args...)...)
	list, err := db.Collect(rows, err, func(rows *sql.Rows) (s string, err error) { return s, rows.Scan(&s) })
	if err != nil {
		return nil, fmt.Errorf("who did anything: %w", err)
	}
	return list, nil
}

func (r *Room) watch(tx *db.Tx, actors []string, w window) error {
	s, err := Load(tx)
	if err != nil {
		return err
	}
	for _, actor := range actors {
		x := suspect{room: r, tx: tx, actor: actor, settings: s, window: w}
		known, err := x.load()
		if err == nil && known {
			err = x.check()
		}
		if err != nil {
			return fmt.Errorf("watch %s: %w", actor, err)
		}
	}
	return nil
}

// suspect is one person in one window.
type suspect struct {
	room     *Room
	tx       *db.Tx
	actor    string
	settings Settings
	window   window

	role    staff.Role
	person  staff.Person // zero: a token
	zone    *time.Location
	leaving bool
	closed  map[Rule]int64 // up to which line an alarm was dealt with
	acts    []act
}

// act is one line of the audit.
type act struct {
	seq                      int64
	at                       time.Time
	action, customer, detail string
}

// load finds out who she is; false: the house itself, or nobody.
func (x *suspect) load() (bool, error) {
	x.zone = x.room.Zone
	if x.zone == nil {
		x.zone = time.UTC
	}
	if strings.HasPrefix(x.actor, "token/") {
		x.role = staff.Program
		return true, x.loadActs()
	}
	p, err := staff.GetStaff(x.tx, x.actor)
	if errors.Is(err, db.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	x.person, x.role, x.leaving = p, p.Role, x.settings.leaving(p, x.tx.Now)
	if len(p.Counters) > 0 {
		directory, err := staff.LoadDirectory(x.tx)
		if err != nil {
			return false, err
		}
		if c, ok := directory.Counter(p.Counters[0]); ok {
			if zone, err := time.LoadLocation(c.Timezone); err == nil {
				x.zone = zone
			}
		}
	}
	return true, x.loadActs()
}

func (x *suspect) loadActs() error {
	x.closed = map[Rule]int64{}
	rows, err := x.tx.Query(`SELECT rule, MAX(until_seq) FROM alarm WHERE actor = $1 AND state = 'closed' GROUP BY rule`, x.actor)
	_, err = db.Collect(rows, err, func(rows *sql.Rows) (none struct{}, err error) {
		var rule Rule
		var seq int64
		err = rows.Scan(&rule, &seq)
		x.closed[rule] = seq
		return none, err
	})
	if err != nil {
		return fmt.Errorf("what was closed: %w", err)
	}
	x.acts, err = x.actsSince(x.window.since, watched)
	return err
}

func (x *suspect) actsSince(since int64, actions []string) ([]act, error) {
	marks, args := db.In(actions, 4)
	rows, err := x.tx.Query(`SELECT seq, at, action, customer_id, detail FROM audit WHERE actor = $1 AND seq > $2 AND seq <= $3 AND action IN (`+marks+`)`,
		append([]any{x.actor, since, x.window.until}, args...)...)
	list, err := db.Collect(rows, err, func(rows *sql.Rows) (a act, err error) {
		var at int64
		err = rows.Scan(&a.seq, &at, &a.action, &a.customer, &a.detail)
		a.at = db.Time(at)
		return a, err
	})
	if err != nil {
		return nil, fmt.Errorf("her acts: %w", err)
	}
	return list, nil
}

// check counts every rule of the window and raises what is over its bound.
func (x *suspect) check() error {
	for _, rule := range Rules() {
		bound := x.settings.bound(rule, x.role, x.leaving)
		if bound == 0 || x.window.day != (rule == Day) {
			continue
		}
		n, err := x.count(rule)
		if err != nil {
			return err
		}
		if n >= bound {
			if err := x.raise(rule, n, bound); err != nil {
				return err
			}
		}
	}
	return nil
}

// raise enters an alarm, or notes that one which stands is still true.
func (x *suspect) raise(rule Rule, n, bound int) error {
	tx := x.tx
	updated, err := tx.Exec(`UPDATE alarm SET n = CASE WHEN n < $3 THEN $3 ELSE n END, last_at = $4, until_seq = $5, leaving = leaving OR $6
		WHERE rule = $1 AND actor = $2 AND state <> 'closed'`, string(rule), x.actor, n, db.Micro(tx.Now), x.window.until, x.leaving)
	if err != nil {
		return fmt.Errorf("note alarm: %w", err)
	}
	if updated > 0 {
		return nil
	}
	id := tx.NewID("alm")
	_, err = tx.Exec(`INSERT INTO alarm (id, rule, actor, role, leaving, n, bound, first_at, last_at, since_seq, until_seq)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, $10)`,
		id, string(rule), x.actor, string(x.role), x.leaving, n, bound, db.Micro(tx.Now), x.window.since, x.window.until)
	if err != nil {
		return fmt.Errorf("raise alarm: %w", err)
	}
	audit.Record(tx, audit.Entry{Actor: "system", Action: "alarm.raised", Object: id, Detail: fmt.Sprintf("%s %s: %d, from %d on", rule, x.actor, n, bound)})
	event.Append(tx, event.Event{Kind: event.AlarmRaised, By: x.actor, Data: map[string]string{"alarm": id, "rule": string(rule)}})
	return nil
}
