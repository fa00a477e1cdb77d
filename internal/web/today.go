package web

import (
	"net/http"
	"net/url"
	"time"

	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// todayPage is /today: who should hear from her, and why.
type todayPage struct {
	Frame
	Chat     bool
	Sections []todaySection
}

// todaySection is what one kind of reason brings.
type todaySection struct {
	Title string
	Lines []todayLine
}

// todayLine is one customer of the day.
type todayLine struct {
	Kind, Ref string
	Path      string // her thread, with the draft
	Name      string
	Face      Avatar
	Why       string
	Words     string // the wish or promise
	Draft     string
	Mine      bool
	Wait      Wait
}

// dayZone is where the viewer's day begins and ends: at her first counter.
func (s *Server) dayZone(tx *db.Tx, v *Visit) *time.Location {
	directory, err := staff.LoadDirectory(tx)
	if counters := v.Counters(); err == nil && len(counters) > 0 {
		counter, _ := directory.Counter(counters[0])
		return s.location(counter.Timezone)
	}
	return s.zone
}

func (s *Server) showToday(w http.ResponseWriter, r *http.Request, v *Visit) error {
	page := todayPage{Frame: s.frame(v, "today", v.T("nav.today")), Chat: v.May(staff.Chat)}
	var shown []string
	err := s.DB.Read(r.Context(), func(tx *db.Tx) error {
		x, err := s.scene(tx, v.Words, v.ID)
		if err != nil {
			return err
		}
		list, err := s.Desk.Today(tx, v.Viewer, conversation.Day{Zone: s.dayZone(tx, v)})
		if err != nil {
			return err
		}
		shown = nil
		for _, todo := range list {
			shown = append(shown, todo.PersonID)
		}
		page.Sections, err = s.todaySections(tx, v, x, list)
		return err
	})
	if err == nil {
		err = s.shown(r, v, "today", shown)
	}
	if err != nil {
		return err
	}
	return s.render(w, v, view{Page: "today", Data: page})
}

func (s *Server) todaySections(tx *db.Tx, v *Visit, x scene, list []conversation.Todo) ([]todaySection, error) {
	var out []todaySection
	last := conversation.TodoKind("")
	for _, todo := range list {
		if todo.Kind != last {
			out = append(out, todaySection{Title: v.T("today.title." + string(todo.Kind))})
			last = todo.Kind
		}
		name, clock := x.called(todo.Thread), x.clock(todo.Thread.CounterID)
		line := todayLine{Kind: string(todo.Kind), Ref: todo.Ref, Path: "/inbox/" + todo.Thread.ID, Name: name, Words: todo.Words, Mine: todo.Mine,
			Face: faceOf(todo.Thread, name), Why: todayWhy(v, clock, todo)}
		if todo.Kind == conversation.TodoWaiting {
			line.Wait = clock.Waiting(todo.At)
		} else {
			line.Path += "?draft=" + url.QueryEscape(line.Kind+"."+todo.Ref)
			var err error
			if line.Draft, err = s.draftFor(tx, v, todo); err != nil {
				return nil, err
			}
		}
		section := &out[len(out)-1]
		section.Lines = append(section.Lines, line)
	}
	return out, nil
}

func todayWhy(v *Visit, clock Clock, todo conversation.Todo) string {
	switch todo.Kind {
	case conversation.TodoBirthday:
		if days := -clock.daysAgo(todo.At); days > 0 {
			return v.T("today.why.birthday", "date", clock.Date(todo.At), "n", days)
		}
		return v.T("today.why.birthday_today")
	case conversation.TodoPromise:
		if clock.daysAgo(todo.At) > 0 {
			return v.T("today.why.promise_late", "date", clock.Date(todo.At))
		}
		return v.T("today.why.promise")
	case conversation.TodoWish:
		if todo.Product != "" {
			return v.T("today.why.wish", "product", todo.Product)
		}
		return v.T("today.why.wish_some")
	case conversation.TodoAnniversary:
		return v.T("today.why.anniversary", "date", clock.Date(todo.At))
	}
	return v.T("today.why.waiting")
}

func (s *Server) putAside(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error {
		return s.Desk.PutAside(tx, v.Viewer, conversation.Aside{Kind: conversation.TodoKind(r.PostForm.Get("kind")), Ref: r.PostForm.Get("ref"),
			Done: r.PostForm.Get("done") == "1", Zone: s.dayZone(tx, v)})
	})
	if err != nil {
		return err
	}
	return s.done(w, v, "/today", "")
}
