package web

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"unicode"

	"dingdong/internal/conversation"
	"dingdong/internal/db"
)

// offersView are the ready replies to what she has just said.
type offersView struct {
	ThreadID string
	Offers   []readyOffer
}

// readyOffer is a saved reply with the tag that brought it up.
type readyOffer struct{ Tag, Title, Text string }

func (s *Server) showOffers(w http.ResponseWriter, r *http.Request, v *Visit) error {
	var offers offersView
	err := s.DB.Glance(r.Context(), func(tx *db.Tx) error {
		t, err := s.Desk.Thread(tx, v.Viewer, r.PathValue("thread"))
		if err != nil {
			return err
		}
		x, err := s.scene(tx, v.Words, v.ID)
		if err != nil {
			return err
		}
		offers, err = s.readyOffers(tx, v, x, t)
		return err
	})
	if err != nil {
		return err
	}
	return s.render(w, v, view{Page: "inbox", Block: "offers", Data: offers})
}

// readyOffers are nothing in a house that reads no words.
func (s *Server) readyOffers(tx *db.Tx, v *Visit, x scene, t conversation.Thread) (offersView, error) {
	view := offersView{ThreadID: t.ID}
	if s.Reader == nil {
		return view, nil
	}
	offer, err := s.Reader.Offers(tx, v.Viewer, t.ID)
	if err != nil {
		return view, err
	}
	identity, err := s.Desk.Book.IdentityByID(tx, t.IdentityID)
	if err != nil {
		return view, err
	}
	words := x.fills(v, t)
	for _, reply := range inHerLetters(offer.Replies, cmp.Or(identity.Language, v.Words.Tag)) {
		view.Offers = append(view.Offers, readyOffer{Tag: s.TagLabel(v.Words, reply.Tag, ""), Title: reply.Title, Text: reply.Fill(words)})
	}
	return view, nil
}

// inHerLetters leaves out a reply where the same tag has one in the letters that she
// reads: saved replies name no language, and two of one meaning are one too many.
func inHerLetters(replies []conversation.Reply, language string) []conversation.Reply {
	reads := func(r conversation.Reply) bool {
		return strings.ContainsFunc(r.Text, func(c rune) bool { return unicode.Is(unicode.Han, c) }) == strings.HasPrefix(language, "zh")
	}
	return slices.DeleteFunc(slices.Clone(replies), func(r conversation.Reply) bool {
		return !reads(r) && slices.ContainsFunc(replies, func(o conversation.Reply) bool { return o.Tag == r.Tag && reads(o) })
	})
}

// fills are the names that stand in a saved reply.
func (x scene) fills(v *Visit, t conversation.Thread) conversation.Words {
	counter, _ := x.directory.Counter(t.CounterID)
	return conversation.Words{Customer: t.Name, Advisor: v.Name, Counter: counter.Name}
}
