package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"dingdong/internal/alarm"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/export"
	"dingdong/internal/job"
	"dingdong/internal/staff"
)

// administers tells whether there is anything for her on the administration's pages.
func (v *Visit) administers() bool {
	return slices.ContainsFunc([]staff.Permission{staff.ManageGroup, staff.ManageReplies, staff.KeepLexicons, staff.KeepCatalogue,
		staff.SeeFailures, staff.SeeAudit, staff.SeeConsent, staff.KeepPrivacy}, v.May)
}

// Step is a way on: a link with its words.
type Step struct {
	Path, Text string
}

// AdminTop is the head of a page of the administration.
type AdminTop struct {
	Up    Step // the page above; empty on the overview
	Title string
	Text  string // one quiet sentence
	Code  Copy   // what programs call what the page is about
	Do    Step   // the page's one action
	Icon  string // of an action that makes nothing new; its button is a quiet one
}

// Confirm is a button that asks before it does what cannot simply be undone.
type Confirm struct {
	ID     string // unique on the page
	Path   string // POST does it
	Button string
	Title  string
	Text   string // what will follow, in words
	Go     string
	Small  bool
}

// Copy is a text to carry away by one tap.
type Copy struct {
	Label string
	Text  string
	Short string // what the head of a page shows of a long one; empty: all of it
}

// adminPage is the overview: a tile for everything that is hers to look after.
type adminPage struct {
	Frame
	Top    AdminTop
	Groups []tileGroup
}

type tileGroup struct {
	Title string
	Tiles []tile
}

// tile is one subject of the administration and how it stands.
type tile struct {
	Path, Icon, Name, Text string
	Warning                string // what needs a look, in words
}

// someFailures is how many failed messages the overview counts before it says "more".
const someFailures = 50

func (s *Server) showAdmin(w http.ResponseWriter, r *http.Request, v *Visit) error {
	data := adminPage{Frame: s.frame(v, "admin", v.T("nav.admin")), Top: AdminTop{Title: v.T("nav.admin"), Text: v.T("admin.intro")}}
	err := s.DB.Read(r.Context(), func(tx *db.Tx) error {
		data.Groups = nil
		for _, part := range []func(*db.Tx, *Visit) (tileGroup, error){s.groupTiles, s.handTiles, s.channelTiles, s.knownTiles, s.lexiconTiles, s.consentTiles, s.catalogueTiles,
			s.programTiles, s.watchTiles} {
			g, err := part(tx, v)
			if err != nil {
				return err
			}
			if len(g.Tiles) > 0 {
				data.Groups = append(data.Groups, g)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.render(w, v, view{Page: "admin", Data: data})
}

// watchTiles are what to keep an eye on: failures and the record.
func (s *Server) watchTiles(tx *db.Tx, v *Visit) (tileGroup, error) {
	g := tileGroup{Title: v.T("admin.group.watch")}
	if v.May(staff.SeeFailures) {
		t := tile{Path: "/admin/failures", Icon: "warning", Name: v.T("nav.failures"), Text: v.T("admin.failures.none")}
		failed, err := s.Desk.Failures(tx, v.Viewer, someFailures+1)
		if err != nil {
			return g, err
		}
		var warnings []string
		switch n := len(failed); {
		case n > someFailures:
			warnings = append(warnings, v.T("admin.failures.more", "n", someFailures))
		case n > 0:
			warnings = append(warnings, v.T("admin.failures.count", "n", n))
		}
		if v.May(staff.ManageGroup) {
			stats, err := job.Stats(tx)
			if err != nil {
				return g, err
			}
			if stats.Dead > 0 {
				warnings = append(warnings, v.T("admin.jobs.count", "n", stats.Dead))
			}
		}
		if t.Warning = strings.Join(warnings, " · "); t.Warning != "" {
			t.Text = ""
		}
		g.Tiles = append(g.Tiles, t)
		if t, err = s.blocksTile(tx, v); err != nil {
			return g, err
		}
		g.Tiles = append(g.Tiles, t)
	}
	if v.May(staff.ManageGroup) {
		t, err := s.keyTile(tx, v)
		if err != nil {
			return g, err
		}
		g.Tiles = append(g.Tiles, t)
	}
	if s.Privacy != nil && v.May(staff.KeepPrivacy) {
		t, err := s.privacyTile(tx, v)
		if err != nil {
			return g, err
		}
		g.Tiles = append(g.Tiles, t)
	}
	if v.May(staff.SeeAudit) {
		open, err := alarm.CountOpen(tx)
		if err != nil {
			return g, err
		}
		t := tile{Path: "/admin/alarms", Icon: "bell", Name: v.T("nav.alarms"), Text: v.T("alarm.tile")}
		if open > 0 {
			t.Text, t.Warning = "", v.T("alarm.count", "n", open)
		}
		g.Tiles = append(g.Tiles, t)
		g.Tiles = append(g.Tiles, tile{Path: "/admin/audit", Icon: "eye", Name: v.T("admin.audit"), Text: v.T("admin.audit.tile")})
	}
	if v.May(staff.AskExports) {
		t := tile{Path: "/admin/exports", Icon: "download", Name: v.T("export.title"), Text: v.T("export.tile")}
		waiting, err := export.CountWaiting(tx, v.Viewer)
		if err != nil {
			return g, err
		}
		if waiting > 0 {
			t.Text, t.Warning = "", v.T("export.waiting", "n", waiting)
		}
		g.Tiles = append(g.Tiles, t)
	}
	return g, nil
}

// groupTiles are the store group itself.
func (s *Server) groupTiles(tx *db.Tx, v *Visit) (tileGroup, error) {
	g := tileGroup{Title: v.T("admin.group.group")}
	if !v.May(staff.ManageGroup) {
		return g, nil
	}
	house, err := loadGroup(tx)
	if err != nil {
		return g, err
	}
	for _, k := range placeKinds {
		open, closed := 0, 0
		for _, p := range k.places(house, v) {
			if p.closed.IsZero() {
				open++
			} else {
				closed++
			}
		}
		t := tile{Path: k.path, Icon: k.icon, Name: v.T("admin.places." + k.key), Text: v.T("admin.open", "n", open)}
		if closed > 0 {
			t.Text += " · " + v.T("admin.closed", "n", closed)
		}
		if open == 0 {
			t.Text, t.Warning = "", v.T("admin.none_yet")
		}
		g.Tiles = append(g.Tiles, t)
	}
	people, err := staff.ListStaff(tx)
	if err != nil {
		return g, err
	}
	working, waiting := 0, 0
	for _, p := range people {
		if p.LeftAt.IsZero() {
			working++
			if !p.HasPassword {
				waiting++
			}
		}
	}
	t := tile{Path: "/admin/staff", Icon: "people", Name: v.T("admin.staff"), Text: v.T("admin.staff.count", "n", working)}
	if waiting > 0 {
		t.Warning = v.T("admin.staff.no_password", "n", waiting)
	}
	g.Tiles = append(g.Tiles, t, tile{Path: "/admin/sign-in", Icon: "lock", Name: v.T("admin.sign_in"), Text: v.T("admin.sign_in.tile")})
	return g, nil
}

// channelTiles are the ways to the customers and what is said there.
func (s *Server) channelTiles(tx *db.Tx, v *Visit) (tileGroup, error) {
	g := tileGroup{Title: v.T("admin.group.channels")}
	if v.May(staff.ManageGroup) {
		accounts, err := s.Desk.Accounts(tx)
		if err != nil {
			return g, err
		}
		t := tile{Path: "/admin/accounts", Icon: "plug", Name: v.T("admin.accounts"), Text: v.T("admin.accounts.count", "n", len(accounts))}
		worried := 0
		for _, a := range accounts {
			if accountWorry(v, a) != "" || a.QuotaLow() {
				worried++
			}
		}
		switch {
		case len(accounts) == 0:
			t.Text, t.Warning = "", v.T("admin.none_yet")
		case worried > 0:
			t.Warning = v.T("admin.accounts.worried", "n", worried)
		}
		g.Tiles = append(g.Tiles, t)
	}
	if v.May(staff.ManageReplies) {
		replies, err := s.Desk.Replies(tx, v.Viewer, "")
		if err != nil {
			return g, err
		}
		cards, err := s.Desk.Cards(tx, v.Viewer)
		if err != nil {
			return g, err
		}
		g.Tiles = append(g.Tiles, tile{Path: "/admin/cards", Icon: "qr", Name: v.T("cards.title"), Text: v.T("cards.count", "n", len(cards))})
		g.Tiles = append(g.Tiles, tile{Path: "/admin/replies", Icon: "template", Name: v.T("admin.replies"), Text: v.T("admin.replies.count", "n", len(replies))})
	}
	return g, nil
}

// programTiles are the doors for programs.
func (s *Server) programTiles(tx *db.Tx, v *Visit) (tileGroup, error) {
	g := tileGroup{Title: v.T("admin.group.programs")}
	if !v.May(staff.ManageGroup) {
		return g, nil
	}
	tokens, err := staff.Tokens(tx)
	if err != nil {
		return g, err
	}
	inForce := 0
	for _, t := range tokens {
		if t.EndedAt.IsZero() {
			inForce++
		}
	}
	g.Tiles = append(g.Tiles, tile{Path: "/admin/tokens", Icon: "key", Name: v.T("admin.tokens"), Text: v.T("admin.tokens.count", "n", inForce)})
	endpoints, err := s.Hooks.List(tx, v.Viewer)
	if err != nil {
		return g, err
	}
	t := tile{Path: "/admin/webhooks", Icon: "hook", Name: v.T("admin.webhooks"), Text: v.T("admin.webhooks.count", "n", len(endpoints))}
	paused := 0
	for _, e := range endpoints {
		if !e.PausedAt.IsZero() {
			paused++
		}
	}
	if paused > 0 {
		t.Warning = v.T("admin.webhooks.paused", "n", paused)
	}
	g.Tiles = append(g.Tiles, t)
	return g, nil
}

// accountWorry is what somebody should look at, in words; what is left of the
// month's messages has a bar of its own.
func accountWorry(v *Visit, a conversation.Account) string {
	switch {
	case a.Halted != "" && v.Now.Before(a.HaltedTill):
		return haltedText(v, a.Halted)
	case unchecked(a):
		return v.T("admin.account.unchecked")
	}
	return ""
}

// haltedText says why sending stands still.
func haltedText(v *Visit, code string) string {
	return v.T("admin.halted." + known(halts, code, "misconfigured"))
}

// shownNumber writes a number in groups of three: "12,345".
func shownNumber(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
