package web

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"dingdong/internal/catalogue"
	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
)

// cardPast is a piece of what happened with her, the newest first.
type cardPast struct {
	ThreadID string
	Days     []pastDay
	More     string // address of what was before
	First    bool   // the newest piece
}

type pastDay struct {
	Name    string
	Entries []pastEntry
}

// pastEntry is one thing that happened.
type pastEntry struct {
	At     time.Time
	ID     string
	Icon   string
	Text   string
	Detail string
	Quiet  bool // taken away since
	Time   string
	Stamp  string
}

// pastPiece is how much a piece has.
const pastPiece = 25

// pastCursor reads "at.id".
func pastCursor(text string) (customer.Cursor, bool) {
	if text == "" {
		return customer.Cursor{}, true
	}
	at, id, ok := strings.Cut(text, ".")
	us, err := strconv.ParseInt(at, 10, 64)
	return customer.Cursor{At: db.Time(us), ID: id}, ok && err == nil && us > 0 && id != "" && len(id) < 100
}

// newestFirst merges streams, each of which is ordered, and takes the first few. It
// tells whether there is more.
func newestFirst(limit int, streams ...[]pastEntry) ([]pastEntry, bool) {
	var out []pastEntry
	for len(out) <= limit {
		best := -1
		for i, s := range streams {
			if len(s) > 0 && (best < 0 || before(streams[best][0], s[0])) {
				best = i
			}
		}
		if best < 0 {
			return out, false
		}
		out = append(out, streams[best][0])
		streams[best] = streams[best][1:]
	}
	return out[:limit], true
}

// before tells whether a is older than b; of one moment the smaller id is older.
func before(a, b pastEntry) bool {
	return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) < 0
}

// past merges what all rooms know of her past.
func (c *cardAt) past() (cardPast, error) {
	p := cardPast{ThreadID: c.t.ID, First: c.before == ""}
	at, ok := pastCursor(c.before)
	if !ok {
		return p, errMalformed
	}
	page := customer.Page{Records: c.records, Before: at, Limit: pastPiece + 1}
	var streams [][]pastEntry
	for _, read := range []func(customer.Page) ([]pastEntry, error){
		c.pastDays, c.pastVisits, c.pastPurchases, c.pastTags, c.pastKnown, c.pastNotes, c.pastWishes, c.pastPromises, c.pastMerges, c.pastBindings,
	} {
		s, err := read(page)
		if err != nil {
			return p, err
		}
		streams = append(streams, s)
	}
	entries, more := newestFirst(pastPiece, streams...)
	for _, e := range entries {
		e.Time, e.Stamp = c.clock.Time(e.At), c.clock.Machine(e.At)
		day := c.clock.Day(e.At)
		if n := len(p.Days); n == 0 || p.Days[n-1].Name != day {
			p.Days = append(p.Days, pastDay{Name: day})
		}
		last := &p.Days[len(p.Days)-1]
		last.Entries = append(last.Entries, e)
	}
	if more {
		last := entries[len(entries)-1]
		p.More = "/inbox/" + c.t.ID + "/card/past?before=" + cursorText(last.At, last.ID)
	}
	return p, nil
}

// earlier keeps what stands below the cursor, for the few that are read whole.
func earlier(list []pastEntry, p customer.Page) []pastEntry {
	slices.SortFunc(list, func(a, b pastEntry) int { return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.ID, a.ID)) })
	if p.Before.At.IsZero() {
		return list
	}
	at := pastEntry{At: p.Before.At, ID: p.Before.ID}
	return slices.DeleteFunc(list, func(e pastEntry) bool { return !before(e, at) })
}

func (c *cardAt) pastPage(p customer.Page) conversation.PastPage {
	return conversation.PastPage{PersonID: c.t.CustomerID, Before: conversation.Cursor{At: p.Before.At, ID: p.Before.ID}, Limit: p.Limit, Zone: c.clock.Zone}
}

func (c *cardAt) pastDays(p customer.Page) ([]pastEntry, error) {
	all, err := c.Desk.MessageDays(c.tx, c.v.Viewer, c.pastPage(p))
	out := make([]pastEntry, len(all))
	for i, d := range all {
		out[i] = pastEntry{At: d.At, ID: d.ID, Icon: "message", Text: c.v.T("card.past.messages", "n", d.N)}
	}
	return out, err
}

func (c *cardAt) pastVisits(p customer.Page) ([]pastEntry, error) {
	all, err := c.Desk.CardVisits(c.tx, c.v.Viewer, c.pastPage(p))
	out := make([]pastEntry, len(all))
	for i, x := range all {
		whose := c.name(x.AdvisorID)
		if whose == "" {
			counter, _ := c.x.directory.Counter(x.CounterID)
			whose = counter.Name
		}
		out[i] = pastEntry{At: x.At, ID: x.ID, Icon: "qr", Text: c.v.T("card.past.card", "whose", whose)}
		if x.Answer != "" {
			out[i].Detail = c.v.T("card.past.card." + known([]string{"bound", "refused"}, x.Answer, "bound"))
		}
	}
	return out, err
}

func (c *cardAt) pastPurchases(p customer.Page) ([]pastEntry, error) {
	if c.Shop == nil {
		return nil, nil
	}
	all, err := c.Shop.Purchases(c.tx, c.v.Viewer, c.records, catalogue.Cursor(p.Before), p.Limit)
	out := make([]pastEntry, len(all))
	for i, x := range all {
		key := "card.past.bought"
		if x.Kind == catalogue.Return {
			key = "card.past.returned"
		}
		var names []string
		for _, l := range x.Lines[:min(len(x.Lines), 3)] {
			names = append(names, joinWords(cmp.Or(l.Name, l.SKU), l.Variant))
		}
		out[i] = pastEntry{At: x.At, ID: x.ID, Icon: "bag", Text: c.v.T(key, "total", money(x.Total, x.Currency)),
			Detail: strings.Join(names, c.v.T("card.and"))}
		if more := len(x.Lines) - len(names); more > 0 {
			out[i].Detail += " " + c.v.T("card.more", "n", more)
		}
	}
	return out, err
}

func (c *cardAt) pastTags(p customer.Page) ([]pastEntry, error) {
	all, err := c.Desk.Book.TagPage(c.tx, c.sight, p)
	out := make([]pastEntry, len(all))
	for i, x := range all {
		out[i] = pastEntry{At: x.At, ID: x.ID, Icon: "tag", Text: c.v.T("card.past.tag", "tag", c.tagLabel(x.Tag)), Detail: c.origin(x.Proof),
			Quiet: !x.EndedAt.IsZero()}
	}
	return out, err
}

func (c *cardAt) pastKnown(p customer.Page) ([]pastEntry, error) {
	all, err := c.Desk.Book.AttributePage(c.tx, c.sight, p)
	out := make([]pastEntry, len(all))
	for i, x := range all {
		out[i] = pastEntry{At: x.At, ID: x.ID, Icon: "person", Text: c.v.T("card.past.known", "what", c.attributeLabel(x.Def), "value", c.valueLabel(x.Def, x.Value)),
			Detail: c.origin(x.Proof), Quiet: !x.EndedAt.IsZero()}
	}
	return out, err
}

func (c *cardAt) pastNotes(p customer.Page) ([]pastEntry, error) {
	all, err := c.Desk.Book.Notes(c.tx, c.v.Viewer, p)
	out := make([]pastEntry, len(all))
	for i, x := range all {
		out[i] = pastEntry{At: x.At, ID: x.ID, Icon: "edit", Text: c.v.T("card.past.note", "name", c.somebody(x.AuthorName)), Detail: oneLine(x.Body)}
	}
	return out, err
}

func (c *cardAt) pastWishes(p customer.Page) ([]pastEntry, error) {
	all, err := c.Desk.Book.Wishes(c.tx, c.v.Viewer, p)
	out := make([]pastEntry, len(all))
	for i, x := range all {
		out[i] = pastEntry{At: x.At, ID: x.ID, Icon: "heart", Text: c.v.T("card.past.wish." + string(x.State)), Detail: oneLine(x.Body),
			Quiet: x.State == customer.WishDropped}
	}
	return out, err
}

func (c *cardAt) pastPromises(p customer.Page) ([]pastEntry, error) {
	all, err := c.Desk.Book.Promises(c.tx, c.v.Viewer, p)
	out := make([]pastEntry, len(all))
	for i, x := range all {
		state := "open"
		switch {
		case !x.DoneAt.IsZero():
			state = "kept"
		case !x.EndedAt.IsZero():
			state = "dropped"
		}
		out[i] = pastEntry{At: x.At, ID: x.ID, Icon: "clock", Text: c.v.T("card.past.promise."+state, "name", c.somebody(x.AuthorName), "day", c.clock.Date(x.Due)),
			Detail: oneLine(x.Body), Quiet: state == "dropped"}
	}
	return out, err
}

func (c *cardAt) pastMerges(p customer.Page) ([]pastEntry, error) {
	all, err := c.Desk.Merges(c.tx, c.v.Viewer, c.t.CustomerID)
	var out []pastEntry
	for _, m := range all {
		out = append(out, pastEntry{At: m.At, ID: m.ID, Icon: "merge", Text: c.v.T("card.past.merge", "name", c.somebody(c.name(c.near(m.By)))),
			Detail: c.v.T("merge.proof." + known(mergeProofs, m.Proof, "advisor")), Quiet: !m.UndoneAt.IsZero()})
		if !m.UndoneAt.IsZero() {
			out = append(out, pastEntry{At: m.UndoneAt, ID: m.ID + ".undone", Icon: "merge", Text: c.v.T("card.past.unmerge", "name", c.somebody(c.name(c.near(m.UndoneBy))))})
		}
	}
	return earlier(out, p), err
}

func (c *cardAt) pastBindings(p customer.Page) ([]pastEntry, error) {
	all, err := c.Desk.Book.Bindings(c.tx, c.records)
	var out []pastEntry
	for _, b := range all {
		if c.v.Sees(b.CounterID) {
			out = append(out, pastEntry{At: b.At, ID: b.ID, Icon: "people", Text: c.v.T("card.past.advisor", "name", c.somebody(c.name(b.AdvisorID))),
				Quiet: !b.EndedAt.IsZero()})
		}
	}
	return earlier(out, p), err
}

func (c *cardAt) somebody(name string) string { return cmp.Or(name, c.v.T("card.somebody")) }

// origin says where something comes from, without when: the line has its time.
func (c *cardAt) origin(p customer.Proof) string {
	key, who := c.source(p)
	return c.v.T(key, "name", who)
}
