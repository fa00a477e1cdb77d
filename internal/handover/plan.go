package handover

import (
	"cmp"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// Form is what a manager says of a handover.
type Form struct {
	LeaverID    string
	Kind        Kind
	Begins      time.Time // zero: at once
	Ends        time.Time // the minute her access ends, or she is back
	Rule        Rule
	QuietMonths int // 0: 24
	Pace        int // customers a minute; 0: 60
}

// Bounds and defaults of a form.
const (
	QuietMonths = 24
	Pace        = 60

	maxQuiet = 120
	maxPace  = 600
	longest  = 366 * 24 * time.Hour
)

// Plan makes a draft: nothing is moved and nobody is told before it is started.
func (r *Room) Plan(tx *db.Tx, v staff.Viewer, f Form) (Handover, error) {
	if !v.May(staff.HandOver) {
		return Handover{}, staff.ErrForbidden
	}
	p, err := staff.GetStaff(tx, db.CleanText(f.LeaverID))
	if errors.Is(err, db.ErrNotFound) || err == nil && !p.LeftAt.IsZero() {
		return Handover{}, db.Invalid{Field: "advisor", Code: "unknown"}
	}
	if err != nil {
		return Handover{}, err
	}
	h := Handover{ID: tx.NewID("hov"), LeaverID: p.ID, CreatedBy: v.ID}
	if h.Counters, err = countersOf(tx, h); err != nil {
		return h, err
	}
	if v.ID == p.ID {
		return h, db.Invalid{Field: "advisor", Code: "oneself"}
	}
	if err := mayHandOver(v, p, h.Counters); err != nil {
		return h, db.Invalid{Field: "advisor", Code: "unknown"} // whom she may not see is not told from nobody
	}
	if err := f.check(tx, p); err != nil {
		return h, err
	}
	n, err := tx.Exec(`INSERT INTO handover (id, leaver_id, kind, state, begins_at, ends_at, by_language, by_speciality, by_load, quiet_months, pace, created_by, created_at)
		VALUES ($1, $2, $3, 'draft', $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING`, h.ID, p.ID, string(f.Kind), db.Micro(f.Begins), db.Micro(f.Ends),
		f.Rule.Language, f.Rule.Speciality, f.Rule.Load, f.QuietMonths, f.Pace, v.ID, db.Micro(tx.Now))
	if err != nil {
		return h, fmt.Errorf("plan handover: %w", err)
	}
	if n == 0 {
		return h, db.Invalid{Field: "advisor", Code: "handed_over"}
	}
	if h, err = load(tx, h.ID); err != nil {
		return h, err
	}
	if err := r.replan(tx, h); err != nil {
		return h, err
	}
	note(tx, v.ID, "plan", h, h.LeaverID)
	return load(tx, h.ID)
}

// check fills in the defaults and names the first field that is wrong.
func (f *Form) check(tx *db.Tx, p staff.Person) error {
	if f.QuietMonths == 0 {
		f.QuietMonths = QuietMonths
	}
	if f.Pace == 0 {
		f.Pace = Pace
	}
	if f.Begins.IsZero() || f.Begins.Before(tx.Now) {
		f.Begins = tx.Now
	}
	switch {
	case f.Kind != Leaves && f.Kind != Away:
		return db.Invalid{Field: "kind", Code: "unknown"}
	case f.Ends.IsZero():
		return db.Invalid{Field: "ends", Code: "required"}
	case !f.Ends.After(tx.Now):
		return db.Invalid{Field: "ends", Code: "past"}
	case f.Ends.Sub(tx.Now) > longest:
		return db.Invalid{Field: "ends", Code: "too_far"}
	case !f.Begins.Before(f.Ends):
		return db.Invalid{Field: "begins", Code: "after_end"}
	case f.QuietMonths < 1 || f.QuietMonths > maxQuiet:
		return db.Invalid{Field: "quiet_months", Code: "out_of_range"}
	case f.Pace < 1 || f.Pace > maxPace:
		return db.Invalid{Field: "pace", Code: "out_of_range"}
	}
	if f.Kind == Leaves {
		return notLastAdmin(tx, p)
	}
	return nil
}

// notLastAdmin refuses early what the end of her access would refuse late.
func notLastAdmin(tx *db.Tx, p staff.Person) error {
	if p.Role != staff.Admin {
		return nil
	}
	all, err := staff.ListStaff(tx)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(all, func(o staff.Person) bool { return o.ID != p.ID && o.Role == staff.Admin && o.LeftAt.IsZero() }) {
		return nil
	}
	return db.Invalid{Field: "advisor", Code: "last_admin"}
}

// Change plans a draft anew. What was decided by hand stays.
func (r *Room) Change(tx *db.Tx, v staff.Viewer, id string, f Form) (Handover, error) {
	h, err := r.change(tx, v, id)
	if err != nil {
		return h, err
	}
	if h.State != Draft {
		return h, fixed("handover")
	}
	p, err := staff.GetStaff(tx, h.LeaverID)
	if err != nil {
		return h, err
	}
	if err := f.check(tx, p); err != nil {
		return h, err
	}
	if _, err := tx.Exec(`UPDATE handover SET kind = $2, begins_at = $3, ends_at = $4, by_language = $5, by_speciality = $6, by_load = $7, quiet_months = $8, pace = $9
		WHERE id = $1`, h.ID, string(f.Kind), db.Micro(f.Begins), db.Micro(f.Ends), f.Rule.Language, f.Rule.Speciality, f.Rule.Load, f.QuietMonths, f.Pace); err != nil {
		return h, fmt.Errorf("change handover: %w", err)
	}
	if h, err = load(tx, h.ID); err != nil {
		return h, err
	}
	note(tx, v.ID, "change", h, "")
	return h, r.replan(tx, h)
}

// Drop forgets a draft.
func (r *Room) Drop(tx *db.Tx, v staff.Viewer, id string) error {
	h, err := r.change(tx, v, id)
	if err != nil {
		return err
	}
	if h.State != Draft {
		return fixed("handover")
	}
	for _, table := range []string{"handover_text", "handover_item"} {
		if _, err := tx.Exec(`DELETE FROM `+table+` WHERE handover_id = $1`, h.ID); err != nil {
			return fmt.Errorf("drop handover: %w", err)
		}
	}
	if _, err := tx.Exec(`DELETE FROM handover WHERE id = $1`, h.ID); err != nil {
		return fmt.Errorf("drop handover: %w", err)
	}
	note(tx, v.ID, "drop", h, "")
	return nil
}

// replan reads the client book and splits what is still planned by the rule; what was
// decided by hand stays while it is possible.
func (r *Room) replan(tx *db.Tx, h Handover) error {
	rows, err := tx.Query(`SELECT `+itemColumns+itemFrom+`WHERE i.handover_id = $1 AND i.state = 'planned' ORDER BY i.id`, h.ID)
	items, err := db.Collect(rows, err, func(r *sql.Rows) (Item, error) { return scanItem(r) })
	if err != nil {
		return fmt.Errorf("plan anew: %w", err)
	}
	before := map[spot]decision{}
	for _, i := range items {
		d := decision{id: i.ID}
		if i.ByHand {
			ok, err := staff.AnswersAt(tx, i.ToID, i.CounterID)
			if err != nil {
				return err
			}
			if ok {
				d.to = i.ToID
			}
		}
		before[spot{i.CustomerID, i.CounterID}] = d
	}
	if _, err := tx.Exec(`DELETE FROM handover_item WHERE handover_id = $1 AND state = 'planned'`, h.ID); err != nil {
		return fmt.Errorf("plan anew: %w", err)
	}
	_, err = r.add(tx, h, before)
	return err
}

// decision is what was planned for a customer before: pages name her by its id.
type decision struct {
	id string
	to string // decided by hand
}

// add plans whoever of the client book is not in the handover yet, and tells how many
// there were.
func (r *Room) add(tx *db.Tx, h Handover, before map[spot]decision) (int, error) {
	book, err := bookOf(tx, h.LeaverID)
	if err != nil {
		return 0, err
	}
	rows, err := tx.Query(`SELECT customer_id, counter_id, '' FROM handover_item WHERE handover_id = $1 AND customer_id <> ''`, h.ID)
	there, err := triples(rows, err)
	if err != nil {
		return 0, err
	}
	known := map[spot]bool{}
	for _, t := range there {
		known[spot{t[0], t[1]}] = true
	}
	book = slices.DeleteFunc(book, func(e entry) bool { return known[spot{e.person, e.counter}] })
	if len(book) == 0 {
		return 0, nil
	}
	for _, e := range book {
		if !slices.Contains(h.Counters, e.counter) {
			h.Counters = append(h.Counters, e.counter)
		}
	}
	people, err := candidates(tx, h)
	if err != nil {
		return 0, err
	}
	if err := forgetGone(tx, book); err != nil {
		return 0, err
	}
	to := map[spot]string{}
	for _, counter := range h.Counters {
		var clients []Client
		for _, e := range book {
			if e.counter == counter {
				clients = append(clients, Client{ID: e.person, Language: e.language, Interests: e.interests, To: cmp.Or(e.own, before[spot{e.person, counter}].to)})
			}
		}
		for person, colleague := range Split(h.Rule, people[counter], clients) {
			to[spot{person, counter}] = colleague
		}
	}
	args := make([]any, 0, 9*len(book))
	for _, e := range book {
		s := spot{e.person, e.counter}
		args = append(args, cmp.Or(before[s].id, tx.NewID("hoi")), h.ID, e.counter, e.person, to[s], before[s].to != "" && e.own == "", e.bound, e.language, e.last)
	}
	if err := tx.Insert(`INSERT INTO handover_item (id, handover_id, counter_id, customer_id, to_id, by_hand, bound, language, last_at)`, 9, args, ""); err != nil {
		return 0, fmt.Errorf("plan customers: %w", err)
	}
	return len(book), nil
}

// forgetGone leaves out advisors of a customer's own who answer no more at her counter.
func forgetGone(tx *db.Tx, book []entry) error {
	there := map[spot]bool{}
	for i := range book {
		s := spot{book[i].own, book[i].counter}
		if s.person == "" {
			continue
		}
		ok, known := there[s]
		if !known {
			var err error
			if ok, err = staff.AnswersAt(tx, s.person, s.counter); err != nil {
				return err
			}
			there[s] = ok
		}
		if !ok {
			book[i].own = ""
		}
	}
	return nil
}

// tagWords are the words of a tag that an advisor's specialities may name.
func tagWords(name, label string) []string {
	_, short, found := strings.Cut(name, ":")
	if !found {
		short = name
	}
	return []string{label, strings.ReplaceAll(short, "_", " ")}
}

// Hand gives some customers to a colleague of the same counter by hand. ToID empty: the
// rule decides again.
type Hand struct {
	HandoverID string
	Items      []string
	ToID       string
}

const maxHand = 500

// Give decides by hand who takes some customers over, before they are moved. One that
// failed is planned again.
func (r *Room) Give(tx *db.Tx, v staff.Viewer, g Hand) error {
	h, err := r.change(tx, v, g.HandoverID)
	if err != nil {
		return err
	}
	switch {
	case !h.ClosedAt.IsZero() || h.State == Returning || h.State == Cancelling:
		return fixed("handover")
	case len(g.Items) == 0:
		return db.Invalid{Field: "customers", Code: "required"}
	case len(g.Items) > maxHand:
		return db.Invalid{Field: "customers", Code: "too_many"}
	case g.ToID == h.LeaverID:
		return db.Invalid{Field: "to", Code: "not_at_counter"}
	case g.ToID == "" && h.State != Draft:
		return db.Invalid{Field: "to", Code: "required"}
	}
	for _, id := range g.Items {
		i, err := oneItem(tx, id)
		if errors.Is(err, db.ErrNotFound) || err == nil && i.HandoverID != h.ID {
			return db.Invalid{Field: "customers", Code: "unknown"}
		}
		if err != nil {
			return err
		}
		if i.State != Planned && i.State != Failed {
			return fixed("customers")
		}
		if g.ToID != "" {
			ok, err := staff.AnswersAt(tx, g.ToID, i.CounterID)
			if err != nil {
				return err
			}
			if !ok {
				return db.Invalid{Field: "to", Code: "not_at_counter"}
			}
		}
		if _, err := tx.Exec(`UPDATE handover_item SET to_id = $2, by_hand = $3, state = 'planned', why = '', tries = 0 WHERE id = $1`, id, g.ToID, g.ToID != ""); err != nil {
			return fmt.Errorf("give by hand: %w", err)
		}
	}
	note(tx, v.ID, "hand", h, g.ToID)
	if g.ToID == "" {
		return r.replan(tx, h)
	}
	return moveOn(tx, h)
}
