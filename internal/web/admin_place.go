package web

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// group is the whole store group, read once per page.
type group struct {
	stores    []staff.Store
	brands    []staff.Brand
	directory staff.Directory
	answering []staff.Colleague // at the counter whose page it is
}

func loadGroup(tx *db.Tx) (g group, err error) {
	if g.stores, err = staff.ListStores(tx); err != nil {
		return g, err
	}
	if g.brands, err = staff.ListBrands(tx); err != nil {
		return g, err
	}
	g.directory, err = staff.LoadDirectory(tx)
	return g, err
}

// place is a store, a brand or a counter as its pages show it.
type place struct {
	id, name, text string
	values         url.Values // what its form starts with
	closed         time.Time
}

// placeKind is what differs between stores, brands and counters. Its sentences
// are below "admin.place*.<key>".
type placeKind struct {
	key, path, icon string
	places          func(group, *Visit) []place
	fields          func(g group, v *Visit, f Form, id string) []Field // id empty: of a new one
	save            func(tx *db.Tx, v staff.Viewer, id string, form url.Values) error
	close, reopen   func(tx *db.Tx, v staff.Viewer, id string) error
}

var placeKinds = [...]placeKind{stores, brands, counters}

var stores = placeKind{
	key: "store", path: "/admin/stores", icon: "store",
	places: func(g group, v *Visit) (out []place) {
		for _, s := range g.stores {
			out = append(out, place{id: s.ID, name: s.Name, closed: s.ClosedAt,
				text:   countersAt(v, g, func(c staff.DirectoryCounter) bool { return c.StoreID == s.ID }) + " · " + zoneName(s.Timezone, v.Now),
				values: url.Values{"name": {s.Name}, "timezone": {s.Timezone}}})
		}
		return out
	},
	fields: func(_ group, v *Visit, f Form, _ string) []Field {
		return []Field{
			f.Field("name", v.T("admin.name")).Required().Limit(80),
			f.Select("timezone", v.T("admin.timezone"), zones(f.Values.Get("timezone"), v.Now)).Required().Or("Asia/Taipei").Hint(v.T("admin.timezone_hint")),
		}
	},
	save: func(tx *db.Tx, v staff.Viewer, id string, form url.Values) error {
		_, err := staff.SaveStore(tx, v, staff.StoreForm{ID: id, Name: form.Get("name"), Timezone: form.Get("timezone")})
		return err
	},
	close: staff.CloseStore, reopen: staff.ReopenStore,
}

var brands = placeKind{
	key: "brand", path: "/admin/brands", icon: "brand",
	places: func(g group, v *Visit) (out []place) {
		for _, b := range g.brands {
			out = append(out, place{id: b.ID, name: b.Name, closed: b.ClosedAt,
				text:   countersAt(v, g, func(c staff.DirectoryCounter) bool { return c.BrandID == b.ID }),
				values: url.Values{"name": {b.Name}}})
		}
		return out
	},
	fields: func(_ group, v *Visit, f Form, _ string) []Field {
		return []Field{f.Field("name", v.T("admin.name")).Required().Limit(80)}
	},
	save: func(tx *db.Tx, v staff.Viewer, id string, form url.Values) error {
		_, err := staff.SaveBrand(tx, v, staff.BrandForm{ID: id, Name: form.Get("name")})
		return err
	},
	close: staff.CloseBrand, reopen: staff.ReopenBrand,
}

var counters = placeKind{
	key: "counter", path: "/admin/counters", icon: "place",
	places: func(g group, _ *Visit) (out []place) {
		for _, c := range g.directory.Counters {
			p := place{id: c.ID, name: c.Name, text: c.Store + " · " + c.Brand, values: url.Values{"name": {c.Name}, "store": {c.StoreID}, "brand": {c.BrandID}, "stand_in": {c.StandIn}}}
			if c.Closed {
				p.closed = time.Unix(1, 0) // the directory does not say when
			}
			out = append(out, p)
		}
		return out
	},
	fields: func(g group, v *Visit, f Form, id string) []Field {
		name := f.Field("name", v.T("admin.name")).Limit(80).Hint(v.T("admin.counter_name_hint"))
		if id != "" {
			whole := []Option{{"", v.T("admin.counter.stand_in_all")}}
			for _, c := range g.answering {
				whole = append(whole, Option{c.ID, c.Name})
			}
			return []Field{name, f.Select("stand_in", v.T("admin.counter.stand_in"), whole).Hint(v.T("admin.counter.stand_in_hint"))}
		}
		var inStores, ofBrands []Option
		for _, s := range g.stores {
			if s.ClosedAt.IsZero() {
				inStores = append(inStores, Option{s.ID, s.Name})
			}
		}
		for _, b := range g.brands {
			if b.ClosedAt.IsZero() {
				ofBrands = append(ofBrands, Option{b.ID, b.Name})
			}
		}
		return []Field{
			f.Select("store", v.T("admin.store"), inStores).Required(),
			f.Select("brand", v.T("admin.brand"), ofBrands).Required().Hint(v.T("admin.counter_place_hint")),
			name,
		}
	},
	save: func(tx *db.Tx, v staff.Viewer, id string, form url.Values) error {
		f := staff.CounterForm{ID: id, Name: form.Get("name"), StoreID: form.Get("store"), BrandID: form.Get("brand")}
		if id != "" && form.Has("stand_in") {
			f.StandIn = new(form.Get("stand_in"))
		}
		_, err := staff.SaveCounter(tx, v, f)
		return err
	},
	close: staff.CloseCounter, reopen: staff.ReopenCounter,
}

// countersAt says how many open counters there are.
func countersAt(v *Visit, g group, here func(staff.DirectoryCounter) bool) string {
	n := 0
	for _, c := range g.directory.Open() {
		if here(c) {
			n++
		}
	}
	return v.T("admin.counters.count", "n", n)
}

// zoneList are the zones of the markets, from east to west. Another one can be set
// from the command line; it is then offered as well.
var zoneList = []string{"Asia/Tokyo", "Asia/Seoul", "Asia/Taipei", "Asia/Hong_Kong", "Asia/Macau", "Asia/Shanghai", "Asia/Manila",
	"Asia/Singapore", "Asia/Kuala_Lumpur", "Asia/Jakarta", "Asia/Makassar", "Asia/Bangkok", "Asia/Ho_Chi_Minh", "Asia/Dubai", "Asia/Riyadh",
	"Europe/Istanbul", "Europe/Paris", "Europe/London", "America/New_York", "America/Los_Angeles", "Australia/Sydney"}

func zones(current string, now time.Time) []Option {
	names := zoneList
	if current != "" && !slices.Contains(names, current) {
		names = append([]string{current}, names...)
	}
	options := make([]Option, len(names))
	for i, name := range names {
		options[i] = Option{name, zoneName(name, now)}
	}
	return options
}

// zoneName says a time zone with its distance from UTC: "Asia/Taipei (UTC+8)".
func zoneName(name string, now time.Time) string {
	zone, err := time.LoadLocation(name)
	if err != nil {
		return name
	}
	_, seconds := now.In(zone).Zone()
	sign := '+'
	if seconds < 0 {
		sign, seconds = '-', -seconds
	}
	text := fmt.Sprintf("%s (UTC%c%d", name, sign, seconds/3600)
	if minutes := seconds / 60 % 60; minutes > 0 {
		text += fmt.Sprintf(":%02d", minutes)
	}
	return text + ")"
}

func (s *Server) listPlaces(k placeKind) handler {
	return func(w http.ResponseWriter, r *http.Request, v *Visit) error {
		var g group
		err := s.DB.Read(r.Context(), func(tx *db.Tx) (err error) {
			g, err = loadGroup(tx)
			return err
		})
		if err != nil {
			return err
		}
		title := v.T("admin.places." + k.key)
		data := adminListPage{Frame: s.frame(v, "admin", title), Top: AdminTop{Up: adminUp(v), Title: title, Text: v.T("admin.place_about." + k.key)}}
		open, shut := adminGroup{}, adminGroup{Title: v.T("admin.closed_title")}
		for _, p := range k.places(g, v) {
			row := adminRow{Path: k.path + "/" + p.id, Icon: k.icon, Name: p.name, Text: p.text}
			if p.closed.IsZero() {
				open.Rows = append(open.Rows, row)
				continue
			}
			row.Closed = true
			shut.Rows = append(shut.Rows, row)
		}
		for _, part := range []adminGroup{open, shut} {
			if len(part.Rows) > 0 {
				data.Groups = append(data.Groups, part)
			}
		}
		add := Step{k.path + "/new", v.T("admin.place_add." + k.key)}
		if k.key == counters.key { // a counter stands in a store, under a brand
			add = cmp.Or(g.missing(v), add)
		}
		data.Nothing = Empty{Icon: k.icon, Title: v.T("admin.place_none." + k.key), Text: v.T("admin.place_why." + k.key)}.Action(add.Path, add.Text)
		if len(data.Groups) > 0 {
			data.Top.Do = add
		}
		return s.render(w, v, view{Page: "admin_list", Data: data})
	}
}

// missing is what must be there before a counter can be; the zero Step when all is.
func (g group) missing(v *Visit) Step {
	if !slices.ContainsFunc(g.stores, func(s staff.Store) bool { return s.ClosedAt.IsZero() }) {
		return Step{stores.path + "/new", v.T("admin.place_add.store")}
	}
	if !slices.ContainsFunc(g.brands, func(b staff.Brand) bool { return b.ClosedAt.IsZero() }) {
		return Step{brands.path + "/new", v.T("admin.place_add.brand")}
	}
	return Step{}
}

// adminUp leads from a list back to the overview.
func adminUp(v *Visit) Step { return Step{"/admin", v.T("nav.admin")} }

// adminPlacePage is the page of one store, brand or counter.
type adminPlacePage struct {
	Frame
	Top    AdminTop
	Form   Form
	Fields []Field
	Action string
	Closed bool
	Note   string // beside the button that closes or reopens
	Close  Confirm
	Reopen Step // empty: it cannot be closed or is not
}

func (s *Server) showPlace(k placeKind) handler {
	return func(w http.ResponseWriter, _ *http.Request, v *Visit) error { return s.placePage(w, v, k, Form{}) }
}

// placePage shows the form of the place that the path names, or of a new one.
func (s *Server) placePage(w http.ResponseWriter, v *Visit, k placeKind, f Form) error {
	id := v.request.PathValue(k.key)
	var g group
	err := s.DB.Read(v.request.Context(), func(tx *db.Tx) (err error) {
		if g, err = loadGroup(tx); err != nil || k.key != counters.key || id == "" {
			return err
		}
		g.answering, err = staff.Colleagues(tx, id)
		return err
	})
	if err != nil {
		return err
	}
	data := adminPlacePage{Form: f, Action: k.path,
		Top: AdminTop{Up: Step{k.path, v.T("admin.places." + k.key)}, Title: v.T("admin.place_add." + k.key)}}
	if id != "" {
		all := k.places(g, v)
		i := slices.IndexFunc(all, func(p place) bool { return p.id == id })
		if i < 0 {
			return db.ErrNotFound
		}
		p := all[i]
		if f.Values == nil {
			f.Values = p.values
		}
		data.Action += "/" + id
		data.Top.Title, data.Top.Text, data.Closed = p.name, p.text, !p.closed.IsZero()
		data.Note = v.T("admin.place_close_note." + k.key)
		data.Close = Confirm{ID: "close", Path: data.Action + "/close", Button: v.T("admin.place_close." + k.key),
			Title: v.T("admin.close_title", "name", p.name), Text: data.Note, Go: v.T("admin.close")}
		if data.Closed {
			data.Note = v.T("admin.place_reopen_note." + k.key)
			data.Reopen = Step{data.Action + "/reopen", v.T("admin.reopen")}
		}
	}
	data.Frame = s.frame(v, "admin", data.Top.Title)
	data.Path = cmp.Or(data.Action, k.path)
	data.Fields = k.fields(g, v, f, id)
	data.Fields[0].Focus = id == "" // on an existing one, a phone would open its keyboard over the page
	if missing := g.missing(v); k.key == counters.key && id == "" && missing != (Step{}) {
		return s.done(w, v, missing.Path, "")
	}
	return s.render(w, v, view{Page: "admin_place", Status: f.status(), Data: data})
}

func (s *Server) savePlace(k placeKind) handler {
	return func(w http.ResponseWriter, r *http.Request, v *Visit) error {
		if err := r.ParseForm(); err != nil {
			return malformed(err)
		}
		f := Form{Values: r.PostForm}
		err := s.DB.Write(r.Context(), func(tx *db.Tx) error { return k.save(tx, v.Viewer, r.PathValue(k.key), r.PostForm) })
		if f.Take(err) {
			return s.placePage(w, v, k, f)
		}
		if err != nil {
			return err
		}
		return s.done(w, v, k.path, "done.saved")
	}
}

// closePlace and reopenPlace show the page again, with the reason, when it cannot be.
func (s *Server) closePlace(k placeKind) handler  { return s.turnPlace(k, k.close, "done.closed") }
func (s *Server) reopenPlace(k placeKind) handler { return s.turnPlace(k, k.reopen, "done.reopened") }

func (s *Server) turnPlace(k placeKind, turn func(*db.Tx, staff.Viewer, string) error, done string) handler {
	return func(w http.ResponseWriter, r *http.Request, v *Visit) error {
		id := r.PathValue(k.key)
		var f Form
		err := s.DB.Write(r.Context(), func(tx *db.Tx) error { return turn(tx, v.Viewer, id) })
		if f.takeWhole(v, err) {
			return s.placePage(w, v, k, f)
		}
		if err != nil {
			return err
		}
		return s.done(w, v, k.path+"/"+id, done)
	}
}
