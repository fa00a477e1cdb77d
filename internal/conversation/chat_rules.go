package conversation

import (
	"strings"

	"dingdong/internal/consent"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// HouseAct is what a message asks of the house; "": it is for the advisor alone.
type HouseAct string

// What a message can ask.
const (
	AsksStop    = HouseAct(hintStop)
	AsksStart   = HouseAct(hintStart)
	AsksPage    = HouseAct(hintOwn)
	AsksAdvisor = HouseAct(hintOther)
)

// ShippedWords are the words of the product in a language.
func ShippedWords(language string) ChatRules {
	words := phrases()[language]
	list := func(key string) []string { return strings.Split(words[key], "|") }
	return ChatRules{Stop: list("stop_words"), Start: list("start_words"), Page: list("page_words")}
}

// Means says what a message would ask of the house if the group had added some words, and
// whether it was one of the group's that said so.
func (w ChatRules) Means(text string) (asked HouseAct, added bool) {
	if len(text) > maxHintBytes {
		return "", false
	}
	key := exactly(text)
	if key == "" {
		return "", false
	}
	if h := shippedHints().of(key); h != "" {
		return HouseAct(h), false
	}
	h := w.hints()[key]
	return HouseAct(h), h != ""
}

// hints are the added words as they are compared.
func (w ChatRules) hints() map[string]hint {
	words := map[string]hint{}
	for _, list := range []struct {
		hint  hint
		words []string
	}{{hintOwn, w.Page}, {hintStart, w.Start}, {hintStop, w.Stop}} {
		for _, word := range list.words {
			words[exactly(word)] = list.hint
		}
	}
	return words
}

// GreetingSample says to whom a greeting is shown before anybody gets it.
type GreetingSample struct {
	Language  string
	AccountID string
}

// ShownGreeting is a greeting as she would read it.
type ShownGreeting struct {
	Text    string
	Buttons []string
}

// ShowGreeting writes the greeting that somebody new on an account would get; nothing when
// the group has no purposes.
func (d *Desk) ShowGreeting(tx *db.Tx, v staff.Viewer, s GreetingSample) (ShownGreeting, error) {
	if !v.May(staff.SeeConsent) {
		return ShownGreeting{}, staff.ErrForbidden
	}
	a, err := d.AccountByID(tx, s.AccountID)
	if err != nil {
		return ShownGreeting{}, err
	}
	words, known := phrases()[s.Language]
	if !known {
		return ShownGreeting{}, db.Invalid{Field: "language", Code: "unknown"}
	}
	g := hello{account: a, page: d.PublicURL + "/my/…"}
	if g.service, err = d.Consent().Purpose(tx, consent.Service); err != nil {
		return ShownGreeting{}, err
	}
	if g.counter, err = counterName(tx, a.CounterID); err != nil {
		return ShownGreeting{}, err
	}
	say, err := d.greetingOf(tx, voice{words, s.Language}, g)
	out := ShownGreeting{Text: say.text}
	for _, c := range say.choices {
		out.Buttons = append(out.Buttons, c.Label)
	}
	return out, err
}
