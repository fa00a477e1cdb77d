package web

import (
	"net/http"
	"strings"

	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/privacy"
)

// adminPrivacyPage is what customers have asked of their data, what is overdue first.
type adminPrivacyPage struct {
	Frame
	Top      AdminTop
	Query    string
	Found    []adminRow // whom the officer looked for
	Searched bool
	Open     []adminRow
	Closed   []adminRow
	Nothing  Empty
	Missed   Empty

	customers []string // who stands on it
}

// privacyTile leads to the requests, and says when one is past its time.
func (s *Server) privacyTile(tx *db.Tx, v *Visit) (tile, error) {
	t := tile{Path: "/admin/privacy", Icon: "lock", Name: v.T("privacy.title"), Text: v.T("privacy.tile")}
	n, err := privacy.OverdueCount(tx)
	if n > 0 {
		t.Text, t.Warning = "", v.T("privacy.overdue_count", "n", n)
	}
	return t, err
}

func (s *Server) showPrivacy(w http.ResponseWriter, r *http.Request, v *Visit) error {
	title := v.T("privacy.title")
	data := adminPrivacyPage{Frame: s.frame(v, "admin", title), Query: strings.TrimSpace(r.URL.Query().Get("q")),
		Top:     AdminTop{Up: adminUp(v), Title: title, Text: v.T("privacy.about"), Do: Step{"/admin/privacy/keeping", v.T("privacy.keeping")}, Icon: "clock"},
		Nothing: Empty{Icon: "check", Title: v.T("privacy.none"), Text: v.T("privacy.none_text")},
		Missed:  Empty{Icon: "search", Title: v.T("privacy.nobody"), Text: v.T("privacy.nobody_text")}}
	data.Searched = data.Query != ""
	clock := s.clock(v, "")
	err := s.DB.Read(r.Context(), func(tx *db.Tx) error {
		data.Open, data.Closed, data.Found, data.customers = nil, nil, nil, nil
		for _, closed := range []bool{false, true} {
			list, err := s.Privacy.Requests(tx, v.Viewer, privacy.RequestFilter{Closed: closed, Limit: 50})
			if err != nil {
				return err
			}
			for _, q := range list {
				if !q.Erased {
					data.customers = append(data.customers, q.PersonID)
				}
				row := requestRow(v, clock, q)
				if row.Closed = closed; closed {
					data.Closed = append(data.Closed, row)
				} else {
					data.Open = append(data.Open, row)
				}
			}
		}
		if !data.Searched {
			return nil
		}
		found, _, err := s.Desk.FindCustomers(tx, v.Viewer, conversation.FindCustomer{Query: data.Query, Limit: 20})
		if err != nil {
			return err
		}
		for _, f := range found {
			data.Found = append(data.Found, adminRow{Path: "/admin/privacy/people/" + f.PersonID, Icon: "person", Name: personName(v, f.Name), Text: shortID(f.PersonID)})
		}
		if person, err := s.Desk.Visible(tx, v.Viewer, data.Query); err == nil && len(data.Found) == 0 {
			name, err := s.Privacy.NameOf(tx, person)
			if err != nil {
				return err
			}
			data.Found = append(data.Found, adminRow{Path: "/admin/privacy/people/" + person, Icon: "person", Name: personName(v, name), Text: shortID(person)})
		}
		return nil
	})
	if err == nil && data.Searched {
		err = s.DB.Write(r.Context(), func(tx *db.Tx) error {
			s.Desk.NoteSearch(tx, v.Viewer, conversation.Searched{Where: "privacy", Query: data.Query, Customers: len(data.Found)})
			return nil
		})
	}
	for _, row := range data.Found {
		data.customers = append(data.customers, strings.TrimPrefix(row.Path, "/admin/privacy/people/"))
	}
	if err == nil {
		err = s.shown(r, v, "privacy", data.customers)
	}
	if err != nil {
		return err
	}
	return s.render(w, v, view{Page: "admin_privacy", Data: data})
}

func personName(v *Visit, name string) string {
	if name == "" {
		return v.T("privacy.unnamed")
	}
	return name
}

func requestRow(v *Visit, clock Clock, q privacy.Request) adminRow {
	name := personName(v, q.Name)
	if q.Erased {
		name = v.T("privacy.erased")
	}
	row := adminRow{Path: "/admin/privacy/people/" + q.PersonID, Icon: "lock", Name: v.T("privacy.kind."+string(q.Kind)) + " · " + name,
		Text: joined(v.T("privacy.origin."+string(q.Origin)), clock.Moment(q.At))}
	switch {
	case q.Overdue(clock.Now):
		row.Worry = v.T("privacy.overdue", "date", clock.Date(q.Due))
	case q.ClosedAt.IsZero():
		row.Text = joined(row.Text, v.T("privacy.due", "date", clock.Date(q.Due)))
	default:
		row.Text = joined(row.Text, v.T("privacy.state."+string(q.State)))
	}
	return row
}
