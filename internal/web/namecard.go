package web

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"dingdong/internal/channel"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// cardsPage is /admin/cards and /me/cards: the printed invitations, by account.
type cardsPage struct {
	Frame
	Top     AdminTop
	Filter  *Filter
	Groups  []cardGroup
	Nothing Empty
}

// cardGroup is the cards of one account.
type cardGroup struct {
	Title, Channel string
	Note           string // how scanning works there, or why it does not
	Warn           bool
	Counters       []cardCounter
}

// cardCounter is the cards of one counter on an account.
type cardCounter struct {
	Name  string
	Cards []cardTile
}

// cardTile is a card, or the place of one that could be made.
type cardTile struct {
	ID          string // empty: not made yet
	Name        string
	Whole       bool // the counter's own
	Code        string
	Link        string
	Account     string
	Counter     string
	Advisor     string
	Back        string
	Ending      Confirm
	MayMake     bool
	Picture     string
	PrintedPage string
}

// cardShelf is what both pages are drawn from, read in one go.
type cardShelf struct {
	accounts  []conversation.Account
	cards     []conversation.Card
	directory staff.Directory
	people    map[string][]staff.Colleague // by counter
}

func (s *Server) cardShelf(tx *db.Tx, v *Visit) (x cardShelf, err error) {
	if x.accounts, err = s.Desk.Accounts(tx); err != nil {
		return x, err
	}
	if x.directory, err = staff.LoadDirectory(tx); err != nil {
		return x, err
	}
	if x.cards, err = s.Desk.Cards(tx, v.Viewer); err != nil {
		return x, err
	}
	x.people = map[string][]staff.Colleague{}
	for _, a := range x.accounts {
		for _, id := range a.Served() {
			if _, read := x.people[id]; read || !(v.Sees(id) || v.May(staff.ManageGroup)) {
				continue
			}
			if x.people[id], err = staff.Colleagues(tx, id); err != nil {
				return x, err
			}
		}
	}
	return x, nil
}

// listCards is the page of managers and administrators: every card of the counters
// they look after.
func (s *Server) listCards(w http.ResponseWriter, r *http.Request, v *Visit) error {
	title := v.T("cards.title")
	query := strings.TrimSpace(r.URL.Query().Get("q"))
	data := cardsPage{Top: AdminTop{Up: adminUp(v), Title: title, Text: v.T("cards.about")},
		Filter: &Filter{Path: "/admin/cards", Value: query, Label: v.T("cards.search")}}
	data.Frame = s.frame(v, "admin", title)
	return s.cardsPage(w, v, data, func(counter staff.DirectoryCounter, person string) bool {
		return found(query, counter.Name, counter.Store, person)
	})
}

// myCards are an advisor's own and those of her counters.
func (s *Server) myCards(w http.ResponseWriter, _ *http.Request, v *Visit) error {
	title := v.T("cards.mine")
	data := cardsPage{Top: AdminTop{Up: Step{"/me", v.T("nav.me")}, Title: title, Text: v.T("cards.mine_about")}}
	data.Frame = s.frame(v, "me", title)
	return s.cardsPage(w, v, data, func(_ staff.DirectoryCounter, person string) bool { return person == v.Name || person == "" })
}

func (s *Server) cardsPage(w http.ResponseWriter, v *Visit, data cardsPage, wanted func(staff.DirectoryCounter, string) bool) error {
	var x cardShelf
	err := s.DB.Read(v.request.Context(), func(tx *db.Tx) (err error) {
		x, err = s.cardShelf(tx, v)
		return err
	})
	if err != nil {
		return err
	}
	back := "/admin/cards"
	if data.Here == "me" {
		back = "/me/cards"
	}
	for _, a := range x.accounts {
		g := cardGroup{Title: a.Name, Channel: string(a.Kind)}
		g.Note, g.Warn = cardNote(v, a)
		for _, id := range a.Served() {
			people, seen := x.people[id]
			counter, known := x.directory.Counter(id)
			if !seen || !known || counter.Closed {
				continue
			}
			c := cardCounter{Name: counter.Name}
			candidates := append([]staff.Colleague{{}}, people...)
			for _, p := range candidates {
				if !wanted(counter, p.Name) || (back == "/me/cards" && p.ID != "" && p.ID != v.ID) {
					continue
				}
				c.Cards = append(c.Cards, s.cardTile(v, x, cardTile{Account: a.ID, Counter: id, Advisor: p.ID, Back: back,
					Name: cmp.Or(p.Name, v.T("cards.whole")), Whole: p.ID == "", MayMake: cardWorks(a)}, a))
			}
			if len(c.Cards) > 0 {
				g.Counters = append(g.Counters, c)
			}
		}
		if len(g.Counters) > 0 {
			data.Groups = append(data.Groups, g)
		}
	}
	data.Nothing = Empty{Icon: "qr", Title: v.T("cards.none"), Text: v.T("cards.none_text")}
	return s.render(w, v, view{Page: "cards", Data: data})
}

// cardTile adds what is known of a card that was made.
func (s *Server) cardTile(v *Visit, x cardShelf, t cardTile, a conversation.Account) cardTile {
	i := slices.IndexFunc(x.cards, func(c conversation.Card) bool {
		return c.AccountID == t.Account && c.CounterID == t.Counter && c.AdvisorID == t.Advisor
	})
	if i < 0 {
		return t
	}
	c := x.cards[i]
	t.ID, t.Code, t.Link = c.ID, c.Code, s.Desk.CardLink(c, a)
	t.Picture, t.PrintedPage = "/cards/"+c.ID+".svg", "/cards/"+c.ID+"/print"
	if v.May(staff.ManageReplies) || c.AdvisorID == v.ID {
		t.Ending = Confirm{ID: "end-" + c.ID, Path: "/cards/" + c.ID + "/end", Button: v.T("cards.end"), Small: true,
			Title: v.T("cards.end_title", "name", t.Name), Text: v.T("cards.end_text"), Go: v.T("cards.end_go")}
	}
	return t
}

// cardWorks tells whether a card of an account leads anywhere.
func cardWorks(a conversation.Account) bool {
	return a.Kind == channel.WebChat || a.LIFF.ID != "" || a.BasicID != ""
}

// cardNote says how a scan goes on this account.
func cardNote(v *Visit, a conversation.Account) (text string, warn bool) {
	switch {
	case a.Kind == channel.WebChat:
		return v.T("cards.note.webchat"), false
	case a.LIFF.ID != "":
		return v.T("cards.note.liff"), false
	case a.BasicID != "":
		return v.T("cards.note.code"), false
	}
	return v.T("cards.note.unchecked"), true
}

func (s *Server) makeCard(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	form := r.PostForm
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error {
		_, err := s.Desk.SaveCard(tx, v.Viewer, conversation.CardForm{AccountID: form.Get("account"), CounterID: form.Get("counter"), AdvisorID: form.Get("advisor")})
		return err
	})
	if err != nil {
		return err
	}
	return s.done(w, v, local(form.Get("back"), "/me/cards"), "done.card")
}

func (s *Server) endCard(w http.ResponseWriter, r *http.Request, v *Visit) error {
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error { return s.Desk.EndCard(tx, v.Viewer, r.PathValue("card")) })
	if err != nil {
		return err
	}
	back := "/me/cards"
	if v.May(staff.ManageReplies) {
		back = "/admin/cards"
	}
	return s.done(w, v, back, "done.ended")
}

// printed reads a card of a counter that the viewer sees, as it is drawn.
func (s *Server) printed(r *http.Request, v *Visit, id string) (card nameCard, err error) {
	err = s.DB.Read(r.Context(), func(tx *db.Tx) error {
		all, err := s.Desk.Cards(tx, v.Viewer)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(c conversation.Card) bool { return c.ID == id })
		if i < 0 {
			return db.ErrNotFound
		}
		a, err := s.Desk.AccountByID(tx, all[i].AccountID)
		if err != nil {
			return err
		}
		directory, err := staff.LoadDirectory(tx)
		if err != nil {
			return err
		}
		counter, _ := directory.Counter(all[i].CounterID)
		names, err := staff.StaffNames(tx, []string{all[i].AdvisorID})
		card = nameCard{Words: s.storeWords(counter.Timezone), Brand: counter.Brand, Counter: counter.Name, Advisor: names[all[i].AdvisorID],
			Channel: string(a.Kind), Code: all[i].Code, Link: s.Desk.CardLink(all[i], a)}
		return err
	})
	return card, err
}

// storeWords are the words of the customers of a store, who are not asked.
func (s *Server) storeWords(zone string) *Words {
	if zone == "Asia/Taipei" {
		return s.languages.Choose("zh-TW", "", "")
	}
	return s.languages.byTag[fallback]
}

// drawCard serves a card as a picture for a print shop.
func (s *Server) drawCard(w http.ResponseWriter, r *http.Request, v *Visit) error {
	id, ok := strings.CutSuffix(r.PathValue("file"), ".svg")
	if !ok {
		return db.ErrNotFound
	}
	card, err := s.printed(r, v, id)
	if err != nil {
		return err
	}
	body, err := card.draw()
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "image/svg+xml; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Vary", "Accept-Encoding")
	h.Set("Cache-Control", "private, no-cache")
	return s.send(w, r, http.StatusOK, body)
}

// printPage is a sheet of A6 and nothing else, for the printer.
type printPage struct {
	Title, Picture, Back string
	Words                *Words
}

func (s *Server) printCard(w http.ResponseWriter, r *http.Request, v *Visit) error {
	id := r.PathValue("card")
	card, err := s.printed(r, v, id)
	if err != nil {
		return err
	}
	data := printPage{Title: cmp.Or(card.Advisor, card.Counter), Picture: "/cards/" + id + ".svg", Back: "/me/cards", Words: v.Words}
	if v.May(staff.ManageReplies) {
		data.Back = "/admin/cards"
	}
	return s.render(w, v, view{Page: "card_print", Block: "layout", Data: data})
}
