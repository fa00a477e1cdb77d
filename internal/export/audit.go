package export

import (
	"context"

	"dingdong/internal/audit"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// auditMaker makes a file of the audit, which 'dingdong audit verify --file' can verify.
func (r *Room) auditMaker() Maker {
	return Maker{
		May: staff.SeeAudit,
		Count: func(tx *db.Tx, _ staff.Viewer, f Filter) (int, error) {
			return audit.Count(tx, f.audit(), maxRows+1)
		},
		Check: func(tx *db.Tx, _ staff.Viewer, f *Filter) error {
			f.Counters, f.Full, f.Purpose, f.Customers = nil, false, "", nil
			if !f.From.IsZero() && !f.To.IsZero() && !f.From.Before(f.To) {
				return db.Invalid{Field: "to", Code: "order"}
			}
			if f.Customer == "" {
				return nil
			}
			person, err := r.Book.Person(tx, f.Customer)
			if err == nil {
				f.Customers, err = r.Book.Records(tx, person)
			}
			if err != nil {
				f.Customers = []string{f.Customer} // erased: what is on record of her id stays
			}
			return nil
		},
		Write: r.writeAudit,
	}
}

func (f Filter) audit() audit.Filter {
	return audit.Filter{Actor: f.Actor, Action: f.Action, Customers: f.Customers, From: f.From, To: f.To}
}

func (r *Room) writeAudit(ctx context.Context, w *Writer, v staff.Viewer) (Made, error) {
	w.Headings(append([]string{"at", "actor_name", "action_words"}, audit.Columns()...)...)
	words := func(action string) string {
		if r.Words == nil {
			return action
		}
		return r.Words(v.Language, action)
	}
	f := w.Filter.audit()
	made := Made{}
	err := r.DB.Read(ctx, func(tx *db.Tx) error { // what happens while it is made is not in it
		last, err := audit.Last(tx)
		f.Before = last + 1
		return err
	})
	if err != nil {
		return made, err
	}
	for {
		var rows []audit.Row
		names := map[string]string{}
		err := r.DB.Read(ctx, func(tx *db.Tx) (err error) {
			if rows, err = audit.Forward(tx, f); err != nil {
				return err
			}
			ids := map[string]bool{}
			for _, row := range rows {
				ids[row.Actor] = true
			}
			var list []string
			for id := range ids {
				list = append(list, id)
			}
			names, err = staff.StaffNames(tx, list)
			return err
		})
		if err != nil {
			return made, err
		}
		if len(rows) == 0 {
			return made, w.Err()
		}
		for _, row := range rows {
			w.Exact(append([]string{row.At.UTC().Format("2006-01-02T15:04:05Z"), harmless(names[row.Actor]), harmless(words(row.Action))}, row.Cells()...)...)
		}
		made.Rows += len(rows)
		f.After = rows[len(rows)-1].Seq
		if err := w.Err(); err != nil {
			return made, err
		}
	}
}
