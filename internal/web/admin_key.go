package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"dingdong/internal/db"
	"dingdong/internal/staff"
	"dingdong/internal/vault"
)

// adminKeyPage is how the keys of the installation stand.
type adminKeyPage struct {
	Frame
	Top      AdminTop
	Progress keyProgress
	Commands []Copy
}

// keyProgress is the part of the page that is drawn anew while a rotation goes on.
type keyProgress struct {
	Path      string // empty: nothing is under way
	Say, Tone string
	Work      []keyWork
	Keys      []keyRow
	Nodes     []keyNode
}

// keyWork is how far one kind of sealed thing is.
type keyWork struct {
	Name, Text string
	Value, Max int
	Damaged    string
}

// keyRow is one key by its number.
type keyRow struct {
	Use, Name, State, Tone, Since, Note string
}

// keyNode is one process.
type keyNode struct {
	Name, State, Tone, Seen string
}

var keyTones = map[string]string{"waiting": "amber", "current": "green", "old": "soft", "retired": "soft"}

func (s *Server) showKey(w http.ResponseWriter, r *http.Request, v *Visit) error {
	progress, err := s.keyProgress(v)
	if err != nil {
		return err
	}
	title := v.T("admin.key")
	data := adminKeyPage{Frame: s.frame(v, "admin", title), Top: AdminTop{Up: adminUp(v), Title: title, Text: v.T("admin.key.about")}, Progress: progress}
	for _, c := range []string{"rotate", "status", "retire"} {
		data.Commands = append(data.Commands, Copy{Label: v.T("admin.key.do." + c), Text: "dingdong key " + c})
	}
	return s.render(w, v, view{Page: "admin_key", Data: data})
}

// showKeyProgress draws how far it is; when it is over the page is shown anew.
func (s *Server) showKeyProgress(w http.ResponseWriter, _ *http.Request, v *Visit) error {
	progress, err := s.keyProgress(v)
	if err != nil {
		return err
	}
	if progress.Path == "" {
		w.Header().Set("HX-Refresh", "true")
	}
	return s.render(w, v, view{Page: "admin_key", Block: "key-progress", Data: progress})
}

func (s *Server) keyProgress(v *Visit) (keyProgress, error) {
	var status vault.Status
	if s.Keys != nil {
		err := s.DB.Read(v.request.Context(), func(tx *db.Tx) (err error) {
			status, err = s.Keys.Status(tx)
			return err
		})
		if err != nil {
			return keyProgress{}, err
		}
	}
	clock := s.clock(v, "")
	p := keyProgress{}
	p.Say, p.Tone = keySays(v, status)
	if status.UnderWay() {
		p.Path = "/admin/key/progress"
	}
	for _, w := range status.Work {
		p.Work = append(p.Work, keyWorkLine(v, w))
	}
	for _, k := range status.Keys {
		row := keyRow{Use: v.T("admin.key.use." + known([]string{"seal", "sign"}, k.Use, "seal")), Name: k.Name(), Tone: keyTones[k.State],
			State: v.T("admin.key.state." + known([]string{"waiting", "current", "old", "retired"}, k.State, "old")), Since: clock.Moment(k.Made)}
		for _, t := range []struct {
			state string
			shown string
		}{{"current", clock.Moment(k.Used)}, {"retired", clock.Moment(k.Retired)}} {
			if k.State == t.state {
				row.Since = t.shown
			}
		}
		if k.Use == "sign" && k.State == "old" && k.Lasts.After(v.Now) {
			row.Note = v.T("admin.key.needed_until", "when", clock.Moment(k.Lasts))
		}
		p.Keys = append(p.Keys, row)
	}
	for _, n := range status.Nodes {
		node := keyNode{Name: n.Name, State: v.T("admin.key.node_fine"), Tone: "green", Seen: clock.Moment(n.Seen)}
		switch {
		case n.Lacks:
			node.State, node.Tone = v.T("admin.key.node_lacks"), "amber"
		case n.Keeps:
			node.State, node.Tone = v.T("admin.key.node_keeps"), "amber"
		}
		p.Nodes = append(p.Nodes, node)
	}
	return p, nil
}

// keySays sums up how things stand, and what is to be done.
func keySays(v *Visit, s vault.Status) (say, tone string) {
	behind := s.Behind()
	old := slices.ContainsFunc(s.Keys, func(k vault.Key) bool { return k.Use == "seal" && k.State == "old" })
	switch {
	case s.Waiting() && len(behind) > 0:
		return v.T("admin.key.waits_for", "names", strings.Join(behind, ", ")), "amber"
	case s.Waiting():
		return v.T("admin.key.waits"), "amber"
	case s.UnderWay():
		return v.T("admin.key.under_way"), "amber"
	case len(behind) > 0:
		return v.T("admin.key.behind", "names", strings.Join(behind, ", ")), "amber"
	case slices.ContainsFunc(s.Nodes, func(n vault.Node) bool { return n.Keeps }):
		return v.T("admin.key.kept"), "amber"
	case old:
		return v.T("admin.key.may_retire"), "green"
	}
	return v.T("admin.key.calm"), "green"
}

func keyWorkLine(v *Visit, w vault.Work) keyWork {
	line := keyWork{Name: w.Name, Value: w.Done, Max: max(w.Total, w.Done, 1)}
	if key := "admin.key.work." + strings.ReplaceAll(w.Name, ".", "_"); v.Words.Has(key) {
		line.Name = v.T(key)
	}
	line.Text = v.T("admin.key.done_of", "done", shownNumber(w.Done), "total", shownNumber(max(w.Total, w.Done)))
	if !w.Ended.IsZero() {
		line.Value, line.Text = line.Max, v.T("admin.key.work.done", "done", shownNumber(w.Done))
	}
	if w.Damaged > 0 {
		line.Damaged = v.T("admin.key.damaged", "n", w.Damaged)
	}
	return line
}

// keyTile tells on the overview how the keys of the installation stand.
func (s *Server) keyTile(tx *db.Tx, v *Visit) (tile, error) {
	t := tile{Path: "/admin/key", Icon: "lock", Name: v.T("admin.key"), Text: v.T("admin.key.tile")}
	if s.Keys == nil || !v.May(staff.ManageGroup) {
		return t, nil
	}
	status, err := s.Keys.Status(tx)
	if err != nil {
		return t, fmt.Errorf("keys of the installation: %w", err)
	}
	if len(status.Behind()) > 0 || status.UnderWay() {
		t.Text, t.Warning = "", v.T("admin.key.tile_under_way")
		if len(status.Behind()) > 0 {
			t.Warning = v.T("admin.key.tile_behind", "n", len(status.Behind()))
		}
	}
	return t, nil
}
