package web

import (
	_ "embed"
	"encoding/json"
	"strings"
	"sync"

	"dingdong/internal/conversation"
	"dingdong/internal/db"
)

// draftFile holds what an advisor may begin with, by language and by why she writes.
//
//go:embed drafts.json
var draftFile []byte

var drafts = sync.OnceValue(func() map[string]map[string]string {
	all := map[string]map[string]string{}
	if err := json.Unmarshal(draftFile, &all); err != nil {
		panic("drafts.json: " + err.Error()) // a test reads it
	}
	return all
})

// draftLanguage picks the language of a draft for what a platform says a customer
// speaks; empty is the language of the house.
func draftLanguage(tag, house string) string {
	for _, t := range []string{tag, house} {
		t = strings.ToLower(strings.ReplaceAll(t, "_", "-"))
		switch {
		case t == "zh-cn", t == "zh-sg", strings.HasPrefix(t, "zh-hans"):
			return "zh-Hans"
		case strings.HasPrefix(t, "zh"):
			return "zh-Hant"
		case t == "in" || strings.HasPrefix(t, "in-"): // an old code of Indonesian
			return "id"
		}
		if base, _, _ := strings.Cut(t, "-"); drafts()[base] != nil {
			return base
		}
	}
	return "en"
}

// draftFor writes what she may begin with, in the customer's language.
func (s *Server) draftFor(tx *db.Tx, v *Visit, todo conversation.Todo) (string, error) {
	identity, err := s.Desk.Book.IdentityByID(tx, todo.Thread.IdentityID)
	if err != nil {
		return "", err
	}
	text := drafts()[draftLanguage(identity.Language, v.Words.Tag)][string(todo.Kind)]
	product := todo.Product
	if product == "" {
		product = todo.Words
	}
	text = strings.NewReplacer("{name}", todo.Thread.Name, "{product}", product, "{advisor}", v.Name).Replace(text)
	return strings.TrimLeft(text, " ,，"), nil
}

// openDraft puts the draft of a todo, named "kind.ref", into the composer of its
// thread. What she has begun herself stays: the draft is then offered beside it.
func (s *Server) openDraft(tx *db.Tx, v *Visit, view *threadView, name string) error {
	kind, ref, ok := strings.Cut(name, ".")
	if !ok || !view.Draftable {
		return nil
	}
	list, err := s.Desk.Today(tx, v.Viewer, conversation.Day{Zone: s.dayZone(tx, v), All: true})
	if err != nil {
		return err
	}
	for _, todo := range list {
		if string(todo.Kind) != kind || todo.Ref != ref || todo.Thread.ID != view.ID {
			continue
		}
		text, err := s.draftFor(tx, v, todo)
		if err != nil || text == "" {
			return err
		}
		if view.Draft == "" {
			view.Draft = text
		} else if view.Draft != text {
			view.Replies = append([]readyReply{{v.T("today.offer"), text}}, view.Replies...)
		}
		return nil
	}
	return nil
}
