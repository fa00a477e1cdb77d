package web

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"

	"dingdong/internal/channel"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// accountKinds are the channels an account can be added for.
var accountKinds = []channel.Kind{channel.LINE, channel.WebChat}

// quotaLine is how much of a month's messages is used, for the part "quota".
type quotaLine struct {
	Shown      bool // there is a limit to show a bar for
	Value, Max int
	Level      string // fine, low or gone
	Text       string
}

func quotaOf(v *Visit, a conversation.Account) quotaLine {
	q := quotaLine{Value: min(a.Quota.Used, a.Quota.Limit), Max: a.Quota.Limit, Shown: a.Quota.Limited, Level: "fine"}
	switch {
	case a.Kind == channel.WebChat: // our own: nothing to count
		return quotaLine{}
	case a.QuotaAt.IsZero():
		return quotaLine{Text: v.T("admin.quota.never")}
	case !a.Quota.Limited:
		q.Text = v.T("admin.quota.unlimited", "used", shownNumber(a.Quota.Used))
		return q
	case a.Quota.Used >= a.Quota.Limit:
		q.Level = "gone"
	case a.QuotaLow():
		q.Level = "low"
	}
	q.Text = v.T("admin.quota.used", "used", shownNumber(a.Quota.Used), "limit", shownNumber(a.Quota.Limit))
	return q
}

// unchecked tells that the platform has never told us whose account it is.
func unchecked(a conversation.Account) bool { return a.Kind == channel.LINE && a.BotID == "" }

func (s *Server) listAccounts(w http.ResponseWriter, r *http.Request, v *Visit) error {
	var accounts, closed []conversation.Account
	var directory staff.Directory
	err := s.DB.Read(r.Context(), func(tx *db.Tx) (err error) {
		if directory, err = staff.LoadDirectory(tx); err != nil {
			return err
		}
		if accounts, err = s.Desk.Accounts(tx); err != nil {
			return err
		}
		closed, err = s.Desk.ClosedAccounts(tx)
		return err
	})
	if err != nil {
		return err
	}
	title, add := v.T("admin.accounts"), Step{"/admin/accounts/new", v.T("admin.account.add")}
	data := adminListPage{Frame: s.frame(v, "admin", title), Top: AdminTop{Up: adminUp(v), Title: title, Text: v.T("admin.accounts.about")},
		Nothing: Empty{Icon: "plug", Title: v.T("admin.accounts.none"), Text: v.T("admin.accounts.why")}.Action(add.Path, add.Text)}
	for _, kind := range accountKinds {
		g := adminGroup{Title: v.T("channel.name." + string(kind))}
		for _, a := range accounts {
			if a.Kind != kind {
				continue
			}
			counter, _ := directory.Counter(a.CounterID)
			g.Rows = append(g.Rows, adminRow{Path: "/admin/accounts/" + a.ID, Face: Avatar{ID: a.ID, Name: a.Name, Channel: string(kind)},
				Name: a.Name, Text: strings.Trim(counter.Name+" · "+a.BasicID, " ·"), Quota: quotaOf(v, a), Worry: accountWorry(v, a)})
		}
		if len(g.Rows) > 0 {
			data.Groups = append(data.Groups, g)
		}
	}
	if len(closed) > 0 {
		g := adminGroup{Title: v.T("admin.accounts.closed")}
		for _, a := range closed {
			counter, _ := directory.Counter(a.CounterID)
			g.Rows = append(g.Rows, adminRow{Path: "/admin/accounts/" + a.ID, Face: Avatar{ID: a.ID, Name: a.Name, Channel: string(a.Kind)}, Name: a.Name,
				Text: joined(counter.Name, v.T("admin.account.closed_on", "day", s.clock(v, "").Date(a.ClosedAt))), Closed: true})
		}
		data.Groups = append(data.Groups, g)
	}
	if len(data.Groups) > 0 {
		data.Top.Do = add
	}
	return s.render(w, v, view{Page: "admin_list", Data: data})
}

// adminAccountPage is the page of one account, or of a new one of a chosen kind.
type adminAccountPage struct {
	Frame
	Top      AdminTop
	Form     Form
	Action   string
	Kind     channel.Kind // empty: still to be chosen
	Kinds    []kindChoice
	Counters []Option
	Known    bool
	Halted   string
	Quota    quotaLine
	QuotaAt  string
	Fresh    bool // never checked: the set-up stands open
	Insecure string
	Webhook  Copy
	Embed    Copy
	ChatPage string
	Closed   bool
	Close    Confirm
	Advanced bool // the platform's addresses are not the real ones, or wrong
	Closing  string
	More     Choices // counters it serves beside its own
	LIFFPage Copy

	Overlaps []Option
	OldUntil string // until when the old secret counts, in words
	TryToken bool   // the token was just changed: it is tried at once
}

// kindChoice is a channel to add an account for.
type kindChoice struct {
	Path, Kind, Name, Text string
}

func (s *Server) showAccount(w http.ResponseWriter, _ *http.Request, v *Visit) error {
	return s.accountPage(w, v, Form{})
}

// accountPage shows the account that the path names, or the form of a new one.
func (s *Server) accountPage(w http.ResponseWriter, v *Visit, f Form) error {
	id := v.request.PathValue("account")
	var a conversation.Account
	var directory staff.Directory
	err := s.DB.Read(v.request.Context(), func(tx *db.Tx) (err error) {
		if directory, err = staff.LoadDirectory(tx); err != nil || id == "" {
			return err
		}
		a, err = s.Desk.AccountByID(tx, id)
		return err
	})
	if err != nil {
		return err
	}
	if id == "" && len(directory.Open()) == 0 { // an account comes to a counter
		return s.done(w, v, counters.path, "")
	}
	data := adminAccountPage{Action: "/admin/accounts", Top: AdminTop{Up: Step{"/admin/accounts", v.T("admin.accounts")}, Title: v.T("admin.account.add")}}
	if id == "" {
		chooseKind(v, &data, cmp.Or(f.Values.Get("channel"), v.request.FormValue("channel")))
	} else {
		s.knownAccount(v, &data, a)
		data.Top.Text = directoryName(directory, a.CounterID)
		if f.Values == nil {
			f.Values = url.Values{"name": {a.Name}, "counter": {a.CounterID}, "api_base": {a.APIBase}, "data_base": {a.DataBase},
				"origins": {strings.Join(a.Origins, "\n")}, "greeting": {a.Greeting}, "counters": a.Counters, "offer_choice": {checked(a.OfferChoice)},
				"liff_id": {a.LIFF.ID}, "login_channel": {a.LIFF.LoginChannel}, "liff_sdk": {a.LIFF.SDK}}
		}
	}
	for _, c := range directory.Counters {
		if !c.Closed || c.ID == a.CounterID {
			data.Counters = append(data.Counters, Option{c.ID, c.Store + " · " + c.Name})
		}
	}
	data.Form, data.More = f, moreCounters(v, directory, f)
	data.Advanced = f.Values.Get("api_base")+f.Values.Get("data_base")+f.Errors["api_base"]+f.Errors["data_base"]+
		f.Values.Get("liff_sdk")+f.Errors["liff_sdk"] != ""
	data.Frame = s.frame(v, "admin", data.Top.Title)
	if v.request.Method != http.MethodGet {
		data.Path = data.Action
	}
	return s.render(w, v, view{Page: "admin_account", Status: f.status(), Data: data})
}

// moreCounters offers the open counters, and closed ones that are ticked.
func moreCounters(v *Visit, d staff.Directory, f Form) Choices {
	c := counterChoices(v, group{directory: d}, f)
	c.Label, c.Hint = v.T("admin.account.more_counters"), v.T("admin.account.more_counters_hint")
	return c
}

func checked(on bool) string {
	if on {
		return "on"
	}
	return ""
}

func directoryName(d staff.Directory, counterID string) string {
	c, _ := d.Counter(counterID)
	return c.Name
}

// chooseKind settles the channel of a new account, or offers them all.
func chooseKind(v *Visit, data *adminAccountPage, chosen string) {
	for _, kind := range accountKinds {
		name := v.T("channel.name." + string(kind))
		if chosen == string(kind) {
			data.Kind, data.Top.Title = kind, v.T("admin.account.add_kind", "channel", name)
			data.Top.Up = Step{"/admin/accounts/new", v.T("admin.account.add")}
		}
		data.Kinds = append(data.Kinds, kindChoice{Path: "/admin/accounts/new?channel=" + string(kind), Kind: string(kind),
			Name: name, Text: v.T("admin.account.kind." + string(kind))})
	}
}

// knownAccount adds how an account stands and what must be set up for it.
func (s *Server) knownAccount(v *Visit, data *adminAccountPage, a conversation.Account) {
	data.Action += "/" + a.ID
	data.Known, data.Kind, data.Fresh = true, a.Kind, unchecked(a)
	data.Top.Title, data.Closed = a.Name, !a.ClosedAt.IsZero()
	if a.Halted != "" && v.Now.Before(a.HaltedTill) {
		data.Halted = haltedText(v, a.Halted)
	}
	data.Quota = quotaOf(v, a)
	if !a.QuotaAt.IsZero() {
		data.QuotaAt = v.T("admin.quota.asked", "when", s.clock(v, "").Ago(a.QuotaAt))
	}
	public := s.publicURL()
	if !s.secure {
		data.Insecure = public
	}
	data.Overlaps = overlapOptions(v)
	if !a.OldSecretUntil.IsZero() {
		data.OldUntil = v.T("admin.account.old_until", "when", s.clock(v, "").Moment(a.OldSecretUntil))
	}
	data.TryToken = v.request.Method == http.MethodGet && v.request.URL.Query().Get("token") == "new"
	if a.Kind == channel.LINE {
		data.Webhook = Copy{Label: v.T("admin.account.webhook"), Text: public + a.WebhookPath()}
		data.LIFFPage = Copy{Label: v.T("admin.account.liff_page"), Text: public + "/liff/" + a.ID}
	} else {
		data.ChatPage = public + "/chat/" + a.ID
		data.Embed = Copy{Label: v.T("admin.account.embed"), Text: `<script src="` + data.ChatPage + `/widget.js" async></script>`}
	}
	data.Closing = v.T("admin.account.close_text")
	data.Close = Confirm{ID: "close", Path: data.Action + "/close", Button: v.T("admin.account.close"),
		Title: v.T("admin.close_title", "name", a.Name), Text: data.Closing, Go: v.T("admin.account.close_go")}
}

func (s *Server) saveAccount(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	form := r.PostForm
	f := Form{Values: form}
	var a conversation.Account
	reach := conversation.LIFF{ID: form.Get("liff_id"), LoginChannel: form.Get("login_channel"), SDK: form.Get("liff_sdk")}
	overlap, err := overlapFrom(form.Get("overlap"))
	if err == nil {
		err = s.DB.Write(r.Context(), func(tx *db.Tx) (err error) {
			a, err = s.Desk.SaveAccount(tx, v.Viewer, conversation.AccountForm{ID: r.PathValue("account"), Channel: channel.Kind(form.Get("channel")),
				Name: form.Get("name"), CounterID: form.Get("counter"), Secret: form.Get("secret"), Token: form.Get("token"),
				APIBase: form.Get("api_base"), DataBase: form.Get("data_base"), Origins: strings.Fields(form.Get("origins")), Greeting: form.Get("greeting"),
				Counters: new(form["counters"]), OfferChoice: new(form.Get("offer_choice") == "on"), LIFF: &reach, Overlap: overlap})
			return err
		})
	}
	if f.Take(err) {
		form.Del("secret") // what was typed is never sent back
		form.Del("token")
		return s.accountPage(w, v, f)
	}
	if err != nil {
		return err
	}
	path := "/admin/accounts/" + a.ID
	if a.Kind == channel.LINE && r.PathValue("account") != "" && strings.TrimSpace(form.Get("token")) != "" {
		path += "?token=new" // it is in use from now on: the page tries it
	}
	return s.done(w, v, path, "done.saved")
}

// reopenAccount shows the page again, with the reason, when it cannot be.
func (s *Server) reopenAccount(w http.ResponseWriter, r *http.Request, v *Visit) error {
	id := r.PathValue("account")
	var f Form
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error { return s.Desk.ReopenAccount(tx, v.Viewer, id) })
	if f.takeWhole(v, err) {
		return s.accountPage(w, v, f)
	}
	if err != nil {
		return err
	}
	return s.done(w, v, "/admin/accounts/"+id, "done.reopened")
}

func (s *Server) closeAccount(w http.ResponseWriter, r *http.Request, v *Visit) error {
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error { return s.Desk.CloseAccount(tx, v.Viewer, r.PathValue("account")) })
	if err != nil {
		return err
	}
	return s.done(w, v, "/admin/accounts", "done.closed")
}
