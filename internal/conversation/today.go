package conversation

import (
	"cmp"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"time"

	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// TodoKind is why somebody stands on the page of the day.
type TodoKind string

// What a day can bring, in the order in which the page shows it.
const (
	TodoWaiting     TodoKind = "waiting"
	TodoPromise     TodoKind = "promise"
	TodoBirthday    TodoKind = "birthday"
	TodoWish        TodoKind = "wish"
	TodoAnniversary TodoKind = "anniversary" // a year since she last bought something
)

// Todo is one customer who should hear from the viewer, and why.
type Todo struct {
	Kind     TodoKind
	Ref      string // what Dismiss names: the person, wish, promise or receipt
	PersonID string
	Thread   Thread
	Mine     bool   // hers: bound to the viewer, or assigned
	Words    string // the wish or promise
	Product  string // what arrived
	At       time.Time
	Turns    int // of a birthday: how old she becomes; 0: not known
}

// Day asks what is to be done today, as the day is in a place.
type Day struct {
	Zone *time.Location
	All  bool // what was put aside, too
}

const (
	todoLimit  = 20    // of each kind
	todoOwn    = 1_000 // persons of a viewer whose birthdays are looked up one by one
	todoBorn   = 4     // pages of everybody's birthdays, for who sees more
	weekAhead  = 6 * 24 * time.Hour
	aroundYear = 3 * 24 * time.Hour
	asideLong  = 300 * 24 * time.Hour
)

// Today returns who should hear from the viewer today: each kind bounded, her own
// customers first. What she put aside is left out.
func (d *Desk) Today(tx *db.Tx, v staff.Viewer, day Day) ([]Todo, error) {
	if day.Zone == nil {
		day.Zone = time.UTC
	}
	counters, err := visible(tx, v)
	if err != nil || len(counters) == 0 {
		return nil, err
	}
	w := todos{desk: d, tx: tx, v: v, day: day, aside: map[[2]string]bool{}, bound: map[string]bool{}}
	w.seen = finding{desk: d, tx: tx, v: v, counters: counters, last: map[string]lastThread{}}
	for _, read := range []func() error{w.readAside, w.readBound, w.waiting, w.promises, w.birthdays, w.wishes, w.anniversaries} {
		if err := read(); err != nil {
			return nil, fmt.Errorf("today: %w", err)
		}
	}
	return w.open()
}

// todos gathers a day.
type todos struct {
	desk  *Desk
	tx    *db.Tx
	v     staff.Viewer
	day   Day
	seen  finding
	aside map[[2]string]bool
	bound map[string]bool // persons
	list  []Todo
}

func (w *todos) readAside() error {
	if w.day.All {
		return nil
	}
	rows, err := w.tx.Query(`SELECT kind, ref FROM today_dismissal WHERE staff_id = $1 AND until > $2`, w.v.ID, db.Micro(w.tx.Now))
	list, err := db.Collect(rows, err, func(r *sql.Rows) (k [2]string, err error) { return k, r.Scan(&k[0], &k[1]) })
	for _, k := range list {
		w.aside[k] = true
	}
	return err
}

func (w *todos) readBound() error {
	list, err := w.desk.Book.BoundTo(w.tx, customer.ClientBook{AdvisorID: w.v.ID, CounterIDs: w.seen.counters, Limit: 500})
	for _, b := range list {
		w.bound[b.CustomerID] = true
	}
	return err
}

// add takes the first of a kind; a thread's id may be known already.
func (w *todos) add(kind TodoKind, list []Todo) {
	n := 0
	for _, t := range list {
		if t.Kind = kind; n < todoLimit && !w.aside[[2]string{string(kind), t.Ref}] {
			w.list = append(w.list, t)
			n++
		}
	}
}

func (w *todos) waiting() error {
	threads, _, err := w.desk.Inbox(w.tx, w.v, Filter{Box: BoxMine, Limit: todoLimit})
	var list []Todo
	for _, t := range threads {
		if !t.WaitingSince.IsZero() {
			list = append(list, Todo{Ref: t.ID, PersonID: t.CustomerID, Thread: t, At: t.WaitingSince})
		}
	}
	w.add(TodoWaiting, list)
	return err
}

// endOfDay is the next midnight of the place.
func (day Day) endOfDay(now time.Time) time.Time {
	y, m, date := now.In(day.Zone).Date()
	return time.Date(y, m, date+1, 0, 0, 0, 0, day.Zone)
}

func (w *todos) promises() error {
	due, err := w.desk.Book.PromisesDue(w.tx, w.v, w.day.endOfDay(w.tx.Now))
	list := make([]Todo, 0, len(due))
	for _, p := range due {
		list = append(list, Todo{Ref: p.ID, PersonID: p.CustomerID, Thread: Thread{CounterID: p.CounterID}, Words: p.Body, At: p.Due})
	}
	w.add(TodoPromise, list)
	return err
}

func (w *todos) wishes() error {
	matched, err := w.desk.Book.WishesMatched(w.tx, w.v, 3*todoLimit)
	if err != nil || len(matched) == 0 {
		return err
	}
	variants := make([]string, 0, len(matched))
	for _, m := range matched {
		if m.VariantID != "" {
			variants = append(variants, m.VariantID)
		}
	}
	names := map[string]string{}
	if len(variants) > 0 {
		marks, args := db.In(variants, 1)
		rows, err := w.tx.Query(`SELECT x.id, p.name, x.name FROM variant x JOIN product p ON p.id = x.product_id WHERE x.id IN (`+marks+`)`, args...)
		list, err := db.Collect(rows, err, func(r *sql.Rows) (n [3]string, err error) { return n, r.Scan(&n[0], &n[1], &n[2]) })
		if err != nil {
			return err
		}
		for _, n := range list {
			if names[n[0]] = n[1]; n[2] != "" && n[2] != n[1] {
				names[n[0]] += " " + n[2]
			}
		}
	}
	list := make([]Todo, 0, len(matched))
	for _, m := range matched {
		list = append(list, Todo{Ref: m.ID, PersonID: m.CustomerID, Thread: Thread{CounterID: m.CounterID}, Words: m.Body, Product: names[m.VariantID], At: m.MatchedAt})
	}
	w.add(TodoWish, list)
	return nil
}

// birthdays are those of seven days, today's first; her own customers come before
// the others of a day.
func (w *todos) birthdays() error {
	sight, err := w.desk.Book.Sight(w.tx, w.v)
	if err != nil {
		return err
	}
	marks, args := db.In(w.seen.counters, 1)
	only, args := onlyHers(w.v, args)
	rows, err := w.tx.Query(`SELECT t.customer_id, t.id, t.last_at FROM thread t WHERE t.counter_id IN (`+marks+`) AND t.kind = 'person'
		AND t.folded_id = ''`+only+` ORDER BY t.last_at DESC, t.id DESC LIMIT `+strconv.Itoa(todoOwn+1), args...)
	if err := w.seen.learn(rows, err); err != nil {
		return err
	}
	q := customer.Birthdays{From: w.tx.Now, To: w.tx.Now.Add(weekAhead), Zone: w.day.Zone, Sight: sight, Limit: 500}
	var born []customer.Birthday
	if len(w.seen.last) <= todoOwn {
		if born, err = w.bornOwn(q); err != nil {
			return err
		}
	} else if born, err = w.bornAll(q); err != nil {
		return err
	}
	var list []Todo
	for _, b := range born {
		list = append(list, Todo{Ref: b.PersonID, PersonID: b.PersonID, Mine: w.bound[b.PersonID], At: b.On, Turns: b.Turns})
	}
	slices.SortStableFunc(list, func(a, b Todo) int { return cmp.Or(-compareBool(a.Mine, b.Mine), a.At.Compare(b.At)) })
	w.add(TodoBirthday, list)
	return nil
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

func (w *todos) bornOwn(q customer.Birthdays) ([]customer.Birthday, error) {
	persons := make([]string, 0, len(w.seen.last))
	for p := range w.seen.last {
		persons = append(persons, p)
	}
	slices.Sort(persons)
	var out []customer.Birthday
	for part := range slices.Chunk(persons, findRecords) {
		var err error
		if q.Records, err = w.desk.Book.RecordsOf(w.tx, part); err != nil {
			return nil, err
		}
		born, _, err := w.desk.Book.BirthdaysBetween(w.tx, q)
		if err != nil {
			return nil, err
		}
		out = append(out, born...)
	}
	return out, nil
}

func (w *todos) bornAll(q customer.Birthdays) ([]customer.Birthday, error) {
	var out []customer.Birthday
	for range todoBorn {
		born, next, err := w.desk.Book.BirthdaysBetween(w.tx, q)
		if err != nil {
			return nil, err
		}
		persons := make([]string, len(born))
		for i, b := range born {
			persons[i] = b.PersonID
		}
		if _, err := w.seen.seen(persons); err != nil {
			return nil, err
		}
		for _, b := range born {
			if _, ok := w.seen.last[b.PersonID]; ok {
				out = append(out, b)
			}
		}
		if q.After = next; next == "" {
			break
		}
	}
	return out, nil
}

// anniversaries are receipts of a year ago, within three days, after which she
// bought nothing at that counter: what she buys elsewhere is not to be told from a line
// that is missing.
func (w *todos) anniversaries() error {
	year := w.tx.Now.AddDate(-1, 0, 0)
	args := []any{db.Micro(year.Add(-aroundYear)), db.Micro(year.Add(aroundYear)), todoLimit * 3}
	marks, more := db.In(w.seen.counters, 4)
	// A person's receipts stand under the record they came in for. || keeps the
	// planner from starting at all receipts of those days.
	const of = ` JOIN purchase p ON p.customer_id = `
	const when = ` AND p.customer_id <> '' AND p.at >= $1 AND p.at < $2 AND p.kind = 'sale'`
	query := func(records string) string {
		return `SELECT p.id, t.customer_id, t.counter_id, p.at FROM thread t` + records + when + ` AND (p.counter_id || '') = t.counter_id
			AND NOT EXISTS (SELECT 1 FROM purchase l WHERE l.customer_id = p.customer_id AND l.counter_id = p.counter_id AND l.at > p.at AND l.customer_id <> '')
			WHERE t.counter_id IN (` + marks + `) AND t.kind = 'person' AND t.folded_id = ''`
	}
	rows, err := w.tx.Query(query(of+`t.customer_id`)+` UNION ALL `+
		query(` JOIN customer c ON c.person_id = t.customer_id AND c.person_id <> ''`+of+`c.id`)+` ORDER BY 4, 1 LIMIT $3`, append(args, more...)...)
	list, err := db.Collect(rows, err, func(r *sql.Rows) (t Todo, err error) {
		var at int64
		err = r.Scan(&t.Ref, &t.PersonID, &t.Thread.CounterID, &at)
		t.At = db.Time(at)
		return t, err
	})
	w.add(TodoAnniversary, list)
	return err
}

// open finds the thread of each, and leaves out who has none that the viewer sees.
func (w *todos) open() ([]Todo, error) {
	records := make([]string, 0, len(w.list))
	for _, t := range w.list {
		records = append(records, t.PersonID)
	}
	persons, err := w.desk.Book.PersonOfEach(w.tx, records)
	if err != nil {
		return nil, err
	}
	type pair struct{ person, counter string }
	at, ids := map[pair]string{}, []string{}
	for part := range slices.Chunk(records, findRecords) {
		whose := make([]string, len(part))
		for i, r := range part {
			whose[i] = persons[r]
		}
		marks, args := db.In(whose, 1)
		only, args := onlyHers(w.v, args)
		rows, err := w.tx.Query(`SELECT t.customer_id, t.counter_id, t.id FROM thread t WHERE t.customer_id IN (`+marks+`) AND t.kind = 'person' AND t.folded_id = ''`+only, args...)
		list, err := db.Collect(rows, err, func(r *sql.Rows) (x [3]string, err error) { return x, r.Scan(&x[0], &x[1], &x[2]) })
		if err != nil {
			return nil, err
		}
		for _, x := range list {
			if w.v.Sees(x[1]) {
				at[pair{x[0], x[1]}] = x[2]
			}
		}
	}
	chosen := make([]string, len(w.list))
	for i, t := range w.list {
		person := persons[t.PersonID]
		switch {
		case t.Thread.ID != "":
			chosen[i] = t.Thread.ID
		case t.Thread.CounterID != "":
			chosen[i] = at[pair{person, t.Thread.CounterID}]
		default:
			chosen[i] = w.seen.last[person].id
		}
		if chosen[i] != "" {
			ids = append(ids, chosen[i])
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	threads, err := w.desk.threadsByID(w.tx, ids)
	if err != nil {
		return nil, err
	}
	out := make([]Todo, 0, len(w.list))
	for i, t := range w.list {
		thread, ok := threads[chosen[i]]
		if !ok || !w.v.Sees(thread.CounterID) {
			continue
		}
		t.PersonID, t.Thread = persons[t.PersonID], thread
		t.Mine = w.bound[t.PersonID] || thread.AssigneeID != "" && thread.AssigneeID == w.v.ID
		out = append(out, t)
	}
	return out, nil
}

// Aside is something that the viewer puts aside on her page of the day.
type Aside struct {
	Kind TodoKind
	Ref  string
	Done bool // for good; else until tomorrow
	Zone *time.Location
}

// PutAside takes something off the viewer's page of the day. A promise that is
// done is kept.
func (d *Desk) PutAside(tx *db.Tx, v staff.Viewer, a Aside) error {
	if !v.May(staff.Chat) {
		return staff.ErrForbidden
	}
	a.Ref = db.CleanText(a.Ref)
	known := []TodoKind{TodoPromise, TodoBirthday, TodoWish, TodoAnniversary}
	if !slices.Contains(known, a.Kind) {
		return db.Invalid{Field: "kind", Code: "unknown"}
	}
	if a.Ref == "" || len(a.Ref) > 100 {
		return db.Invalid{Field: "ref", Code: "malformed"}
	}
	if a.Kind == TodoPromise && a.Done {
		return d.Book.KeepPromise(tx, v, a.Ref)
	}
	if a.Zone == nil {
		a.Zone = time.UTC
	}
	until := Day{Zone: a.Zone}.endOfDay(tx.Now)
	if a.Done {
		until = tx.Now.Add(asideLong)
	}
	if _, err := tx.Exec(`DELETE FROM today_dismissal WHERE staff_id = $1 AND until <= $2`, v.ID, db.Micro(tx.Now)); err != nil {
		return fmt.Errorf("put aside: %w", err)
	}
	if _, err := tx.Exec(`INSERT INTO today_dismissal (staff_id, kind, ref, until) VALUES ($1, $2, $3, $4)
		ON CONFLICT (staff_id, kind, ref) DO UPDATE SET until = excluded.until`, v.ID, string(a.Kind), a.Ref, db.Micro(until)); err != nil {
		return fmt.Errorf("put aside: %w", err)
	}
	return nil
}
