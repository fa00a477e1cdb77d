package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"dingdong/internal/db"
	"dingdong/internal/privacy"
	"dingdong/internal/staff"
)

// adminKeepingPage is how long what is kept, what would go now, and what went.
type adminKeepingPage struct {
	Frame
	Top    AdminTop
	Form   Form
	Clocks []Field
	Kinds  []keepingRow
	People []Field
	Silent string // how many the rule of silence concerns now
	Runs   []string
}

type keepingRow struct {
	Field Field
	Would string // what would go of it now
}

func (s *Server) showKeeping(w http.ResponseWriter, _ *http.Request, v *Visit) error {
	return s.keepingPage(w, v, Form{})
}

func (s *Server) keepingPage(w http.ResponseWriter, v *Visit, f Form) error {
	title := v.T("privacy.keeping")
	data := adminKeepingPage{Top: AdminTop{Up: Step{"/admin/privacy", v.T("privacy.title")}, Title: title, Text: v.T("privacy.keeping_about")}}
	var rules privacy.Rules
	var runs []privacy.Run
	ctx := v.request.Context()
	err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		if rules, err = privacy.ReadRules(tx); err != nil {
			return err
		}
		runs, err = privacy.Runs(tx, v.Viewer, 5)
		return err
	})
	if err != nil {
		return err
	}
	would, err := s.Privacy.DryRun(ctx, v.Viewer)
	if err != nil {
		return err
	}
	if f.Values == nil {
		f.Values = keepingValues(rules)
	}
	data.Form = f
	number := func(name string) Field {
		x := f.Field(name, v.T("privacy.rule."+name)).Required()
		x.Type = "number"
		return x
	}
	for _, name := range []string{"export_days", "erase_days", "correct_days", "file_days"} {
		data.Clocks = append(data.Clocks, number(name))
	}
	clock := s.clock(v, "")
	for _, x := range would {
		row := keepingRow{Field: number(string(x.Kind)), Would: v.T("privacy.would_none")}
		switch {
		case x.Days == 0:
			row.Would = v.T("privacy.would_ever")
		case x.Count > 0:
			row.Would = v.T("privacy.would", "n", x.Count, "date", clock.Date(x.Oldest))
		}
		data.Kinds = append(data.Kinds, row)
	}
	for _, name := range []string{"silent_months", "answer_weeks"} {
		data.People = append(data.People, number(name))
	}
	data.Silent = v.T("privacy.silent_off")
	if rules.SilentMonths > 0 {
		n, err := s.Privacy.CountSilent(ctx, s.DB.Now().AddDate(0, -rules.SilentMonths, 0))
		if err != nil {
			return err
		}
		data.Silent = v.T("privacy.silent", "n", n)
	}
	for _, run := range runs {
		sum := 0
		for _, n := range run.Counts {
			sum += n
		}
		data.Runs = append(data.Runs, joined(clock.Moment(run.At), v.T("privacy.run", "n", sum)))
	}
	data.Frame = s.frame(v, "admin", title)
	data.Path = "/admin/privacy/keeping"
	return s.render(w, v, view{Page: "admin_keeping", Status: f.status(), Data: data})
}

func keepingValues(rules privacy.Rules) url.Values {
	out := url.Values{}
	for name, n := range map[string]int{"export_days": rules.ExportDays, "erase_days": rules.EraseDays, "correct_days": rules.CorrectDays,
		"file_days": rules.FileDays, "silent_months": rules.SilentMonths, "answer_weeks": rules.AnswerWeeks} {
		out.Set(name, strconv.Itoa(n))
	}
	for kind, n := range rules.Keep {
		out.Set(string(kind), strconv.Itoa(n))
	}
	return out
}

func (s *Server) saveKeeping(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if !v.May(staff.KeepPrivacy) {
		return staff.ErrForbidden
	}
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	f := Form{Values: r.PostForm}
	rules := privacy.Rules{Keep: map[privacy.Kind]int{}}
	read := func(name string) int {
		n, err := strconv.Atoi(strings.TrimSpace(f.Values.Get(name)))
		if err != nil || n < 0 {
			f.Refuse(name, "number")
		}
		return n
	}
	rules.ExportDays, rules.EraseDays, rules.CorrectDays, rules.FileDays = read("export_days"), read("erase_days"), read("correct_days"), read("file_days")
	rules.SilentMonths, rules.AnswerWeeks = read("silent_months"), read("answer_weeks")
	for _, kind := range privacy.Kinds() {
		rules.Keep[kind] = read(string(kind))
	}
	if f.Failed() {
		return s.keepingPage(w, v, f)
	}
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error { return privacy.SaveRules(tx, v.Viewer, rules) })
	if f.Take(err) {
		return s.keepingPage(w, v, f)
	}
	if err != nil {
		return err
	}
	return s.done(w, v, "/admin/privacy/keeping", "done.saved")
}
