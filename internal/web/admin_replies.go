package web

import (
	"net/http"
	"net/url"
	"slices"

	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// adminRepliesPage lists the saved replies by counter.
type adminRepliesPage struct {
	Frame
	Top     AdminTop
	Groups  []replyGroup
	Nothing Empty
}

// replyGroup is the saved replies of one counter, or those of every counter.
type replyGroup struct {
	Title string
	Mine  bool // she may change them
	Rows  []replyRow
}

// replyRow is one saved reply.
type replyRow struct {
	Path, Title, Text string
	First, Last       bool // nowhere to move up or down to
}

func (s *Server) listReplies(w http.ResponseWriter, r *http.Request, v *Visit) error {
	var replies []conversation.Reply
	var directory staff.Directory
	err := s.DB.Read(r.Context(), func(tx *db.Tx) (err error) {
		if directory, err = staff.LoadDirectory(tx); err != nil {
			return err
		}
		replies, err = s.Desk.Replies(tx, v.Viewer, "")
		return err
	})
	if err != nil {
		return err
	}
	title, add := v.T("admin.replies"), Step{"/admin/replies/new", v.T("admin.reply.add")}
	data := adminRepliesPage{Frame: s.frame(v, "admin", title), Top: AdminTop{Up: adminUp(v), Title: title, Text: v.T("admin.replies.about")},
		Nothing: Empty{Icon: "template", Title: v.T("admin.replies.none"), Text: v.T("admin.replies.why")}.Action(add.Path, add.Text)}
	places := append([]staff.DirectoryCounter{{Name: v.T("admin.every_counter")}}, directory.Counters...)
	for _, c := range places {
		g := replyGroup{Title: c.Name, Mine: v.May(staff.ManageGroup) || (c.ID != "" && v.Sees(c.ID))}
		for _, x := range replies {
			if x.CounterID == c.ID {
				g.Rows = append(g.Rows, replyRow{Path: "/admin/replies/" + x.ID, Title: x.Title, Text: oneLine(x.Text)})
			}
		}
		if n := len(g.Rows); n > 0 {
			g.Rows[0].First, g.Rows[n-1].Last = true, true
			data.Groups = append(data.Groups, g)
		}
	}
	if len(data.Groups) > 0 {
		data.Top.Do = add
	}
	return s.render(w, v, view{Page: "admin_replies", Data: data})
}

// adminReplyPage is the form of one saved reply, with a preview beside it.
type adminReplyPage struct {
	Frame
	Top      AdminTop
	Form     Form
	Action   string
	Counters []Option
	Marks    []Step // a placeholder and what it stands for
	Preview  string
	Sample   conversation.Words
	Delete   Confirm
}

func (s *Server) showReply(w http.ResponseWriter, _ *http.Request, v *Visit) error {
	return s.replyPage(w, v, Form{})
}

func (s *Server) replyPage(w http.ResponseWriter, v *Visit, f Form) error {
	id := v.request.PathValue("reply")
	var x conversation.Reply
	var directory staff.Directory
	err := s.DB.Read(v.request.Context(), func(tx *db.Tx) (err error) {
		if directory, err = staff.LoadDirectory(tx); err != nil || id == "" {
			return err
		}
		x, err = s.keptReply(tx, v, id)
		return err
	})
	if err != nil {
		return err
	}
	data := adminReplyPage{Action: "/admin/replies", Top: AdminTop{Up: Step{"/admin/replies", v.T("admin.replies")}, Title: v.T("admin.reply.add")},
		Sample: conversation.Words{Customer: v.T("admin.reply.sample_customer"), Advisor: v.Name}}
	if v.May(staff.ManageGroup) {
		data.Counters = append(data.Counters, Option{"", v.T("admin.every_counter")})
	}
	for _, c := range directory.Counters {
		if (!c.Closed || c.ID == x.CounterID) && (v.May(staff.ManageGroup) || v.Sees(c.ID)) {
			data.Counters = append(data.Counters, Option{c.ID, c.Name})
		}
	}
	if id != "" {
		data.Action += "/" + id
		data.Top.Title = x.Title
		data.Delete = Confirm{ID: "delete", Path: data.Action + "/delete", Button: v.T("admin.reply.delete"),
			Title: v.T("admin.reply.delete_title", "name", x.Title), Text: v.T("admin.reply.delete_text"), Go: v.T("admin.reply.delete")}
		if f.Values == nil {
			f.Values = url.Values{"title": {x.Title}, "text": {x.Text}, "counter": {x.CounterID}}
		}
	}
	counter, known := directory.Counter(f.Values.Get("counter"))
	data.Sample.Counter = counter.Name
	if open := directory.Open(); !known && len(open) > 0 {
		data.Sample.Counter = open[0].Name
	}
	for _, mark := range []string{"customer", "advisor", "counter"} {
		data.Marks = append(data.Marks, Step{"{" + mark + "}", v.T("admin.reply.mark." + mark)})
	}
	data.Form, data.Preview = f, conversation.Reply{Text: f.Values.Get("text")}.Fill(data.Sample)
	data.Frame = s.frame(v, "admin", data.Top.Title)
	data.Path = data.Action
	return s.render(w, v, view{Page: "admin_reply", Status: f.status(), Data: data})
}

// keptReply is a saved reply that she may change.
func (s *Server) keptReply(tx *db.Tx, v *Visit, id string) (conversation.Reply, error) {
	all, err := s.Desk.Replies(tx, v.Viewer, "")
	if err != nil {
		return conversation.Reply{}, err
	}
	i := slices.IndexFunc(all, func(x conversation.Reply) bool { return x.ID == id })
	if i < 0 {
		return conversation.Reply{}, db.ErrNotFound
	}
	if all[i].CounterID == "" && !v.May(staff.ManageGroup) {
		return conversation.Reply{}, staff.ErrForbidden
	}
	return all[i], nil
}

func (s *Server) saveReply(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	id := r.PathValue("reply")
	f := Form{Values: r.PostForm}
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error {
		x := conversation.Reply{}
		if id != "" {
			var err error
			if x, err = s.keptReply(tx, v, id); err != nil {
				return err
			}
		}
		before := x.CounterID
		x.Title, x.Text, x.CounterID = r.PostForm.Get("title"), r.PostForm.Get("text"), r.PostForm.Get("counter")
		if err := knownCounter(tx, x.CounterID); err != nil {
			return err
		}
		if id == "" || before != x.CounterID { // it goes to the end of its new list
			last, err := s.lastPosition(tx, v, x.CounterID)
			if err != nil {
				return err
			}
			x.Position = last + 1
		}
		_, err := s.Desk.SaveReply(tx, v.Viewer, x)
		return err
	})
	if f.Take(err) {
		return s.replyPage(w, v, f)
	}
	if err != nil {
		return err
	}
	return s.done(w, v, "/admin/replies", "done.saved")
}

// knownCounter refuses a counter that does not exist; empty is every counter.
func knownCounter(tx *db.Tx, id string) error {
	directory, err := staff.LoadDirectory(tx)
	if err != nil {
		return err
	}
	if _, known := directory.Counter(id); id != "" && !known {
		return db.Invalid{Field: "counter", Code: "unknown"}
	}
	return nil
}

func (s *Server) lastPosition(tx *db.Tx, v *Visit, counterID string) (int, error) {
	all, err := s.Desk.Replies(tx, v.Viewer, "")
	last := 0
	for _, x := range all {
		if x.CounterID == counterID {
			last = max(last, x.Position)
		}
	}
	return last, err
}

func (s *Server) deleteReply(w http.ResponseWriter, r *http.Request, v *Visit) error {
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error { return s.Desk.DeleteReply(tx, v.Viewer, r.PathValue("reply")) })
	if err != nil {
		return err
	}
	return s.done(w, v, "/admin/replies", "done.deleted")
}

// moveReply lets a saved reply change places with its neighbour.
func (s *Server) moveReply(w http.ResponseWriter, r *http.Request, v *Visit) error {
	step := map[string]int{"up": -1, "down": 1}[r.PostFormValue("to")]
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error {
		x, err := s.keptReply(tx, v, r.PathValue("reply"))
		if err != nil {
			return err
		}
		all, err := s.Desk.Replies(tx, v.Viewer, "")
		if err != nil {
			return err
		}
		all = slices.DeleteFunc(all, func(o conversation.Reply) bool { return o.CounterID != x.CounterID })
		at := slices.IndexFunc(all, func(o conversation.Reply) bool { return o.ID == x.ID })
		to := at + step
		if to < 0 || to >= len(all) {
			return nil
		}
		all[at], all[to] = all[to], all[at]
		for i, o := range all { // those made from the command line may share a position
			if o.Position == i+1 {
				continue
			}
			o.Position = i + 1
			if _, err := s.Desk.SaveReply(tx, v.Viewer, o); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.done(w, v, "/admin/replies", "")
}
