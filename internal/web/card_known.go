package web

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// cardKnown is what is known of her, in groups.
type cardKnown struct {
	ThreadID string
	Chat     bool
	Groups   []knownGroup
	Missing  []knownRow // to fill in
}

type knownGroup struct {
	Title string
	Rows  []knownRow
}

// knownRow is an attribute with what counts now.
type knownRow struct {
	ThreadID    string
	Name, Label string
	Values      []string
	More        int    // values that only the open row shows
	From        string // the newest of them
	Chips       bool   // several values
}

// knownShown is how many values of an attribute a closed row shows.
const knownShown = 8

// knownGroups are the attributes of the first day by what they are about; the
// group's own follow.
var knownGroups = []struct {
	title string
	names []string
}{
	{"self", []string{"address_as", customer.AttributeBirthday, "languages", "member_level"}},
	{"skin", []string{"skin_type", "sensitive", "undertone", "concerns", "allergies"}},
	{"uses", []string{"shades_owned", "shades_tried", "scents", "sizes"}},
}

func groupOf(name string) string {
	for _, g := range knownGroups {
		if slices.Contains(g.names, name) {
			return g.title
		}
	}
	return "more"
}

func (c *cardAt) knownPart() (cardKnown, error) {
	k := cardKnown{ThreadID: c.t.ID, Chat: c.chats()}
	attributes, err := c.known()
	if err != nil {
		return k, err
	}
	byName := map[string][]customer.Attribute{}
	for _, a := range attributes {
		byName[a.Def.Name] = append(byName[a.Def.Name], a)
	}
	defs, err := c.Desk.Book.AttributeDefs(c.tx)
	if err != nil {
		return k, err
	}
	groups := map[string]*knownGroup{}
	for _, d := range defs {
		if d.Closed || !c.sight.Brand(d.BrandID) {
			continue
		}
		hers := byName[d.Name]
		if len(hers) == 0 {
			if k.Chat {
				k.Missing = append(k.Missing, knownRow{ThreadID: c.t.ID, Name: d.Name, Label: c.attributeLabel(d)})
			}
			continue
		}
		title := groupOf(d.Name)
		if groups[title] == nil {
			groups[title] = &knownGroup{Title: title}
		}
		groups[title].Rows = append(groups[title].Rows, c.knownRow(d, hers))
	}
	for _, title := range []string{"self", "skin", "uses", "more"} {
		if g := groups[title]; g != nil {
			k.Groups = append(k.Groups, *g)
		}
	}
	return k, nil
}

// knownRow draws an attribute; the newest values come first.
func (c *cardAt) knownRow(d customer.AttributeDef, hers []customer.Attribute) knownRow {
	slices.SortStableFunc(hers, func(a, b customer.Attribute) int { return b.At.Compare(a.At) })
	row := knownRow{ThreadID: c.t.ID, Name: d.Name, Label: c.attributeLabel(d), From: c.from(hers[0].Proof), Chips: d.Type == customer.TypeMany}
	for _, a := range hers[:min(len(hers), knownShown)] {
		row.Values = append(row.Values, c.valueLabel(d, a.Value))
	}
	row.More = len(hers) - len(row.Values)
	return row
}

// knownEdit is an attribute that she changes.
type knownEdit struct {
	ThreadID    string
	Name, Label string
	Type        customer.Type
	Chat        bool
	Values      []knownValue
	Options     []knownOption // what can be chosen with one tap
	Free        bool          // something else can be typed
	Value       string        // what stands in the field
	Year        string        // of a birthday
	Month, Day  string
	Months      []Option
	Days        []Option
	History     []knownValue
	Error       string // code below "invalid."
	Max         int
}

// knownValue is one value with its proof.
type knownValue struct {
	ID    string
	Label string
	From  string
	Words string
	Rule  ruleText
	Gone  string // how it ended; empty: it stands
}

// knownOption is a choice.
type knownOption struct {
	Code, Label string
	On          bool
}

// historyShown is how many proofs of an attribute its history shows.
const historyShown = 30

// showKnown opens one attribute: its values with their proofs, a way to change it, its
// history.
func (s *Server) showKnown(w http.ResponseWriter, r *http.Request, v *Visit) error {
	return s.drawKnown(w, r, v, Form{})
}

func (s *Server) drawKnown(w http.ResponseWriter, r *http.Request, v *Visit, form Form) error {
	var edit knownEdit
	err := s.DB.Glance(r.Context(), func(tx *db.Tx) error {
		c, err := s.cardAt(tx, v, r.PathValue("thread"))
		if err != nil {
			return err
		}
		c.form = form
		edit, err = c.knownEdit(r.PathValue("name"))
		return err
	})
	if err != nil {
		return err
	}
	x := view{Page: "inbox", Block: "card-known-edit", Data: edit}
	if form.Failed() {
		x.Status = http.StatusUnprocessableEntity
		w.Header().Set("HX-Retarget", "#edit-"+edit.Name)
		w.Header().Set("HX-Reswap", "outerHTML")
	}
	return s.render(w, v, x)
}

// saveKnown enters a value. The form stays where it is when the value is refused.
func (s *Server) saveKnown(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error {
		c, err := s.cardAt(tx, v, r.PathValue("thread"))
		if err != nil {
			return err
		}
		return c.learn(r.PathValue("name"), r.PostForm)
	})
	var form Form
	if form.Take(err) {
		form.Values = r.PostForm
		return s.drawKnown(w, r, v, form)
	}
	if err != nil {
		return err
	}
	return s.drawPart(w, r, v, sheet{threadID: r.PathValue("thread"), part: "known"})
}

func (c *cardAt) learn(name string, form url.Values) error {
	value := form.Get("value")
	if form.Has("day") { // a birthday in three fields
		value = strings.TrimSpace(form.Get("month")) + "-" + strings.TrimSpace(form.Get("day"))
		if value == "-" {
			value = ""
		}
		if year := strings.TrimSpace(form.Get("year")); year != "" {
			value = year + "-" + value
		}
	}
	_, err := c.Desk.Book.LearnByHand(c.tx, c.v.Viewer, customer.ByHand{CustomerID: c.t.CustomerID, CounterID: c.t.CounterID, Name: name, Value: value})
	return err
}

// forget undoes a value with one tap.
func forget(c *cardAt, _ url.Values, row string) error {
	if err := c.hers(row); err != nil {
		return err
	}
	return c.Desk.Book.Forget(c.tx, c.v.Viewer, row)
}

func (c *cardAt) def(name string) (customer.AttributeDef, error) {
	defs, err := c.Desk.Book.AttributeDefs(c.tx)
	if err != nil {
		return customer.AttributeDef{}, err
	}
	for _, d := range defs {
		if d.Name == name && !d.Closed && c.sight.Brand(d.BrandID) {
			return d, nil
		}
	}
	return customer.AttributeDef{}, db.ErrNotFound
}

func (c *cardAt) knownEdit(name string) (knownEdit, error) {
	d, err := c.def(name)
	if err != nil {
		return knownEdit{}, err
	}
	e := knownEdit{ThreadID: c.t.ID, Name: d.Name, Label: c.attributeLabel(d), Type: d.Type, Chat: c.chats(), Max: customer.MaxValue}
	all, err := c.known()
	if err != nil {
		return e, err
	}
	has := map[string]bool{}
	for _, a := range all {
		if a.Def.ID == d.ID {
			has[a.Value] = true
			e.Values = append(e.Values, c.knownValue(a))
			e.Value = a.Value
		}
	}
	e.Options, e.Free = c.options(d, has)
	if d.Type == customer.TypeMany {
		e.Value = "" // the field adds another one
		e.Options = slices.DeleteFunc(e.Options, func(o knownOption) bool { return o.On })
	}
	if d.Type == customer.TypeBirthday {
		e.birthday(c)
	}
	if c.form.Failed() {
		e.Value, e.Year, e.Month, e.Day = c.form.Values.Get("value"), c.form.Values.Get("year"), c.form.Values.Get("month"), c.form.Values.Get("day")
		for _, code := range c.form.Errors {
			e.Error = code
		}
		if !c.v.Words.Has("invalid." + e.Error) {
			e.Error = "unknown"
		}
	}
	history, err := c.Desk.Book.AttributeHistory(c.tx, c.sight, customer.Page{Records: c.records, Limit: historyShown}, d.ID)
	for _, a := range history {
		e.History = append(e.History, c.knownValue(a))
	}
	return e, err
}

func (c *cardAt) knownValue(a customer.Attribute) knownValue {
	v := knownValue{ID: a.ID, Label: c.valueLabel(a.Def, a.Value), From: c.from(a.Proof), Words: a.Proof.Cause, Rule: c.rule(a.Proof.Rule)}
	if !a.EndedAt.IsZero() && a.EndedBy != customer.Renewed {
		v.Gone = c.v.T("card.known.undone", "name", cmp.Or(c.name(c.near(a.EndedBy)), c.v.T("card.somebody")), "when", c.clock.Ago(a.EndedAt))
	}
	return v
}

// options are what can be chosen for an attribute, and whether more can be typed.
func (c *cardAt) options(d customer.AttributeDef, has map[string]bool) (list []knownOption, free bool) {
	for _, choice := range d.Choices {
		list = append(list, knownOption{Code: choice.Code, Label: c.valueLabel(d, choice.Code), On: has[choice.Code]})
	}
	switch d.Type {
	case customer.TypeYes:
		for _, code := range []string{"yes", "no"} {
			list = append(list, knownOption{Code: code, Label: c.v.T("card." + code), On: has[code]})
		}
		return list, false
	case customer.TypeChoice:
		return list, len(d.Choices) == 0
	case customer.TypeMany:
		if len(d.Choices) > 0 {
			return list, false
		}
	default:
		return nil, true
	}
	codes := []string{}
	if d.Name == "languages" {
		codes = staff.SpokenLanguages()
	}
	for _, kind := range customer.Facets() {
		if kind.Name == facetsOf[d.Name] {
			codes = kind.Values
		}
	}
	for _, code := range codes {
		list = append(list, knownOption{Code: code, Label: c.valueLabel(d, code), On: has[code]})
	}
	return list, true
}

// birthday puts a birthday into three fields, the year of which may stay empty.
func (e *knownEdit) birthday(c *cardAt) {
	value := e.Value
	if len(value) == len("2006-01-02") {
		e.Year, value = value[:4], value[5:]
	}
	e.Month, e.Day, _ = strings.Cut(value, "-")
	for m := 1; m <= 12; m++ {
		e.Months = append(e.Months, Option{two(m), c.v.T("when.month." + plainNumber(m))})
	}
	for d := 1; d <= 31; d++ {
		e.Days = append(e.Days, Option{two(d), plainNumber(d)})
	}
}
