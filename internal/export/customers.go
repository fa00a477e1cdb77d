package export

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// customerMaker makes a list of the customers that the asker sees.
func (r *Room) customerMaker() Maker {
	return Maker{
		May: staff.AskExports,
		Count: func(tx *db.Tx, v staff.Viewer, f Filter) (n int, err error) {
			where, args := f.threads(v)
			if where == "" {
				return 0, nil
			}
			if err := tx.QueryRow(`SELECT COUNT(DISTINCT t.customer_id) FROM thread t WHERE `+where, args...).Scan(&n); err != nil {
				return 0, fmt.Errorf("count customers: %w", err)
			}
			return n, nil
		},
		Check: func(_ *db.Tx, v staff.Viewer, f *Filter) error {
			*f = Filter{Counters: f.Counters, Since: f.Since, Full: f.Full, Purpose: f.Purpose}
			switch {
			case f.Purpose == "":
				return db.Invalid{Field: "purpose", Code: "required"}
			case f.Purpose != OwnUse && f.Purpose != Sharing:
				return db.Invalid{Field: "purpose", Code: "unknown"}
			case f.Purpose == Sharing && r.Agreed == nil:
				return db.Invalid{Field: "purpose", Code: "no_consent"}
			}
			slices.Sort(f.Counters)
			f.Counters = slices.Compact(f.Counters)
			for _, c := range f.Counters {
				if !v.Sees(c) {
					return db.Invalid{Field: "counters", Code: "unknown"}
				}
			}
			if len(f.Counters) == 0 && !v.SeesAll() {
				f.Counters = v.Counters() // by name: when the file is fetched she may see others
			}
			return nil
		},
		Write: r.writeCustomers,
	}
}

// threads is the condition for the threads whose customers are meant; empty: none.
func (f Filter) threads(v staff.Viewer) (string, []any) {
	counters := f.Counters
	if len(counters) == 0 && !v.SeesAll() {
		if counters = v.Counters(); len(counters) == 0 {
			return "", nil
		}
	}
	counters = slices.DeleteFunc(slices.Clone(counters), func(c string) bool { return !v.Sees(c) })
	where, args := `t.kind = 'person' AND t.folded_id = ''`, []any(nil)
	if len(counters) > 0 {
		marks, in := db.In(counters, 1)
		where, args = where+` AND t.counter_id IN (`+marks+`)`, in
	} else if !v.SeesAll() {
		return "", nil
	}
	if !f.Since.IsZero() {
		args = append(args, db.Micro(f.Since))
		where += fmt.Sprintf(` AND t.last_at >= $%d`, len(args))
	}
	return where, args
}

// listed is one customer of a list, with her latest thread that the asker sees.
type listed struct {
	person, thread string
	at             int64
}

const personsAtOnce = 200

func (r *Room) writeCustomers(ctx context.Context, w *Writer, v staff.Viewer) (Made, error) {
	w.Headings("customer", "name", "phone", "email", "member", "counter", "advisor", "last_contact")
	var made Made
	after := ""
	for {
		n, err := 0, error(nil)
		var rows [][]string
		var ids []string
		out := 0
		err = r.DB.Read(ctx, func(tx *db.Tx) error {
			n, rows, ids, out = 0, nil, nil, 0
			page, err := w.page(tx, v, after)
			if err != nil || len(page) == 0 {
				return err
			}
			n, after = len(page), page[len(page)-1].person
			agreed, err := r.agreed(tx, w.Filter, page)
			if err != nil {
				return err
			}
			out = len(page) - len(agreed)
			rows, ids, err = r.customerRows(tx, w.Filter, agreed)
			return err
		})
		if err != nil {
			return made, err
		}
		for _, row := range rows {
			w.Row(row...)
		}
		made.Rows, made.LeftOut, made.Customers = made.Rows+len(rows), made.LeftOut+out, append(made.Customers, ids...)
		if err := w.Err(); err != nil || n < personsAtOnce {
			return made, err
		}
	}
}

// page gives the next customers, by their ids.
func (w *Writer) page(tx *db.Tx, v staff.Viewer, after string) ([]listed, error) {
	where, args := w.Filter.threads(v)
	if where == "" {
		return nil, nil
	}
	args = append(args, after, personsAtOnce)
	rows, err := tx.Query(fmt.Sprintf(`SELECT DISTINCT t.customer_id FROM thread t WHERE %s AND t.customer_id > $%d ORDER BY t.customer_id LIMIT $%d`,
		where, len(args)-1, len(args)), args...)
	persons, err := db.Collect(rows, err, func(rows *sql.Rows) (s string, err error) { return s, rows.Scan(&s) })
	if err != nil || len(persons) == 0 {
		return nil, err
	}
	where, args = w.Filter.threads(v)
	marks, in := db.In(persons, len(args)+1)
	rows, err = tx.Query(`SELECT t.customer_id, t.id, t.last_at FROM thread t WHERE `+where+` AND t.customer_id IN (`+marks+`) ORDER BY t.customer_id, t.last_at DESC, t.id DESC`,
		append(args, in...)...)
	all, err := db.Collect(rows, err, func(rows *sql.Rows) (l listed, err error) { return l, rows.Scan(&l.person, &l.thread, &l.at) })
	if err != nil {
		return nil, err
	}
	return slices.CompactFunc(all, func(a, b listed) bool { return a.person == b.person }), nil
}

// agreed leaves out who did not agree to the purpose.
func (r *Room) agreed(tx *db.Tx, f Filter, page []listed) ([]listed, error) {
	if f.Purpose != Sharing {
		return page, nil
	}
	var out []listed
	for _, l := range page {
		ok := false
		var err error
		if r.Agreed != nil {
			ok, err = r.Agreed(tx, l.person)
		}
		if err != nil {
			return nil, fmt.Errorf("did she agree: %w", err)
		}
		if ok {
			out = append(out, l)
		}
	}
	return out, nil
}

func (r *Room) customerRows(tx *db.Tx, f Filter, page []listed) (rows [][]string, ids []string, err error) {
	var threadIDs []string
	for _, l := range page {
		threadIDs = append(threadIDs, l.thread)
	}
	threads, err := r.Desk.InboxRows(tx, threadIDs)
	if err != nil {
		return nil, nil, err
	}
	byID := map[string]conversation.Thread{}
	for _, t := range threads {
		byID[t.ID] = t
	}
	directory, err := staff.LoadDirectory(tx)
	if err != nil {
		return nil, nil, err
	}
	for _, l := range page {
		t := byID[l.thread]
		records, err := r.Book.Records(tx, l.person)
		if err != nil {
			return nil, nil, err
		}
		reach, err := r.contacts(tx, records, f.Full)
		if err != nil {
			return nil, nil, err
		}
		counter, _ := directory.Counter(t.CounterID)
		rows = append(rows, []string{l.person, t.Name, reach[customer.Phone], reach[customer.Email], reach[customer.Member], counter.Store + " · " + counter.Name,
			t.AssigneeName, time.UnixMicro(l.at).UTC().Format("2006-01-02")})
		ids = append(ids, l.person)
	}
	return rows, ids, nil
}

// contacts are her numbers and addresses by kind, masked unless all is wanted.
func (r *Room) contacts(tx *db.Tx, records []string, full bool) (map[customer.ContactKind]string, error) {
	list, err := r.Book.Contacts(tx, records)
	if err != nil {
		return nil, err
	}
	all := map[customer.ContactKind][]string{}
	for _, c := range list {
		text := c.Masked
		if full {
			whole, err := r.Book.ContactByID(tx, c.ID)
			if err != nil {
				return nil, err
			}
			text = whole.Value
		}
		if !slices.Contains(all[c.Kind], text) {
			all[c.Kind] = append(all[c.Kind], text)
		}
	}
	out := map[customer.ContactKind]string{}
	for kind, texts := range all {
		out[kind] = strings.Join(texts, "; ")
	}
	return out, nil
}
