package app

import (
	"fmt"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/handover"
	"dingdong/internal/staff"
)

type handoverCommands struct {
	List      listHandovers     `cmd:"" help:"List handovers: id, state, kind, who, begin, end, customers settled and in all."`
	Propose   proposeHandover   `cmd:"" help:"Make a draft and show who would take over how many. Nobody is moved or told."`
	Preview   previewHandover   `cmd:"" help:"Show who takes over how many: counter, colleague, customers that go to her, her own."`
	Customers handoverCustomers `cmd:"" help:"List the customers of a handover by id: counter, state, told, answer, who takes over."`
	Progress  handoverProgress  `cmd:"" help:"Show how far a handover is, in counts."`
	Begin     beginHandover     `cmd:"" help:"Begin: on its day the first customer is moved and told."`
	Pause     pauseHandover     `cmd:"" help:"Move nobody more for now. The end comes all the same."`
	Resume    resumeHandover    `cmd:"" help:"Let a paused handover go on."`
	Cancel    cancelHandover    `cmd:"" help:"Call a handover off before its end: everything goes back."`
	Return    returnHandover    `cmd:"" help:"Who was away is back before her time: what was moved goes back."`
	Drop      dropHandover      `cmd:"" help:"Forget a draft."`
}

// handoverTold is what every command tells of one.
func handoverTold(h handover.Handover, more ...column) row {
	state := string(h.State)
	if h.Paused() {
		state = "paused"
	}
	return told(h.ID, append([]column{shown("state", state), shown("kind", string(h.Kind)), shown("name", h.LeaverName), detail("staff", h.LeaverID),
		shown("begins", h.Begins), shown("ends", h.Ends), detail("counters", h.Counters), detail("created_by", h.CreatedBy), detail("closed_at", h.ClosedAt)}, more...)...)
}

// settled counts how far one is.
func settled(x *App, tx *db.Tx, h handover.Handover) ([]column, error) {
	p, err := x.Hands.Progress(tx, h)
	return []column{shown("settled", p.Settled()), shown("customers", p.Total)}, err
}

type listHandovers struct{}

// Run lists handovers, open ones first.
func (listHandovers) Run(c *call, a *adminCommand) error {
	return a.look(c, func(x *App, tx *db.Tx) (out []row, err error) {
		list, err := x.Hands.List(tx, staff.System())
		if err != nil {
			return nil, err
		}
		for _, h := range list {
			counts, err := settled(x, tx, h)
			if err != nil {
				return nil, err
			}
			out = append(out, handoverTold(h, counts...))
		}
		return out, nil
	})
}

type proposeHandover struct {
	Staff       string   `arg:"" help:"Who leaves or is away: id or e-mail address."`
	Kind        string   `enum:"leaves,away" default:"leaves" help:"leaves: for good; away: she comes back."`
	Begins      string   `help:"When the first customer is moved, such as 2026-12-01T09:00, by the clock of her counter; absent: when it is begun."`
	Ends        string   `required:"" help:"The minute her access ends, or she is back."`
	By          []string `enum:"language,speciality,load" default:"language,load" help:"What decides who takes over: language, speciality, load."`
	QuietMonths int      `help:"Who was silent for so long is moved and not told; absent: 24."`
	Pace        int      `help:"Customers a minute; absent: 60."`
}

// Run makes a draft and tells who would take over how many.
func (f proposeHandover) Run(c *call, a *adminCommand) error {
	return a.change(c, func(x *App, tx *db.Tx) ([]row, error) {
		p, err := findStaff(tx, f.Staff)
		if err != nil {
			return nil, err
		}
		zone, err := zoneAt(tx, p)
		if err != nil {
			return nil, err
		}
		form := handover.Form{LeaverID: p.ID, Kind: handover.Kind(f.Kind), QuietMonths: f.QuietMonths, Pace: f.Pace}
		for field, t := range map[string]struct {
			text string
			into *time.Time
		}{"begins": {f.Begins, &form.Begins}, "ends": {f.Ends, &form.Ends}} {
			if *t.into, err = clockTime(field, t.text, zone); err != nil {
				return nil, err
			}
		}
		for _, by := range f.By {
			form.Rule.Language = form.Rule.Language || by == "language"
			form.Rule.Speciality = form.Rule.Speciality || by == "speciality"
			form.Rule.Load = form.Rule.Load || by == "load"
		}
		h, err := x.Hands.Plan(tx, staff.System(), form)
		if err != nil {
			return nil, err
		}
		counts, err := settled(x, tx, h)
		return []row{handoverTold(h, counts...)}, err
	})
}

// zoneAt is the clock of somebody's first counter.
func zoneAt(tx *db.Tx, p staff.Person) (*time.Location, error) {
	if len(p.Counters) == 0 {
		return time.UTC, nil
	}
	d, err := staff.LoadDirectory(tx)
	if err != nil {
		return nil, err
	}
	counter, _ := d.Counter(p.Counters[0])
	zone, err := time.LoadLocation(counter.Timezone)
	if err != nil {
		return nil, fmt.Errorf("clock of a counter: %w", err)
	}
	return zone, nil
}

// clockTime reads a moment: with a zone of its own, or by a counter's clock.
func clockTime(field, text string, zone *time.Location) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at.UTC(), nil
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02 15:04"} {
		if at, err := time.ParseInLocation(layout, text, zone); err == nil {
			return at.UTC(), nil
		}
	}
	return time.Time{}, db.Invalid{Field: field, Code: "moment"}
}

type previewHandover struct {
	Handover string `arg:"" help:"Id."`
}

// Run tells who takes over how many.
func (f previewHandover) Run(c *call, a *adminCommand) error {
	return a.look(c, func(x *App, tx *db.Tx) (out []row, err error) {
		h, err := findHandover(x, tx, f.Handover)
		if err != nil {
			return nil, err
		}
		shares, err := x.Hands.Shares(tx, h)
		for _, s := range shares {
			out = append(out, told(s.CounterID, shown("colleague", s.ColleagueID), shown("name", s.Name), shown("gets", s.Gets), shown("has", s.Has)))
		}
		return out, err
	})
}

func findHandover(x *App, tx *db.Tx, id string) (handover.Handover, error) {
	h, err := x.Hands.Get(tx, staff.System(), id)
	return h, absent(err, "handover", id, "handover")
}

type handoverCustomers struct {
	Handover string `arg:"" help:"Id."`
	Which    string `enum:",planned,moved,skipped,failed,back,kept,told,coming,silent,refused,fine,other,chose,stop" default:"" help:"Only these: a state, told, coming, silent, refused, or an answer."`
}

// Run lists customers by their ids: their names are for those who see their counter.
func (f handoverCustomers) Run(c *call, a *adminCommand) error {
	return a.look(c, func(x *App, tx *db.Tx) (out []row, err error) {
		h, err := findHandover(x, tx, f.Handover)
		if err != nil {
			return nil, err
		}
		page := handover.ItemsPage{Which: f.Which, Limit: 200}
		for more := true; more; {
			var items []handover.Item
			if items, more, err = x.Hands.Items(tx, staff.System(), h, page); err != nil {
				return nil, err
			}
			for _, i := range items {
				page.After = i.ID
				out = append(out, told(i.CustomerID, shown("counter", i.CounterID), shown("state", string(i.State)), shown("told", i.Told), shown("answer", i.Answer),
					shown("to", i.ToID), detail("why", i.Why), detail("by_hand", i.ByHand), detail("chosen", i.ChosenID), detail("moved_at", i.MovedAt), detail("back_at", i.BackAt)))
			}
		}
		return out, nil
	})
}

type handoverProgress struct {
	Handover string `arg:"" help:"Id."`
}

// Run tells the counts of one, each with its word.
func (f handoverProgress) Run(c *call, a *adminCommand) error {
	return a.look(c, func(x *App, tx *db.Tx) ([]row, error) {
		h, err := findHandover(x, tx, f.Handover)
		if err != nil {
			return nil, err
		}
		p, err := x.Hands.Progress(tx, h)
		if err != nil {
			return nil, err
		}
		if a.JSON {
			return []row{handoverTold(h, detail("total", p.Total), detail("planned", p.Planned), detail("moved", p.Moved), detail("skipped", p.Skipped),
				detail("failed", p.Failed), detail("back", p.Back), detail("kept", p.Kept), detail("told", p.Told), detail("coming", p.Coming),
				detail("silent", p.Silent), detail("refused", p.Refused), detail("fine", p.Fine), detail("chose", p.Chose), detail("stop", p.Stop))}, nil
		}
		out := []row{handoverTold(h)}
		for _, n := range []struct {
			word string
			n    int
		}{{"total", p.Total}, {"planned", p.Planned}, {"moved", p.Moved}, {"skipped", p.Skipped}, {"failed", p.Failed}, {"back", p.Back}, {"kept", p.Kept},
			{"told", p.Told}, {"coming", p.Coming}, {"silent", p.Silent}, {"refused", p.Refused}, {"fine", p.Fine}, {"chose", p.Chose}, {"stop", p.Stop}} {
			out = append(out, told(n.word, shown("n", n.n)))
		}
		return out, nil
	})
}

// turn does something with one handover and tells how it is then.
func (a *adminCommand) turn(c *call, id string, do func(*handover.Room, *db.Tx, staff.Viewer, string) (handover.Handover, error)) error {
	return a.change(c, func(x *App, tx *db.Tx) ([]row, error) {
		h, err := do(x.Hands, tx, staff.System(), id)
		if err = absent(err, "handover", id, "handover"); err != nil {
			return nil, err
		}
		counts, err := settled(x, tx, h)
		return []row{handoverTold(h, counts...)}, err
	})
}

type beginHandover struct {
	Handover string `arg:"" help:"Id."`
}

// Run begins a handover.
func (f beginHandover) Run(c *call, a *adminCommand) error {
	return a.turn(c, f.Handover, (*handover.Room).Start)
}

type pauseHandover struct {
	Handover string `arg:"" help:"Id."`
}

// Run pauses a handover.
func (f pauseHandover) Run(c *call, a *adminCommand) error {
	return a.turn(c, f.Handover, (*handover.Room).Pause)
}

type resumeHandover struct {
	Handover string `arg:"" help:"Id."`
}

// Run lets a handover go on.
func (f resumeHandover) Run(c *call, a *adminCommand) error {
	return a.turn(c, f.Handover, (*handover.Room).Resume)
}

type cancelHandover struct {
	Handover string `arg:"" help:"Id."`
}

// Run calls a handover off.
func (f cancelHandover) Run(c *call, a *adminCommand) error {
	return a.turn(c, f.Handover, (*handover.Room).Cancel)
}

type returnHandover struct {
	Handover string `arg:"" help:"Id."`
}

// Run brings back who was away.
func (f returnHandover) Run(c *call, a *adminCommand) error {
	return a.turn(c, f.Handover, (*handover.Room).Recall)
}

type dropHandover struct {
	Handover string `arg:"" help:"Id."`
}

// Run forgets a draft.
func (f dropHandover) Run(c *call, a *adminCommand) error {
	return a.change(c, func(x *App, tx *db.Tx) ([]row, error) {
		err := x.Hands.Drop(tx, staff.System(), f.Handover)
		return []row{told(f.Handover)}, absent(err, "handover", f.Handover, "handover")
	})
}
