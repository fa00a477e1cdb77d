package web

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/handover"
	"dingdong/internal/staff"
)

// adminHandoverPage is one handover: its draft to look at, or how far it is.
type adminHandoverPage struct {
	Frame
	Top       AdminTop
	Path0     string // of the handover
	State     Pill
	Draft     bool
	Form      Form
	Going     handoverGoing
	Shares    []shareRow
	Items     []itemRow
	Next      string // the page with more
	Filter    []Option
	Which     string
	Colleague []Option // to whom some can be given by hand
	Texts     []handoverText
	Editable  bool // what customers are told can still be changed
	Starts    *Confirm
	Buttons   []handoverButton
	Confirms  []Confirm
	Put       *Field // to change the end
	Tokens    []string
	Figures   []figureRow
	Spans     []string
	NoFigures string

	named []string // customers whose names stand here
}

type handoverButton struct{ Path, Text, Icon string }

// handoverGoing is how far it is, for the part that draws itself again.
type handoverGoing struct {
	Path       string
	Done       bool
	Title      string
	Value, Max int
	Text       string
	Numbers    []figure
	Failed     int
	Retry      string
	Forgo      string
}

type shareRow struct {
	Face         Avatar
	Name, Detail string
	Gets         string
}

type itemRow struct {
	ID, Name, Path, To, Text string
	Pills                    []Pill
	Pick                     bool // it can still be given to somebody else
}

type handoverText struct {
	Field   Field
	Name    string
	Example string
	Changed bool
}

// figureRow is one figure over the spans: "12 of 40".
type figureRow struct {
	Name  string
	Cells []string
}

func (s *Server) showHandover(w http.ResponseWriter, r *http.Request, v *Visit) error {
	return s.handoverPage(w, v, Form{})
}

func (s *Server) handoverPage(w http.ResponseWriter, v *Visit, f Form) error {
	query := v.request.URL.Query()
	var data adminHandoverPage
	var h handover.Handover
	err := s.DB.Read(v.request.Context(), func(tx *db.Tx) error {
		data = adminHandoverPage{Form: f, Which: query.Get("which")}
		d, err := staff.LoadDirectory(tx)
		if err != nil {
			return err
		}
		if h, err = s.Hands.Get(tx, v.Viewer, v.request.PathValue("handover")); err != nil {
			return err
		}
		data.Path0, data.Draft, data.State = handoverPath(h.ID), h.State == handover.Draft, handoverPill(v, h)
		data.Top = AdminTop{Up: Step{"/admin/handovers", v.T("hand.title")}, Title: h.LeaverName, Text: s.handoverWhen(v, h, d)}
		page := handover.ItemsPage{Which: data.Which, After: query.Get("after")}
		for _, part := range []func() error{
			func() error { return s.handoverShares(tx, v, h, d, &data) },
			func() error { return s.handoverItems(tx, v, h, page, &data) },
			func() error { return s.handoverTexts(tx, v, h, &data) },
			func() error { return s.handoverAfter(tx, v, h, &data) },
			func() error { data.Going, err = s.handoverGoing(tx, v, h); return err },
		} {
			if err := part(); err != nil {
				return err
			}
		}
		s.handoverControls(v, h, d, &data)
		return nil
	})
	if err != nil {
		return err
	}
	if err := s.shown(v.request, v, "handover", data.named); err != nil {
		return err
	}
	data.Frame = s.frame(v, "admin", h.LeaverName)
	if v.request.Method != http.MethodGet {
		data.Path = data.Path0
	}
	return s.render(w, v, view{Page: "admin_handover", Status: f.status(), Data: data})
}

// handoverGoing counts.
func (s *Server) handoverGoing(tx *db.Tx, v *Visit, h handover.Handover) (handoverGoing, error) {
	p, err := s.Hands.Progress(tx, h)
	back := h.State == handover.Returning || h.State == handover.Cancelling
	g := handoverGoing{Path: handoverPath(h.ID) + "/progress", Title: v.T("hand.state." + string(h.State)), Value: p.Settled(), Max: max(p.Total, 1), Failed: p.Failed}
	g.Done = h.State != handover.Waiting && h.State != handover.Moving && !back || h.Paused()
	if h.Paused() {
		g.Title = v.T("hand.state.paused")
	}
	if back {
		g.Value = p.Total - p.Moved - p.Planned
	}
	g.Text = v.T("hand.progress", "n", shownNumber(g.Value), "all", shownNumber(p.Total))
	for _, n := range []struct {
		key  string
		n    int
		tone string
		show bool
	}{{"moved", p.Moved + p.Back + p.Kept, "green", true}, {"told", p.Told, "", true}, {"coming", p.Coming, "", p.Coming > 0}, {"fine", p.Fine, "", true}, {"chose", p.Chose, "", true}, {"stop", p.Stop, "amber", true},
		{"silent", p.Silent, "", true}, {"refused", p.Refused, "amber", p.Refused > 0}, {"failed", p.Failed, "amber", true},
		{"back", p.Back, "", p.Back > 0 || back}, {"kept", p.Kept, "", p.Kept > 0}, {"skipped", p.Skipped, "", p.Skipped > 0}} {
		if n.show {
			if n.n == 0 {
				n.tone = ""
			}
			g.Numbers = append(g.Numbers, figure{shownNumber(n.n), v.T("hand.n." + n.key), n.tone})
		}
	}
	if p.Failed > 0 && h.ClosedAt.IsZero() {
		g.Retry, g.Forgo = handoverPath(h.ID)+"/retry", handoverPath(h.ID)+"/forgo"
	}
	return g, err
}

// handoverProgress draws how far it is; when it stands still the page is shown anew.
func (s *Server) handoverProgress(w http.ResponseWriter, r *http.Request, v *Visit) error {
	var g handoverGoing
	err := s.DB.Read(r.Context(), func(tx *db.Tx) error {
		h, err := s.Hands.Get(tx, v.Viewer, r.PathValue("handover"))
		if err == nil {
			g, err = s.handoverGoing(tx, v, h)
		}
		return err
	})
	if err != nil {
		return err
	}
	if g.Done {
		w.Header().Set("HX-Refresh", "true")
	}
	return s.render(w, v, view{Page: "admin_handover", Block: "hand-going", Data: g})
}

func (s *Server) handoverShares(tx *db.Tx, v *Visit, h handover.Handover, d staff.Directory, data *adminHandoverPage) error {
	shares, err := s.Hands.Shares(tx, h)
	for _, x := range shares {
		counter, _ := d.Counter(x.CounterID)
		row := shareRow{Name: x.Name, Face: Avatar{ID: x.ColleagueID, Name: x.Name}, Gets: v.T("hand.gets", "n", x.Gets), Detail: counter.Name}
		if x.ColleagueID == "" {
			row.Name, row.Face = v.T("hand.anyone"), Avatar{}
		} else if data.Draft {
			row.Detail = joined(counter.Name, v.T("hand.has", "n", x.Has))
		}
		data.Shares = append(data.Shares, row)
	}
	return err
}

// whichItems are the filters of the list, in their order.
var whichItems = []string{"planned", "told", "coming", "fine", "chose", "stop", "silent", "refused", "failed", "kept"}

func (s *Server) handoverItems(tx *db.Tx, v *Visit, h handover.Handover, page handover.ItemsPage, data *adminHandoverPage) error {
	if page.Which != "" && !contains(whichItems, page.Which) {
		page.Which, data.Which = "", ""
	}
	items, more, err := s.Hands.Items(tx, v.Viewer, h, page)
	if err != nil {
		return err
	}
	open := h.ClosedAt.IsZero() && h.State != handover.Returning && h.State != handover.Cancelling
	clock := s.clock(v, "")
	counters := map[string]bool{}
	for _, i := range items {
		row := itemRow{ID: i.ID, Name: i.Name, To: i.ToName, Pick: open && (i.State == handover.Planned || i.State == handover.Failed)}
		if row.Name == "" {
			row.Name = v.T("hand.somebody")
		} else {
			data.named = append(data.named, i.CustomerID)
		}
		if i.ThreadID != "" {
			row.Path = "/inbox/" + i.ThreadID
		}
		if row.To == "" {
			row.To = v.T("hand.anyone")
		}
		if !i.LastAt.IsZero() {
			row.Text = v.T("hand.last", "when", clock.Date(i.LastAt))
		}
		row.Text = joined(row.Text, v.T("spoken."+i.Language))
		row.Pills = itemPills(v, i)
		if row.Pick {
			counters[i.CounterID] = true
		}
		data.Items = append(data.Items, row)
	}
	if more {
		data.Next = "?" + url.Values{"which": {page.Which}, "after": {items[len(items)-1].ID}}.Encode()
	}
	if !data.Draft {
		data.Filter = []Option{{"", v.T("hand.all")}}
		for _, which := range whichItems {
			data.Filter = append(data.Filter, Option{which, v.T("hand.n." + which)})
		}
	}
	return handoverColleagues(tx, v, h, counters, data)
}

// itemPills say what became of a customer.
func itemPills(v *Visit, i handover.Item) []Pill {
	var out []Pill
	if i.ByHand && i.State == handover.Planned {
		out = append(out, Pill{Text: v.T("hand.by_hand")})
	}
	switch i.State {
	case handover.Failed:
		return append(out, Pill{Tone: "amber", Text: v.T("hand.failed." + known(whyFailed, i.Why, "fault"))})
	case handover.Planned:
		return out
	case handover.Skipped, handover.Back, handover.Kept:
		out = append(out, Pill{Text: v.T("hand.n." + string(i.State))})
	}
	switch i.Told {
	case handover.Told:
		out = append(out, Pill{Tone: "green", Text: v.T("hand.n.told")})
	case handover.Coming:
		out = append(out, Pill{Text: v.T("hand.n.coming")})
	case handover.Silent:
		out = append(out, Pill{Text: v.T("hand.silent." + known(whySilent, i.Why, "unbound"))})
	case handover.Refused:
		out = append(out, Pill{Tone: "amber", Text: v.T("hand.n.refused")})
	}
	switch i.Answer {
	case handover.AnswerChose:
		name := i.ChosenName
		if name == "" {
			name = v.T("hand.anyone")
		}
		out = append(out, Pill{Text: v.T("hand.chose", "name", name)})
	case handover.AnswerFine, handover.AnswerOther, handover.AnswerStop:
		out = append(out, Pill{Text: v.T("hand.n." + i.Answer)})
	}
	return out
}

// The reasons with words of their own.
var (
	whyFailed = []string{"not_at_counter", "busy", "not_found", "refused", "fault"}
	whySilent = []string{"unbound", "blocked", "quiet", "no_thread", "no_text", "cancelled"}
)

// handoverColleagues lists to whom the customers of this page can be given by hand.
func handoverColleagues(tx *db.Tx, v *Visit, h handover.Handover, counters map[string]bool, data *adminHandoverPage) error {
	if len(counters) == 0 {
		return nil
	}
	data.Colleague = []Option{{"", v.T("hand.to")}}
	if data.Draft {
		data.Colleague = append(data.Colleague, Option{"rule", v.T("hand.by_rule")})
	}
	for _, counter := range h.Counters {
		if !counters[counter] {
			continue
		}
		people, err := staff.Colleagues(tx, counter)
		if err != nil {
			return err
		}
		for _, p := range people {
			if p.ID != h.LeaverID && !hasOption(data.Colleague, p.ID) {
				data.Colleague = append(data.Colleague, Option{p.ID, p.Name})
			}
		}
	}
	return nil
}

func hasOption(list []Option, value string) bool {
	for _, o := range list {
		if o.Value == value {
			return true
		}
	}
	return false
}

func (s *Server) handoverTexts(tx *db.Tx, v *Visit, h handover.Handover, data *adminHandoverPage) error {
	data.Editable = h.ClosedAt.IsZero() && h.State != handover.Returning && h.State != handover.Cancelling
	texts, err := s.Hands.Texts(tx, h)
	for _, t := range texts {
		name := "text." + t.Language
		field := data.Form.Field(name, v.T("spoken."+t.Language)).Area(4).Limit(1000)
		if !data.Form.Values.Has(name) {
			field.Value = t.Body
		}
		field.Must = true
		data.Texts = append(data.Texts, handoverText{Field: field, Name: v.T("spoken." + t.Language), Example: t.Example, Changed: t.Changed})
	}
	return err
}

// handoverAfter is what remains: tokens that she made, and what became of her customers.
func (s *Server) handoverAfter(tx *db.Tx, v *Visit, h handover.Handover, data *adminHandoverPage) error {
	tokens, err := s.Hands.Tokens(tx, v.Viewer, h)
	if err != nil {
		return err
	}
	for _, t := range tokens {
		data.Tokens = append(data.Tokens, t.Name)
	}
	figures, err := s.Hands.Report(tx, h)
	if err != nil {
		return err
	}
	if len(figures) == 0 {
		if !h.BegunAt.IsZero() && h.State != handover.Cancelled {
			data.NoFigures = v.T("hand.figures_come", "day", s.clock(v, "").Date(h.BegunAt.AddDate(0, 0, 30)))
		}
		return nil
	}
	rows := map[string]*figureRow{}
	names := []string{"wrote", "answered", "bought", "blocked", "withdrew"}
	for _, name := range names {
		rows[name] = &figureRow{Name: v.T("hand.figure." + name)}
	}
	for _, f := range figures {
		key := "hand.span.after"
		if f.Days < 0 {
			key = "hand.span.before"
		}
		data.Spans = append(data.Spans, v.T(key, "n", max(f.Days, -f.Days)))
		for name, n := range map[string][2]int{"wrote": {f.Wrote, f.Customers}, "answered": {f.Answered, f.WrittenTo}, "bought": {f.Bought, f.Customers},
			"blocked": {f.Blocked, f.Customers}, "withdrew": {f.Withdrew, f.Customers}} {
			rows[name].Cells = append(rows[name].Cells, v.T("hand.of", "n", shownNumber(n[0]), "all", shownNumber(n[1])))
		}
	}
	for _, name := range names {
		data.Figures = append(data.Figures, *rows[name])
	}
	return nil
}

// handoverControls are what can be done with it now.
func (s *Server) handoverControls(v *Visit, h handover.Handover, d staff.Directory, data *adminHandoverPage) {
	confirm := func(act string) Confirm {
		return Confirm{ID: act, Path: data.Path0 + "/" + act, Button: v.T("hand." + act), Title: v.T("hand."+act+"_title", "name", h.LeaverName),
			Text: v.T("hand."+act+"_text", "name", h.LeaverName), Go: v.T("hand." + act)}
	}
	switch {
	case data.Draft:
		c := confirm("start")
		c.Text = v.T("hand.start_text."+string(h.Kind), "name", h.LeaverName)
		data.Starts = &c
		data.Confirms = append(data.Confirms, confirm("drop"))
		data.Top.Do, data.Top.Icon = Step{data.Path0 + "/edit", v.T("hand.change")}, "edit"
		return
	case h.Paused() || h.State == handover.Waiting && !h.PausedAt.IsZero():
		data.Buttons = append(data.Buttons, handoverButton{data.Path0 + "/resume", v.T("hand.resume"), "next"})
	case h.State == handover.Moving || h.State == handover.Waiting:
		data.Buttons = append(data.Buttons, handoverButton{data.Path0 + "/pause", v.T("hand.pause"), "clock"})
	}
	if h.Kind == handover.Away && (h.State == handover.Moving || h.State == handover.Moved) {
		data.Confirms = append(data.Confirms, confirm("recall"))
	}
	if h.Cancellable() {
		data.Confirms = append(data.Confirms, confirm("cancel"))
		put := moment(data.Form.Field("ends", v.T("hand.ends"))).Required().Or(h.Ends.In(s.location(zoneOf(h.Counters, d))).Format(localTime))
		data.Put = &put
	}
}

// controls is what a button does with a handover.
func (s *Server) controls(do func(tx *db.Tx, v *Visit, id string) error, told string) handler {
	return func(w http.ResponseWriter, r *http.Request, v *Visit) error {
		id := r.PathValue("handover")
		err := s.DB.Write(r.Context(), func(tx *db.Tx) error { return do(tx, v, id) })
		var f Form
		if f.takeWhole(v, err) {
			return s.handoverPage(w, v, f)
		}
		if err != nil {
			return err
		}
		return s.done(w, v, handoverPath(id), told)
	}
}

func (s *Server) startHandover(tx *db.Tx, v *Visit, id string) error {
	_, err := s.Hands.Start(tx, v.Viewer, id)
	return err
}

func (s *Server) pauseHandover(tx *db.Tx, v *Visit, id string) error {
	_, err := s.Hands.Pause(tx, v.Viewer, id)
	return err
}

func (s *Server) resumeHandover(tx *db.Tx, v *Visit, id string) error {
	_, err := s.Hands.Resume(tx, v.Viewer, id)
	return err
}

func (s *Server) cancelHandover(tx *db.Tx, v *Visit, id string) error {
	_, err := s.Hands.Cancel(tx, v.Viewer, id)
	return err
}

func (s *Server) recallHandover(tx *db.Tx, v *Visit, id string) error {
	_, err := s.Hands.Recall(tx, v.Viewer, id)
	return err
}

func (s *Server) retryHandover(tx *db.Tx, v *Visit, id string) error {
	_, err := s.Hands.Retry(tx, v.Viewer, id)
	return err
}

func (s *Server) forgoHandover(tx *db.Tx, v *Visit, id string) error {
	return s.Hands.Forgo(tx, v.Viewer, id)
}

func (s *Server) dropHandover(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := s.DB.Write(r.Context(), func(tx *db.Tx) error { return s.Hands.Drop(tx, v.Viewer, r.PathValue("handover")) }); err != nil {
		return err
	}
	return s.done(w, v, "/admin/handovers", "done.deleted")
}

// putHandover changes when it ends.
func (s *Server) putHandover(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	h, d, err := s.handoverNamed(v)
	if err != nil {
		return err
	}
	err = s.DB.Write(r.Context(), func(tx *db.Tx) error {
		var ends time.Time
		if text := r.PostForm.Get("ends"); text != "" {
			if ends, err = time.ParseInLocation(localTime, text, s.location(zoneOf(h.Counters, d))); err != nil {
				return db.Invalid{Field: "ends", Code: "malformed"}
			}
		}
		_, err := s.Hands.Reschedule(tx, v.Viewer, h.ID, ends)
		return err
	})
	f := Form{Values: r.PostForm}
	if f.Take(err) {
		return s.handoverPage(w, v, f)
	}
	if err != nil {
		return err
	}
	return s.done(w, v, handoverPath(h.ID), "done.saved")
}

// giveHandover gives the ticked customers to a colleague.
func (s *Server) giveHandover(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	id, to := r.PathValue("handover"), r.PostForm.Get("to")
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error {
		if to == "" {
			return db.Invalid{Field: "to", Code: "required"}
		}
		if to == "rule" {
			to = ""
		}
		return s.Hands.Give(tx, v.Viewer, handover.Hand{HandoverID: id, Items: r.PostForm["customer"], ToID: to})
	})
	f := Form{Values: r.PostForm}
	if f.Take(err) {
		return s.handoverPage(w, v, f)
	}
	if err != nil {
		return err
	}
	return s.done(w, v, handoverPath(id), "done.saved")
}

// textHandover keeps what customers are told.
func (s *Server) textHandover(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	id := r.PathValue("handover")
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error {
		var texts []handover.Text
		for _, language := range staff.SpokenLanguages() {
			if name := "text." + language; r.PostForm.Has(name) {
				texts = append(texts, handover.Text{Language: language, Body: r.PostForm.Get(name)})
			}
		}
		return s.Hands.SaveTexts(tx, v.Viewer, id, texts)
	})
	f := Form{Values: r.PostForm}
	if f.Take(err) {
		return s.handoverPage(w, v, f)
	}
	if err != nil {
		return err
	}
	return s.done(w, v, handoverPath(id), "done.saved")
}

// handTiles are the handovers that are under way.
func (s *Server) handTiles(tx *db.Tx, v *Visit) (tileGroup, error) {
	g := tileGroup{Title: v.T("hand.group")}
	if s.Hands == nil || !v.May(staff.HandOver) {
		return g, nil
	}
	list, err := s.Hands.List(tx, v.Viewer)
	open, failed := 0, 0
	for _, h := range list {
		if h.ClosedAt.IsZero() {
			open++
			p, err := s.Hands.Progress(tx, h)
			if err != nil {
				return g, err
			}
			failed += p.Failed
		}
	}
	t := tile{Path: "/admin/handovers", Icon: "people", Name: v.T("hand.title"), Text: v.T("hand.tile")}
	if open > 0 {
		t.Text = v.T("hand.open", "n", strconv.Itoa(open))
	}
	if failed > 0 {
		t.Warning = v.T("hand.failed_some", "n", failed)
	}
	g.Tiles = []tile{t}
	return g, err
}
