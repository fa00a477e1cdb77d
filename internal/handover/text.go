package handover

import (
	"database/sql"
	"embed"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"dingdong/internal/channel"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

//go:embed words/*.json
var wordFiles embed.FS

// words are what customers read of a handover, by language. They are read once; nothing
// changes them.
var words = sync.OnceValue(func() map[string]map[string]string {
	all := map[string]map[string]string{}
	for _, language := range staff.SpokenLanguages() {
		raw, err := wordFiles.ReadFile("words/" + language + ".json")
		if err != nil {
			panic(err) // the binary was built without it
		}
		one := map[string]string{}
		if err := json.Unmarshal(raw, &one); err != nil {
			panic(fmt.Errorf("words/%s.json: %w", language, err))
		}
		all[language] = one
	}
	return all
})

const maxText = 1000 // letters: what every channel takes in one message

// mustSay stands in every text: a customer has to know who takes over.
const mustSay = "{colleague}"

// Text is what customers of one language are told.
type Text struct {
	Language string
	Body     string
	Changed  bool   // it is not the shipped one
	Example  string // as a customer reads it
}

// Texts returns what customers are told, by language, in the order of the languages.
func (r *Room) Texts(tx *db.Tx, h Handover) ([]Text, error) {
	own, err := ownTexts(tx, h)
	if err != nil {
		return nil, err
	}
	example := naming{advisor: h.LeaverName}
	if len(h.Counters) > 0 {
		if example, err = r.naming(tx, h, h.Counters[0]); err != nil {
			return nil, err
		}
	}
	var out []Text
	for _, language := range staff.SpokenLanguages() {
		t := Text{Language: language, Body: words()[language][string(h.Kind)]}
		if body, changed := own[language]; changed {
			t.Body, t.Changed = body, true
		}
		t.Example = example.fill(t.Body, language, "…")
		out = append(out, t)
	}
	return out, nil
}

func ownTexts(tx *db.Tx, h Handover) (map[string]string, error) {
	rows, err := tx.Query(`SELECT language, body FROM handover_text WHERE handover_id = $1`, h.ID)
	list, err := db.Collect(rows, err, func(r *sql.Rows) (t [2]string, err error) { return t, r.Scan(&t[0], &t[1]) })
	if err != nil {
		return nil, fmt.Errorf("texts of a handover: %w", err)
	}
	own := map[string]string{}
	for _, t := range list {
		own[t[0]] = t[1]
	}
	return own, nil
}

// SaveTexts changes what customers who are not told yet will read. A text that is empty,
// or the shipped one, is the shipped one again.
func (r *Room) SaveTexts(tx *db.Tx, v staff.Viewer, id string, texts []Text) error {
	h, err := r.change(tx, v, id)
	if err != nil {
		return err
	}
	if !h.ClosedAt.IsZero() || h.State == Returning || h.State == Cancelling {
		return fixed("handover")
	}
	for _, t := range texts {
		shipped, known := words()[t.Language]
		body := strings.TrimSpace(db.CleanText(strings.ReplaceAll(t.Body, "\r\n", "\n")))
		field := "text." + t.Language
		switch {
		case !known:
			return db.Invalid{Field: "language", Code: "unknown"}
		case utf8.RuneCountInString(body) > maxText:
			return db.Invalid{Field: field, Code: "too_long"}
		case body != "" && !strings.Contains(body, mustSay):
			return db.Invalid{Field: field, Code: "no_colleague"}
		}
		if _, err := tx.Exec(`DELETE FROM handover_text WHERE handover_id = $1 AND language = $2`, h.ID, t.Language); err != nil {
			return fmt.Errorf("save text: %w", err)
		}
		if body == "" || body == shipped[string(h.Kind)] {
			continue
		}
		if _, err := tx.Exec(`INSERT INTO handover_text (handover_id, language, body) VALUES ($1, $2, $3)`, h.ID, t.Language, body); err != nil {
			return fmt.Errorf("save text: %w", err)
		}
	}
	note(tx, v.ID, "texts", h, "")
	return nil
}

// naming are the names that fill a text.
type naming struct {
	advisor, counter string
	until            time.Time // in the store's zone
}

func (r *Room) naming(tx *db.Tx, h Handover, counterID string) (naming, error) {
	n := naming{advisor: h.LeaverName}
	c, err := staff.GetCounter(tx, counterID)
	if err != nil {
		return n, err
	}
	n.counter = c.Name
	s, err := staff.GetStore(tx, c.StoreID)
	if err != nil {
		return n, err
	}
	zone, err := time.LoadLocation(s.Timezone)
	if err != nil { // the machine forgot a zone that it knew when the store was saved
		zone = time.UTC
	}
	n.until = h.Ends.In(zone)
	return n, nil
}

// fill puts names where the placeholders stand. Colleague empty: the counter's team.
func (n naming) fill(body, language, colleague string) string {
	if colleague == "" {
		colleague = words()[language]["team"]
	}
	return strings.NewReplacer("{advisor}", n.advisor, "{counter}", n.counter, mustSay, colleague, "{until}", day(n.until, language)).Replace(body)
}

// day writes a day without the names of months: digits are read in every language.
func day(t time.Time, language string) string {
	switch base(language) {
	case "zh":
		return t.Format("1月2日")
	case "en":
		return t.Format("2 January")
	}
	return t.Format("2/1")
}

// buttons are what a customer can tap beneath the news.
func buttons(language, itemID string) []channel.Choice {
	w := words()[language]
	return []channel.Choice{
		{Label: w["fine"], Data: conversation.DataHandover(itemID, conversation.HandoverFine)},
		{Label: w["other"], Data: conversation.DataHandover(itemID, conversation.HandoverOther)},
		{Label: w["stop"], Data: conversation.DataHandover(itemID, conversation.HandoverStop)},
	}
}
