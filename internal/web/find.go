package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
)

// findPage is /find: one field over customers and over what was said.
type findPage struct {
	Frame
	Query         string
	Customers     []foundCustomer
	MoreCustomers string // address of the next piece
	Messages      []foundMessage
	MoreMessages  string // address of older ones
	Next          bool   // a next piece: it says nothing when it is empty

	customers []string // who is shown
}

// Empty is what the page says when there is nothing to show.
func (p findPage) Empty() Empty {
	if p.Query == "" {
		return Empty{Icon: "search", Title: p.Words.T("find.start.title"), Text: p.Words.T("find.start")}
	}
	return Empty{Icon: "search", Title: p.Words.T("find.none.title"), Text: p.Words.T("find.none")}
}

// Nothing tells whether there is neither a customer nor a message, and none to come.
func (p findPage) Nothing() bool {
	return len(p.Customers)+len(p.Messages) == 0 && p.MoreMessages == ""
}

// foundCustomer is a customer with the reasons why she was found.
type foundCustomer struct {
	Path        string // empty: she has no conversation yet
	Name        string
	Face        Avatar
	Why         []string
	Place       string // counter and advisor
	Time, Stamp string
}

// foundMessage is a message with the words marked.
type foundMessage struct {
	Path        string
	Name, By    string
	Face        Avatar
	Snippet     []conversation.Piece
	Time, Stamp string
}

const (
	findCustomers = 8
	findMessages  = 20
)

func (s *Server) showFind(w http.ResponseWriter, r *http.Request, v *Visit) error {
	q := r.URL.Query()
	query := strings.TrimSpace(db.CleanText(q.Get("q")))
	page := findPage{Frame: s.frame(v, "find", v.T("find.title")), Query: query, Next: q.Has("customers") || q.Has("messages")}
	block := ""
	switch {
	case !v.Partial:
	case q.Has("customers"):
		block = "found-customers"
	case q.Has("messages"):
		block = "found-messages"
	default:
		block = "found"
	}
	if query == "" {
		return s.render(w, v, view{Page: "find", Block: block, Data: page})
	}
	err := s.DB.Read(r.Context(), func(tx *db.Tx) error {
		x, err := s.scene(tx, v.Words, v.ID)
		if err != nil {
			return err
		}
		if !q.Has("messages") {
			if err := s.findCustomers(tx, x, v, &page, q.Get("customers")); err != nil {
				return err
			}
		}
		if q.Has("customers") {
			return nil
		}
		return s.findMessages(tx, x, v, &page, q.Get("messages"))
	})
	if err != nil {
		return err
	}
	err = s.DB.Write(r.Context(), func(tx *db.Tx) error {
		s.Desk.NoteSearch(tx, v.Viewer, conversation.Searched{Where: "find", Query: query, Customers: len(page.Customers), Messages: len(page.Messages)})
		return nil
	})
	if err == nil {
		err = s.shown(r, v, "find", page.customers)
	}
	if err != nil {
		return err
	}
	return s.render(w, v, view{Page: "find", Block: block, Data: page})
}

func (s *Server) findMessages(tx *db.Tx, x scene, v *Visit, page *findPage, after string) error {
	hits, next, err := s.Desk.FindMessages(tx, v.Viewer, conversation.Find{Query: page.Query, After: after, Limit: findMessages})
	if err != nil {
		return err
	}
	for _, h := range hits {
		clock, name := x.clock(h.Thread.CounterID), x.called(h.Thread)
		line := foundMessage{
			Path: "/inbox/" + h.Thread.ID + "?at=" + h.Message.ID, Name: name, Face: faceOf(h.Thread, name),
			Snippet: h.Snippet, Time: clock.Stamp(h.Message.At), Stamp: clock.Machine(h.Message.At),
		}
		if h.Message.Author == conversation.AuthorStaff {
			if line.By = h.Message.AuthorName; h.Message.AuthorID == v.ID {
				line.By = v.T("find.by_you")
			}
		}
		page.Messages = append(page.Messages, line)
		page.customers = append(page.customers, h.Thread.CustomerID)
	}
	if next != "" {
		page.MoreMessages = "/find?" + url.Values{"q": {page.Query}, "messages": {next}}.Encode()
	}
	return nil
}

func (s *Server) findCustomers(tx *db.Tx, x scene, v *Visit, page *findPage, after string) error {
	m, err := s.meanings(tx, v)
	if err != nil {
		return err
	}
	f := conversation.FindCustomer{Query: page.Query, After: after, Limit: findCustomers}
	f.Tags, f.Values = m.asked(page.Query)
	found, next, err := s.Desk.FindCustomers(tx, v.Viewer, f)
	if err != nil {
		return err
	}
	for _, c := range found {
		t := c.Thread
		t.Name = c.Name
		line := foundCustomer{Name: x.called(t), Face: faceOf(t, ""), Place: v.T("find.no_thread")}
		if t.ID == "" && c.Name == "" {
			line.Name = c.PersonID
		}
		line.Face.ID, line.Face.Name = c.PersonID, line.Name
		if t.ID != "" {
			clock := x.clock(t.CounterID)
			line.Path, line.Time, line.Stamp = "/inbox/"+t.ID, clock.Stamp(t.LastAt), clock.Machine(t.LastAt)
			counter, _ := x.directory.Counter(t.CounterID)
			line.Place = counter.Name
			if t.AssigneeName != "" {
				line.Place += " · " + t.AssigneeName
			} else {
				line.Place += " · " + v.T("find.nobodys")
			}
		}
		for _, why := range c.Why {
			line.Why = append(line.Why, m.why(v, why))
		}
		page.Customers = append(page.Customers, line)
		page.customers = append(page.customers, c.PersonID)
	}
	if next != "" {
		page.MoreCustomers = "/find?" + url.Values{"q": {page.Query}, "customers": {next}}.Encode()
	}
	return nil
}

// meanings are the words of tags and attributes in the viewer's language.
type meanings struct {
	tags map[string]string            // by name
	defs map[string]string            // by name
	code map[string]map[string]string // by name, then code
}

func (s *Server) meanings(tx *db.Tx, v *Visit) (meanings, error) {
	m := meanings{tags: map[string]string{}, defs: map[string]string{}, code: map[string]map[string]string{}}
	tags, err := s.Desk.Book.Tags(tx)
	if err != nil {
		return m, err
	}
	for _, t := range tags {
		m.tags[t.Name] = s.TagLabel(v.Words, t.Name, t.Label)
	}
	defs, err := s.Desk.Book.AttributeDefs(tx)
	if err != nil {
		return m, err
	}
	for _, d := range defs {
		m.defs[d.Name] = attributeName(v.Words, d)
		m.code[d.Name] = map[string]string{}
		for _, c := range d.Choices {
			m.code[d.Name][c.Code] = s.codeLabel(v.Words, d, c.Code)
		}
	}
	return m, nil
}

// asked tells which tags and values a query names in the viewer's language.
func (m meanings) asked(query string) (tags []string, values []conversation.AttributeValue) {
	query = customer.SearchFold(query)
	for name, word := range m.tags {
		if customer.SearchFold(word) == query {
			tags = append(tags, name)
		}
	}
	for name, codes := range m.code {
		for code, word := range codes {
			if customer.SearchFold(word) == query {
				values = append(values, conversation.AttributeValue{Name: name, Value: code})
			}
		}
	}
	slices.Sort(tags)
	return tags, values
}

// why says in words why a customer was found.
func (m meanings) why(v *Visit, why conversation.Why) string {
	switch {
	case why.By == conversation.FoundByTag:
		return v.T("find.why.tag", "name", m.tags[why.Name])
	case why.By == conversation.FoundByAttribute:
		value := m.code[why.Name][why.Value]
		if value == "" {
			value = why.Value
		}
		return v.T("find.why.attribute", "name", m.defs[why.Name], "value", value)
	case why.By == conversation.FoundByName && why.Name != "":
		return v.T("find.why.alias", "name", why.Name)
	}
	return v.T("find.why." + string(why.By))
}
