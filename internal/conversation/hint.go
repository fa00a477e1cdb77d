package conversation

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"dingdong/internal/audit"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// A hint is a message that is nothing but a word by which she asks something of the
// house: stop, start again, show me what you know, another advisor. It must be the whole message: a word
// inside a sentence is for the advisor.
type hint string

const (
	hintStop  hint = "stop"
	hintStart hint = "start"
	hintOwn   hint = "page"
	hintOther hint = "advisor"
)

// hintKeys are the sentences that list the words of the product.
var hintKeys = []struct {
	hint hint
	key  string
}{{hintOther, "advisor_words"}, {hintOwn, "page_words"}, {hintStart, "start_words"}, {hintStop, "stop_words"}} // where two say the same, the last counts

const (
	maxHintBytes = 240 // of a message that is looked at; hers in Arabic or Thai take three a letter
	maxHint      = 40  // letters of a word that the group adds
	maxHints     = 100
)

// hintWords are the words in the two forms in which they are compared.
type hintWords struct {
	exact map[string]hint // with the marks on the letters
	bare  map[string]hint // without them, of the languages where that is the same word
	most  int             // bytes of the longest; with other marks it may be longer
}

// marksMatter are the languages in which a mark makes another word: dừng is "stop" in
// Vietnamese, dùng is "use".
var marksMatter = []string{"vi", "th"}

// shippedHints are read once; nothing changes them.
var shippedHints = sync.OnceValue(func() hintWords {
	w := hintWords{exact: map[string]hint{}, bare: map[string]hint{}}
	all := phrases()
	for _, k := range hintKeys {
		for _, language := range slices.Sorted(maps.Keys(all)) {
			for _, word := range strings.Split(all[language][k.key], "|") {
				key := exactly(word)
				w.exact[key], w.most = k.hint, max(w.most, len(key))
				if !slices.Contains(marksMatter, language) {
					w.bare[barely(key)] = k.hint
				}
			}
		}
	}
	return w
})

// exactly folds width and case, and drops everything that is no letter, digit or mark:
// spaces, punctuation, emoji.
func exactly(s string) string {
	return strings.Map(func(r rune) rune {
		if r == 'ـ' || !(unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)) || unicode.Is(unicode.Variation_Selector, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFKC.String(s))
}

// barely takes the marks off the letters of what exactly made.
func barely(s string) string {
	return norm.NFC.String(strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) && !unicode.Is(unicode.Thai, r) {
			return -1
		}
		return r
	}, norm.NFD.String(s)))
}

// ChatRules are the words that the group has added to those of the product, and whether
// the house greets.
type ChatRules struct {
	Stop  []string `json:"stop,omitempty"`
	Start []string `json:"start,omitempty"`
	Page  []string `json:"page,omitempty"`
	// NoGreeting says that the group tells new friends itself who it is and what for, in
	// the greeting of its messengers say. Nothing is allowed by it.
	NoGreeting bool `json:"no_greeting,omitempty"`
}

const settingChat = "chat_rules"

// ChatRules reads what the group has added.
func (d *Desk) ChatRules(tx *db.Tx) (w ChatRules, err error) {
	var raw string
	err = db.NotFound(tx.QueryRow(`SELECT value FROM setting WHERE name = $1`, settingChat).Scan(&raw))
	if errors.Is(err, db.ErrNotFound) {
		return w, nil
	}
	if err != nil {
		return w, fmt.Errorf("rules of the chat: %w", err)
	}
	if err := json.Unmarshal([]byte(raw), &w); err != nil {
		return w, fmt.Errorf("rules of the chat: %w", err)
	}
	return w, nil
}

// SaveChatRules changes what the group has added. Nothing takes away a word of the
// product, and none of the group's can turn a stop into something else.
func (d *Desk) SaveChatRules(tx *db.Tx, v staff.Viewer, w ChatRules) (ChatRules, error) {
	if !v.May(staff.KeepConsent) {
		return w, staff.ErrForbidden
	}
	taken := map[string]bool{} // in a list before
	for _, list := range []struct {
		field string
		hint  hint
		words *[]string
	}{{"stop", hintStop, &w.Stop}, {"start", hintStart, &w.Start}, {"page", hintOwn, &w.Page}} {
		tidy := []string{}
		for _, word := range *list.words {
			word = strings.Join(strings.Fields(db.CleanText(word)), " ")
			switch was := shippedHints().of(exactly(word)); {
			case word == "":
				continue
			case utf8.RuneCountInString(word) > maxHint:
				return w, db.Invalid{Field: list.field, Code: "too_long"}
			case utf8.RuneCountInString(exactly(word)) < 2:
				return w, db.Invalid{Field: list.field, Code: "too_short"}
			case was != "" && was != list.hint:
				return w, db.Invalid{Field: list.field, Code: "word_taken"}
			case taken[exactly(word)]:
				return w, db.Invalid{Field: list.field, Code: "twice"}
			case was == "" && !slices.ContainsFunc(tidy, func(x string) bool { return exactly(x) == exactly(word) }):
				tidy = append(tidy, word)
			}
		}
		if len(tidy) > maxHints {
			return w, db.Invalid{Field: list.field, Code: "too_many"}
		}
		for _, word := range tidy {
			taken[exactly(word)] = true
		}
		*list.words = tidy
	}
	raw, err := json.Marshal(w)
	if err != nil {
		return w, fmt.Errorf("rules of the chat: %w", err)
	}
	if _, err := tx.Exec(`INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
		settingChat, string(raw)); err != nil {
		return w, fmt.Errorf("rules of the chat: %w", err)
	}
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: "chat_rules_saved",
		Detail: fmt.Sprintf("stop %d, start %d, page %d, greets %t", len(w.Stop), len(w.Start), len(w.Page), !w.NoGreeting)})
	d.hints.forget()
	return w, nil
}

// of expects what exactly made of a message.
func (w hintWords) of(key string) hint {
	if len(key) > 2*w.most { // as nearly every message: it says more than a word
		return ""
	}
	if h := w.exact[key]; h != "" {
		return h
	}
	return w.bare[barely(key)]
}

// hintOf tells what a message asks of the house, if it is a word that does.
func (d *Desk) hintOf(tx *db.Tx, text string) (hint, error) {
	if len(text) > maxHintBytes {
		return "", nil
	}
	key := exactly(text)
	if key == "" {
		return "", nil
	}
	if h := shippedHints().of(key); h != "" {
		return h, nil
	}
	added, err := d.addedHints(tx)
	if err != nil {
		return "", err
	}
	return added[key], nil
}

// hintCache spares a query for every short message. What another node saved is heard of
// within a quarter of a minute.
type hintCache struct {
	mu    sync.Mutex
	words map[string]hint
	till  time.Time
}

const hintCacheTime = 15 * time.Second

func (c *hintCache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.words = nil
}

func (d *Desk) addedHints(tx *db.Tx) (map[string]hint, error) {
	d.hints.mu.Lock()
	words, fresh := d.hints.words, tx.Now.Before(d.hints.till)
	d.hints.mu.Unlock()
	if words != nil && fresh {
		return words, nil
	}
	w, err := d.ChatRules(tx)
	if err != nil {
		return nil, err
	}
	words = w.hints()
	d.hints.mu.Lock()
	d.hints.words, d.hints.till = words, tx.Now.Add(hintCacheTime)
	d.hints.mu.Unlock()
	return words, nil
}
