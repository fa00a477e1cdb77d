package web

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// adminChatRulesPage is which words stop everything, and how new friends are greeted.
type adminChatRulesPage struct {
	Frame
	Top      AdminTop
	Form     Form
	Keeps    bool
	Shipped  []shippedWords
	Greeting shownGreeting
	Tried    chatTried
}

// shippedWords are the words of the product in one language.
type shippedWords struct {
	Language, Tag string
	Dir           string
	Lists         []wordList
}

type wordList struct{ Name, Words string }

// shownGreeting is the greeting as somebody would read it.
type shownGreeting struct {
	Accounts, Languages []Option
	Account, Language   string
	Dir                 string
	Lines               []string
	Buttons             []string
}

// chatTried is what a message would ask of the house, for the part "chat-tried".
type chatTried struct {
	Text string // what was tried
	Says string
	By   string
	Tone string
}

func (s *Server) showChatRules(w http.ResponseWriter, _ *http.Request, v *Visit) error {
	return s.chatRulesPage(w, v, Form{}, chatTried{})
}

func (s *Server) chatRulesPage(w http.ResponseWriter, v *Visit, f Form, tried chatTried) error {
	title := v.T("chatrules.title")
	data := adminChatRulesPage{Frame: s.frame(v, "admin", title), Keeps: v.May(staff.KeepConsent), Tried: tried,
		Top: AdminTop{Up: adminUp(v), Title: title, Text: v.T("chatrules.about")}}
	err := s.DB.Read(v.request.Context(), func(tx *db.Tx) error {
		rules, err := s.Desk.ChatRules(tx)
		if err != nil {
			return err
		}
		if f.Values == nil {
			f.Values = chatRulesValues(rules)
		}
		data.Greeting, err = s.greetingShown(tx, v)
		return err
	})
	if err != nil {
		return err
	}
	data.Form, data.Path = f, "/admin/chat-rules"
	for _, language := range staff.SpokenLanguages() {
		words := conversation.ShippedWords(language)
		one := shippedWords{Language: v.T("spoken." + language), Tag: language, Dir: dirOf(language)}
		for _, l := range []struct {
			name  string
			words []string
		}{{"stop", words.Stop}, {"start", words.Start}, {"page", words.Page}} {
			one.Lists = append(one.Lists, wordList{v.T("chatrules." + l.name), strings.Join(l.words, " · ")})
		}
		data.Shipped = append(data.Shipped, one)
	}
	return s.render(w, v, view{Page: "admin_chat_rules", Status: f.status(), Data: data})
}

// dirOf is how a language of ours runs.
func dirOf(language string) string {
	if language == "ar" {
		return "rtl"
	}
	return "ltr"
}

// greetingShown writes the greeting of the account and language that the address names.
func (s *Server) greetingShown(tx *db.Tx, v *Visit) (shownGreeting, error) {
	query := v.request.URL.Query()
	accounts, err := s.Desk.Accounts(tx)
	accounts = slices.DeleteFunc(accounts, func(a conversation.Account) bool { return !v.May(staff.KeepConsent) && !a.SeenBy(v.Viewer) })
	if err != nil || len(accounts) == 0 {
		return shownGreeting{}, err
	}
	g := shownGreeting{Account: accounts[0].ID, Language: map[string]string{"zh-TW": "zh-Hant", "en": "en"}[v.Words.Tag]}
	for _, a := range accounts {
		g.Accounts = append(g.Accounts, Option{a.ID, a.Name})
		if a.ID == query.Get("account") {
			g.Account = a.ID
		}
	}
	for _, language := range staff.SpokenLanguages() {
		g.Languages = append(g.Languages, Option{language, v.T("spoken." + language)})
		if language == query.Get("language") {
			g.Language = language
		}
	}
	g.Language = cmp.Or(g.Language, "en")
	g.Dir = dirOf(g.Language)
	shown, err := s.Desk.ShowGreeting(tx, v.Viewer, conversation.GreetingSample{Language: g.Language, AccountID: g.Account})
	if errors.Is(err, db.ErrNotFound) { // a house without purposes greets nobody
		return shownGreeting{}, nil
	}
	g.Lines, g.Buttons = strings.Split(shown.Text, "\n"), shown.Buttons
	return g, err
}

// chatRulesValues puts the rules into the fields of the form.
func chatRulesValues(r conversation.ChatRules) url.Values {
	v := url.Values{"stop": {strings.Join(r.Stop, "\n")}, "start": {strings.Join(r.Start, "\n")}, "page": {strings.Join(r.Page, "\n")}}
	if !r.NoGreeting {
		v.Set("greets", "on")
	}
	return v
}

// chatRulesOf reads the form.
func chatRulesOf(form url.Values) conversation.ChatRules {
	list := func(field string) (out []string) {
		for line := range strings.Lines(form.Get(field)) {
			if line = strings.TrimSpace(line); line != "" {
				out = append(out, line)
			}
		}
		return out
	}
	return conversation.ChatRules{Stop: list("stop"), Start: list("start"), Page: list("page"), NoGreeting: form.Get("greets") == ""}
}

func (s *Server) saveChatRules(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	f := Form{Values: r.PostForm}
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error {
		_, err := s.Desk.SaveChatRules(tx, v.Viewer, chatRulesOf(r.PostForm))
		return err
	})
	if f.Take(err) {
		return s.chatRulesPage(w, v, f, chatTried{})
	}
	if err != nil {
		return err
	}
	return s.done(w, v, "/admin/chat-rules", "done.saved")
}

// tryChatRules says what a message would ask of the house, with the words as they are
// typed at this moment.
func (s *Server) tryChatRules(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	rules := chatRulesOf(r.PostForm)
	typed := r.PostForm.Has("stop")
	if !typed { // without scripts only the message comes
		err := s.DB.Read(r.Context(), func(tx *db.Tx) (err error) { rules, err = s.Desk.ChatRules(tx); return err })
		if err != nil {
			return err
		}
	}
	tried := chatTried{Text: beginningOf(strings.TrimSpace(db.CleanText(r.PostForm.Get("message"))), 300)}
	asked, added := rules.Means(tried.Text)
	switch {
	case tried.Text == "":
	case asked == "":
		tried.Says = v.T("chatrules.asks.nothing")
	default:
		tried.Says, tried.By, tried.Tone = v.T("chatrules.asks."+string(asked)), v.T("chatrules.by_shipped"), "alert-good"
		if added {
			tried.By = v.T("chatrules.by_added")
		}
	}
	if v.Partial {
		return s.render(w, v, view{Page: "admin_chat_rules", Block: "chat-tried", Data: tried})
	}
	f := Form{}
	if typed {
		f.Values = r.PostForm
	}
	return s.chatRulesPage(w, v, f, tried)
}

// beginningOf is the beginning of a text.
func beginningOf(text string, letters int) string {
	if runes := []rune(text); len(runes) > letters {
		return string(runes[:letters])
	}
	return text
}
