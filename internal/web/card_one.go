package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
)

// cardOne is whether she is one person or several.
type cardOne struct {
	ThreadID string
	Chat     bool
	Perhaps  []perhaps
	Merges   []mergeLine
	Busy     bool // a message is on its way: try again
}

// perhaps is somebody who may be the same person.
type perhaps struct {
	ThreadID string
	PersonID string
	Names    string
	Places   string
	Reasons  []string
}

// mergeLine is a merge that holds.
type mergeLine struct {
	ThreadID string
	ID       string
	Text     string
	Proof    string
}

// mergeProofs are what can prove it, with words below "merge.proof.".
var mergeProofs = []string{"phone", "member", "link", "advisor"}

// mergeReasons are what speaks for it, with words below "merge.reason.".
var mergeReasons = []string{"phone", "member", "email", "card", "name"}

func (c *cardAt) one() (cardOne, error) {
	p := cardOne{ThreadID: c.t.ID, Chat: c.chats()}
	if p.Chat {
		all, err := c.Desk.Suggestions(c.tx, c.v.Viewer, c.t.CustomerID)
		if err != nil {
			return p, err
		}
		for _, s := range all {
			x := perhaps{ThreadID: c.t.ID, PersonID: s.PersonID, Names: strings.Join(s.Names, c.v.T("card.and"))}
			var places []string
			for _, id := range s.Counters {
				if counter, ok := c.x.directory.Counter(id); ok {
					places = append(places, counter.Store+" · "+counter.Name)
				}
			}
			x.Places = strings.Join(places, c.v.T("card.and"))
			for _, r := range s.Reasons {
				key := "merge.reason." + known(mergeReasons, r.Code, "name")
				if r.Verified {
					key = "merge.reason.verified." + known([]string{"phone", "member", "email"}, r.Code, "phone")
				}
				x.Reasons = append(x.Reasons, c.v.T(key))
			}
			p.Perhaps, c.met = append(p.Perhaps, x), append(c.met, s.PersonID)
		}
	}
	merges, err := c.Desk.Merges(c.tx, c.v.Viewer, c.t.CustomerID)
	for _, m := range merges {
		if m.UndoneAt.IsZero() {
			p.Merges = append(p.Merges, mergeLine{ThreadID: c.t.ID, ID: m.ID, Proof: c.v.T("merge.proof." + known(mergeProofs, m.Proof, "advisor")),
				Text: c.v.T("merge.done", "name", c.somebody(c.name(c.near(m.By))), "when", c.clock.Ago(m.At))})
		}
	}
	return p, err
}

// mergeEvidence is what stood beside the suggestion when somebody confirmed it.
type mergeEvidence struct {
	Reasons []string `json:"reasons"`
}

// becomeOne makes one person of two, when an advisor who sees both says so. Only who
// was suggested can be named: the evidence is kept with it.
func (s *Server) becomeOne(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	var to string
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error {
		c, err := s.cardAt(tx, v, r.PathValue("thread"))
		if err != nil {
			return err
		}
		reasons, err := c.suggested(r.PostForm.Get("other"))
		if err != nil {
			return err
		}
		evidence, err := json.Marshal(mergeEvidence{reasons})
		if err != nil {
			return err
		}
		kept, lost := c.t.CustomerID, r.PostForm.Get("other")
		if lost < kept { // the older one: more points to her
			kept, lost = lost, kept
		}
		if _, err := s.Desk.Merge(tx, v.Viewer, conversation.Merge{KeptID: kept, LostID: lost, Proof: conversation.ProvedByAdvisor, Evidence: evidence}); err != nil {
			return err
		}
		t, err := s.Desk.Thread(tx, v.Viewer, c.t.ID) // another thread may show her now
		to = t.ID
		return err
	})
	return s.moved(w, r, v, to, err)
}

// moved opens the thread that shows her now; while a message is on its way, she is
// asked to try again.
func (s *Server) moved(w http.ResponseWriter, r *http.Request, v *Visit, to string, err error) error {
	if errors.Is(err, conversation.ErrBusy) {
		return s.render(w, v, view{Page: "error", Block: "toast", Status: http.StatusConflict, Data: s.busy(w, v)})
	}
	if err != nil {
		return err
	}
	w.Header().Set("HX-Redirect", "/inbox/"+to)
	return nothing(w, nil)
}

func (s *Server) busy(w http.ResponseWriter, v *Visit) Toast {
	w.Header().Set("HX-Retarget", "#toasts")
	w.Header().Set("HX-Reswap", "beforeend")
	return Toast{Tone: "bad", Text: v.T("merge.busy")}
}

// suggested gives the reasons for somebody who was suggested.
func (c *cardAt) suggested(other string) ([]string, error) {
	if other == "" {
		return nil, db.Invalid{Field: "other", Code: "required"}
	}
	all, err := c.Desk.Suggestions(c.tx, c.v.Viewer, c.t.CustomerID)
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		if s.PersonID == other {
			var reasons []string
			for _, r := range s.Reasons {
				reasons = append(reasons, r.Code)
			}
			return reasons, nil
		}
	}
	return nil, db.ErrNotFound
}

// notOne remembers that two are not the same.
func notOne(c *cardAt, form url.Values, _ string) error {
	if form.Get("other") == "" {
		return db.Invalid{Field: "other", Code: "required"}
	}
	return c.Desk.Refuse(c.tx, c.v.Viewer, c.t.CustomerID, form.Get("other"))
}

// apart takes a merge of this person back.
func (s *Server) apart(w http.ResponseWriter, r *http.Request, v *Visit) error {
	var to string
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error {
		c, err := s.cardAt(tx, v, r.PathValue("thread"))
		if err != nil {
			return err
		}
		merges, err := s.Desk.Merges(tx, v.Viewer, c.t.CustomerID)
		if err != nil {
			return err
		}
		if !holds(merges, r.PathValue("row")) {
			return db.ErrNotFound
		}
		to = c.t.ID
		return s.Desk.Unmerge(tx, v.Viewer, r.PathValue("row"))
	})
	return s.moved(w, r, v, to, err)
}

func holds(merges []customer.Merged, id string) bool {
	for _, m := range merges {
		if m.ID == id {
			return true
		}
	}
	return false
}
