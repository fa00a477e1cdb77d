package web

import (
	"net/url"
	"slices"
	"strconv"
	"time"

	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// cardPlans are notes, wishes or promises, with the line that adds one.
type cardPlans struct {
	ThreadID string
	Kind     string // notes, wishes or promises
	Chat     bool
	Items    []plan
	Older    bool        // the past has more
	Handed   []EventLine // of notes: what colleagues wrote when they handed her over
	Facets   []facetPick // of a wish that was typed; empty: fetched once somebody types
	Max      int
	Date     string // the day in the field
	Least    string // the first day that can be chosen
	Due      string // of promises: which day is chosen
	Body     string // what was typed
	Error    string // code below "invalid.", about what was typed
	DueError string
}

// plan is one of them.
type plan struct {
	ThreadID string
	Kind     string
	ID       string
	Body     string
	By       string // who wrote it and when
	Due      string
	Late     bool
	Arrived  bool // of a wish: something came that grants it
	Facets   []string
	Mine     bool // its words may be changed by the viewer
	Max      int
	Date     string
	Editing  bool // her change was refused: the form stays open
	Error    string
}

// facetPick is a facet that a wish can have.
type facetPick struct {
	Name, Label string
	On          bool
}

const (
	plansRead  = 60 // the newest; the rest is in the past
	plansShown = 20
)

func (c *cardAt) page() customer.Page { return customer.Page{Records: c.records, Limit: plansRead} }

// plans begins a section, with what was typed and refused.
func (c *cardAt) plans(kind string, most int) cardPlans {
	p := cardPlans{ThreadID: c.t.ID, Kind: kind, Chat: c.chats(), Max: most}
	if c.form.Failed() && c.formOf == "" {
		p.Body, p.Error, p.DueError = c.form.Values.Get("body"), c.form.Errors["body"], c.form.Errors["due"]
		if p.Error == "" {
			p.Error = c.form.Errors["facets"]
		}
	}
	return p
}

// add puts one more below the others; hers is what the viewer may rewrite.
func (p *cardPlans) add(c *cardAt, x plan, authorID string) {
	if len(p.Items) == plansShown {
		p.Older = true
		return
	}
	x.ThreadID, x.Kind, x.Max = p.ThreadID, p.Kind, p.Max
	x.Mine = p.Chat && (authorID == c.v.ID || c.v.Role != staff.Advisor)
	if c.form.Failed() && c.formOf == x.ID {
		x.Editing, x.Body = true, c.form.Values.Get("body")
		for _, code := range c.form.Errors {
			x.Error = code
		}
	}
	p.Items = append(p.Items, x)
}

func (c *cardAt) by(name string, at time.Time) string {
	if name == "" {
		name = c.v.T("card.somebody")
	}
	return c.v.T("card.by", "name", name, "when", c.clock.Ago(at))
}

func (c *cardAt) notes() (cardPlans, error) {
	p := c.plans("notes", customer.MaxNote)
	all, err := c.Desk.Book.Notes(c.tx, c.v.Viewer, c.page())
	if err != nil {
		return p, err
	}
	for _, n := range all {
		by := c.by(n.AuthorName, n.At)
		if !n.EditedAt.IsZero() {
			by = c.v.T("card.edited", "by", by)
		}
		p.add(c, plan{ID: n.ID, Body: n.Body, By: by}, n.AuthorID)
	}
	handed, err := c.Desk.Notes(c.tx, c.v.Viewer, c.t.ID, c.t.CreatedAt)
	tell := c.x.teller(c.t, nil)
	for i := len(handed) - 1; i >= 0 && len(p.Handed) < handedShown; i-- {
		if handed[i].Text != "" {
			e := tell.note(handed[i])
			e.Time = c.clock.Moment(handed[i].At)
			p.Handed = append(p.Handed, e)
		}
	}
	return p, err
}

// handedShown is how many notes of a handing over the card shows.
const handedShown = 3

func (c *cardAt) wishes() (cardPlans, error) {
	p := c.plans("wishes", customer.MaxWish)
	all, err := c.Desk.Book.Wishes(c.tx, c.v.Viewer, c.page())
	if err != nil {
		return p, err
	}
	if c.form.Failed() && c.formOf == "" {
		p.Facets = c.picks(c.form.Values["facet"])
	}
	for _, w := range all {
		if !w.EndedAt.IsZero() {
			continue
		}
		x := plan{ID: w.ID, Body: w.Body, By: c.by(w.AuthorName, w.At), Arrived: w.State == customer.WishMatched}
		for _, f := range w.Facets {
			x.Facets = append(x.Facets, c.TagLabel(c.v.Words, f, ""))
		}
		p.add(c, x, w.AuthorID)
	}
	return p, nil
}

// picks is the short list of what a wish can be about.
func (c *cardAt) picks(on []string) []facetPick {
	has := map[string]bool{}
	for _, f := range on {
		has[f] = true
	}
	var out []facetPick
	for _, kind := range customer.Facets() {
		if kind.Name == "skin" { // whom it is for, not what it is like
			continue
		}
		for _, value := range kind.Values {
			name := kind.Name + ":" + value
			out = append(out, facetPick{Name: name, Label: c.TagLabel(c.v.Words, name, ""), On: has[name]})
		}
	}
	return out
}

func (c *cardAt) promises() (cardPlans, error) {
	p := c.plans("promises", customer.MaxPromise)
	today := c.clock.Now.In(c.clock.Zone)
	p.Least, p.Date, p.Due = today.Format(time.DateOnly), today.AddDate(0, 0, 2).Format(time.DateOnly), "tomorrow"
	if c.form.Failed() && c.formOf == "" {
		if date := c.form.Values.Get("date"); date != "" {
			p.Date = date
		}
		if due := c.form.Values.Get("due"); due != "" {
			p.Due = due
		}
	}
	all, err := c.Desk.Book.Promises(c.tx, c.v.Viewer, c.page())
	if err != nil {
		return p, err
	}
	var open []customer.Promise
	for _, x := range all {
		if x.DoneAt.IsZero() && x.EndedAt.IsZero() {
			open = append(open, x)
		}
	}
	slices.SortFunc(open, func(a, b customer.Promise) int { return a.Due.Compare(b.Due) })
	for _, x := range open {
		p.add(c, plan{ID: x.ID, Body: x.Body, By: c.by(x.AuthorName, x.At), Due: c.due(x.Due), Late: x.Due.Before(c.clock.Now),
			Date: x.Due.In(c.clock.Zone).Format(time.DateOnly)}, x.AuthorID)
	}
	return p, nil
}

// due says the day by which something was promised.
func (c *cardAt) due(at time.Time) string {
	if near := c.clock.Ahead(-c.clock.daysAgo(at), 6); near != "" {
		return near
	}
	return c.clock.Date(at)
}

// promisedBy is the hour of a day at which a promise is due: before the counters close.
const promisedBy = 20

// dueOf reads the day that was chosen: today, tomorrow, in a week, or a date.
func (c *cardAt) dueOf(form url.Values) (time.Time, error) {
	now := c.clock.Now.In(c.clock.Zone)
	day := now
	switch form.Get("due") {
	case "today":
	case "tomorrow", "":
		day = now.AddDate(0, 0, 1)
	case "week":
		day = now.AddDate(0, 0, 7)
	case "date":
		var err error
		if day, err = time.ParseInLocation(time.DateOnly, form.Get("date"), c.clock.Zone); err != nil {
			return day, db.Invalid{Field: "due", Code: "malformed"}
		}
	default:
		return day, db.Invalid{Field: "due", Code: "unknown"}
	}
	y, m, d := day.Date()
	at := time.Date(y, m, d, promisedBy, 0, 0, 0, c.clock.Zone)
	if at.Before(now) { // this evening, then
		at = time.Date(y, m, d, 23, 59, 0, 0, c.clock.Zone)
	}
	if at.Before(now) {
		return at, db.Invalid{Field: "due", Code: "past"}
	}
	return at, nil
}

func addNote(c *cardAt, form url.Values, _ string) error {
	_, err := c.Desk.Book.AddNote(c.tx, c.v.Viewer, customer.NoteForm{CustomerID: c.t.CustomerID, CounterID: c.t.CounterID, Body: form.Get("body")})
	return err
}

// changeNote rewrites a note, or drops it.
func changeNote(c *cardAt, form url.Values, row string) error {
	if err := c.hers(row); err != nil {
		return err
	}
	if form.Get("do") == "drop" {
		return c.Desk.Book.DropNote(c.tx, c.v.Viewer, row)
	}
	_, err := c.Desk.Book.EditNote(c.tx, c.v.Viewer, row, form.Get("body"))
	return err
}

func addWish(c *cardAt, form url.Values, _ string) error {
	_, err := c.Desk.Book.AddWish(c.tx, c.v.Viewer, customer.WishForm{CustomerID: c.t.CustomerID, CounterID: c.t.CounterID,
		Body: form.Get("body"), Facets: form["facet"]})
	return err
}

// changeWish says what became of a wish, or rewrites it.
func changeWish(c *cardAt, form url.Values, row string) error {
	if err := c.hers(row); err != nil {
		return err
	}
	switch form.Get("do") {
	case "done":
		return c.Desk.Book.SetWish(c.tx, c.v.Viewer, row, customer.WishGranted)
	case "drop":
		return c.Desk.Book.SetWish(c.tx, c.v.Viewer, row, customer.WishDropped)
	}
	_, err := c.Desk.Book.EditWish(c.tx, c.v.Viewer, row, form.Get("body"))
	return err
}

func addPromise(c *cardAt, form url.Values, _ string) error {
	due, err := c.dueOf(form)
	if err != nil {
		return err
	}
	_, err = c.Desk.Book.AddPromise(c.tx, c.v.Viewer, customer.PromiseForm{CustomerID: c.t.CustomerID, CounterID: c.t.CounterID,
		Body: form.Get("body"), Due: due})
	return err
}

// changePromise says that a promise was kept or need not be, or rewrites it.
func changePromise(c *cardAt, form url.Values, row string) error {
	if err := c.hers(row); err != nil {
		return err
	}
	switch form.Get("do") {
	case "done":
		return c.Desk.Book.KeepPromise(c.tx, c.v.Viewer, row)
	case "drop":
		return c.Desk.Book.DropPromise(c.tx, c.v.Viewer, row)
	}
	if _, err := c.Desk.Book.EditPromise(c.tx, c.v.Viewer, row, form.Get("body")); err != nil {
		return err
	}
	promised, err := c.Desk.Book.PromiseByID(c.tx, c.v.Viewer, row)
	if err != nil || !form.Has("date") || form.Get("date") == promised.Due.In(c.clock.Zone).Format(time.DateOnly) {
		return err
	}
	due, err := c.dueOf(url.Values{"due": {"date"}, "date": form["date"]})
	if err != nil {
		return err
	}
	return c.Desk.Book.PutOffPromise(c.tx, c.v.Viewer, row, due)
}

func two(n int) string {
	if n < 10 {
		return "0" + strconv.Itoa(n)
	}
	return strconv.Itoa(n)
}

func plainNumber(n int) string { return strconv.Itoa(n) }
