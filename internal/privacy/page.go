package privacy

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"time"

	"dingdong/internal/catalogue"
	"dingdong/internal/conversation"
)

//go:embed person.html
var personPage string

// page writes what a person reads: one file without anything from elsewhere.
func (a *archive) page(w io.Writer) error {
	words := phrases()[a.language]
	day := func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
	page, err := template.New("person").Funcs(template.FuncMap{
		"say":   func(key string, pairs ...string) string { return say(words, key, pairs...) },
		"dir":   func() string { return direction(a.language) },
		"day":   day,
		"until": func(t *time.Time) string { return day(*t) },
		"money": catalogue.FormatAmount,
		"count": func(n int) string { return fmt.Sprint(n) },
	}).Parse(personPage)
	if err != nil {
		return err
	}
	err = page.ExecuteTemplate(w, "top", struct {
		Extract
		Language string
		LeftOut  int
	}{a.extract, a.language, a.leftOut})
	if err != nil {
		return err
	}
	for _, t := range a.extract.Threads {
		if err := page.ExecuteTemplate(w, "thread", t); err != nil {
			return err
		}
		err := a.each(t.ID, func(m conversation.ExtractMessage) error {
			m.File = a.names[m.ID]
			return page.ExecuteTemplate(w, "message", m)
		})
		if err != nil {
			return err
		}
		if err := page.ExecuteTemplate(w, "after", nil); err != nil {
			return err
		}
	}
	return page.ExecuteTemplate(w, "bottom", a.extract)
}
