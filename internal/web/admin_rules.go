package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"dingdong/internal/consent"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// adminRulesPage is how often, and when, customers may be written to unasked.
type adminRulesPage struct {
	Frame
	Top     AdminTop
	Form    Form
	Keeps   bool
	Phases  []phaseRow
	Caps    []capRow
	Preview rulesPreview
}

// phaseRow is a part of a relation in the form.
type phaseRow struct {
	N                        int
	Name, Said               string // as stored, and in words
	From, Messages, Days     string
	NameError, FromError     string
	MessagesError, DaysError string
	First                    bool
}

// capRow is the bound of one purpose in the form.
type capRow struct {
	Name, Title, Messages, Days, Error string
}

// spareRows are the empty lines below the phases.
const spareRows = 1

func (s *Server) showRules(w http.ResponseWriter, _ *http.Request, v *Visit) error {
	return s.rulesPage(w, v, Form{})
}

func (s *Server) rulesPage(w http.ResponseWriter, v *Visit, f Form) error {
	var rules consent.Rules
	var purposes []consent.Purpose
	err := s.DB.Read(v.request.Context(), func(tx *db.Tx) (err error) {
		if rules, err = s.Consent.Rules(tx); err != nil {
			return err
		}
		purposes, err = s.Consent.Purposes(tx)
		return err
	})
	if err != nil {
		return err
	}
	if f.Values == nil {
		f.Values = rulesValues(rules)
	}
	title := v.T("consent.rules")
	data := adminRulesPage{Frame: s.frame(v, "admin", title), Form: f, Keeps: v.May(staff.KeepConsent),
		Top: AdminTop{Up: adminUp(v), Title: title, Text: v.T("consent.rules.about")}}
	data.Path = "/admin/contact-rules"
	for n := range phasesIn(f.Values) + spareRows {
		data.Phases = append(data.Phases, newPhaseRow(v, f, n))
	}
	for _, p := range purposes {
		if !p.ClosedAt.IsZero() {
			continue
		}
		text, _ := p.In(v.Words.Tag)
		data.Caps = append(data.Caps, capRow{Name: p.Name, Title: text.Title, Error: f.Errors["cap_"+p.Name],
			Messages: f.Values.Get("cap_messages." + p.Name), Days: f.Values.Get("cap_days." + p.Name)})
	}
	if typed, err := rulesOf(f.Values); err == nil && typed.Check() == nil {
		rules = typed // the preview shows what was typed
	}
	data.Preview = s.preview(v, rules, sampleOf(v.request.URL.Query()))
	return s.render(w, v, view{Page: "admin_rules", Status: f.status(), Data: data})
}

func newPhaseRow(v *Visit, f Form, n int) phaseRow {
	dot := "." + strconv.Itoa(n)
	get := func(name string) string { return f.Values.Get(name + dot) }
	return phaseRow{N: n, Name: get("phase_name"), Said: phaseName(v.Words, get("phase_name")), From: get("phase_from"), Messages: get("phase_messages"),
		Days: get("phase_days"), NameError: f.Errors["phase_name"+dot], FromError: f.Errors["phase_from"+dot],
		MessagesError: f.Errors["phase_messages"+dot], DaysError: f.Errors["phase_days"+dot], First: n == 0}
}

// phaseName says a phase in words: the shipped ones have words in the locale.
func phaseName(w *Words, name string) string {
	if key := "consent.phase." + name; name != "" && w.Has(key) {
		return w.T(key)
	}
	return name
}

// shippedPhases have words in the locale; what is stored of them is the key.
var shippedPhases = []string{"first_week", "regular"}

// keyPhases turns the words of shipped phases, as they stood in the form, into their keys
// again, so that a colleague reads them in her own language.
func keyPhases(w *Words, form url.Values) {
	for n := range phasesIn(form) {
		field := "phase_name." + strconv.Itoa(n)
		for _, key := range shippedPhases {
			if strings.TrimSpace(form.Get(field)) == w.T("consent.phase."+key) {
				form.Set(field, key)
			}
		}
	}
}

func phasesIn(form url.Values) int {
	n := 0
	for form.Has("phase_from." + strconv.Itoa(n)) {
		n++
	}
	return n
}

// rulesValues puts rules into the fields of the form.
func rulesValues(r consent.Rules) url.Values {
	v := url.Values{"quiet_from": {r.Quiet.From}, "quiet_to": {r.Quiet.To}, "min_gap_hours": {strconv.Itoa(r.MinGapHours)},
		"answer_hours": {strconv.Itoa(r.AnswerHours)}, "complaint_days": {strconv.Itoa(r.ComplaintDays)}, "unanswered_days": {strconv.Itoa(r.UnansweredDays)}}
	for i, p := range r.Phases {
		n := "." + strconv.Itoa(i)
		v.Set("phase_name"+n, p.Name)
		v.Set("phase_from"+n, strconv.Itoa(p.FromDay))
		v.Set("phase_messages"+n, strconv.Itoa(p.Messages))
		v.Set("phase_days"+n, strconv.Itoa(p.Days))
	}
	var days []string
	for _, h := range r.Holidays {
		days = append(days, strings.TrimSpace(h.Date+" "+h.Name))
	}
	v.Set("holidays", strings.Join(days, "\n"))
	for name, c := range r.PurposeCaps {
		v.Set("cap_messages."+name, strconv.Itoa(c.Messages))
		v.Set("cap_days."+name, strconv.Itoa(c.Days))
	}
	return v
}

// rulesOf reads rules from the form. A phase without any number is not there.
func rulesOf(form url.Values) (consent.Rules, error) {
	number := func(field string) int { // nonsense is refused by its bounds
		n, err := strconv.Atoi(strings.TrimSpace(form.Get(field)))
		if err != nil {
			return -1
		}
		return n
	}
	r := consent.Rules{Quiet: consent.Quiet{From: strings.TrimSpace(form.Get("quiet_from")), To: strings.TrimSpace(form.Get("quiet_to"))},
		MinGapHours: number("min_gap_hours"), AnswerHours: number("answer_hours"), ComplaintDays: number("complaint_days"),
		UnansweredDays: number("unanswered_days"), PurposeCaps: map[string]consent.Cap{}}
	for i := range min(phasesIn(form), 20) {
		n := "." + strconv.Itoa(i)
		if strings.TrimSpace(form.Get("phase_name"+n)+form.Get("phase_from"+n)+form.Get("phase_messages"+n)+form.Get("phase_days"+n)) == "" {
			continue
		}
		r.Phases = append(r.Phases, consent.Phase{Name: strings.TrimSpace(form.Get("phase_name" + n)), FromDay: number("phase_from" + n),
			Messages: number("phase_messages" + n), Days: number("phase_days" + n)})
	}
	for line := range strings.Lines(form.Get("holidays")) {
		if line = strings.TrimSpace(line); line != "" {
			date, name, _ := strings.Cut(line, " ")
			r.Holidays = append(r.Holidays, consent.Holiday{Date: date, Name: strings.TrimSpace(name)})
		}
	}
	for field := range form {
		name, ok := strings.CutPrefix(field, "cap_messages.")
		if !ok || strings.TrimSpace(form.Get(field)) == "" { // no number: no bound
			continue
		}
		r.PurposeCaps[name] = consent.Cap{Messages: number(field), Days: number("cap_days." + name)}
	}
	slices.SortStableFunc(r.Holidays, func(a, b consent.Holiday) int { return strings.Compare(a.Date, b.Date) })
	return r, r.Check()
}

func (s *Server) saveRules(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	keyPhases(v.Words, r.PostForm)
	f := Form{Values: r.PostForm}
	rules, err := rulesOf(r.PostForm)
	if err == nil {
		err = s.DB.Write(r.Context(), func(tx *db.Tx) error { return s.Consent.SaveRules(tx, v.Viewer, rules) })
	}
	if f.Take(err) {
		return s.rulesPage(w, v, f)
	}
	if err != nil {
		return err
	}
	return s.done(w, v, "/admin/contact-rules", "done.saved")
}

// previewRules draws the calendar for what is typed in the form at this moment.
func (s *Server) previewRules(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	var rules consent.Rules
	err := s.DB.Read(r.Context(), func(tx *db.Tx) (err error) {
		rules, err = s.Consent.Rules(tx)
		return err
	})
	if err != nil {
		return err
	}
	wrong := false
	if r.PostForm.Has("quiet_from") {
		keyPhases(v.Words, r.PostForm)
		typed, err := rulesOf(r.PostForm)
		if wrong = err != nil; !wrong {
			rules = typed
		}
	}
	p := s.preview(v, rules, sampleOf(r.PostForm))
	p.Wrong = wrong
	return s.render(w, v, view{Page: "admin_rules", Block: "rules-preview", Data: p})
}

// sample is the customer of the preview.
type sample struct {
	since, heard string
	same         bool // every message is of one kind
}

func sampleOf(form url.Values) sample {
	s := sample{since: form.Get("sample_since"), heard: form.Get("sample_heard"), same: form.Get("sample_kind") == "same"}
	if !slices.Contains(sampleSince, s.since) {
		s.since = sampleSince[0]
	}
	if !slices.Contains(sampleHeard, s.heard) {
		s.heard = sampleHeard[0]
	}
	return s
}

var (
	sampleSince = []string{"today", "week", "quarter"}
	sampleHeard = []string{"today", "month", "never"}
)

func (s sample) scene(rules consent.Rules, now time.Time, zone *time.Location) consent.Scene {
	back := map[string]int{"today": 0, "week": 7, "month": 30, "quarter": 91}
	x := consent.Scene{Rules: rules, Now: now, Zone: zone, Since: now.AddDate(0, 0, -back[s.since])}
	if s.heard != "never" {
		x.Heard = now.AddDate(0, 0, -back[s.heard])
	}
	for i := range sampleMessages {
		w := consent.Wish{Message: "sample" + strconv.Itoa(100+i), Purpose: consent.Marketing, Asked: now.Add(time.Duration(i) * time.Second),
			Expires: now.AddDate(0, 0, sampleDays)}
		if s.same {
			w.Kind = "same"
		}
		x.Wishes = append(x.Wishes, w)
	}
	return x
}

const (
	sampleDays     = 60
	sampleMessages = 40
)
