package privacy

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"time"

	"dingdong/internal/catalogue"
	"dingdong/internal/conversation"
	"dingdong/internal/customer"
)

//go:embed person.html
var personPage string

// page writes what a person reads: one file without anything from elsewhere.
func (a *archive) page(w io.Writer) error {
	words := phrases()[a.language]
	zone := a.zone()
	clock := func(layout string) func(t time.Time) string {
		return func(t time.Time) string { return kept(a.language, t.In(zone).Format(layout)) }
	}
	day := clock("2006-01-02 15:04")
	page, err := template.New("person").Funcs(template.FuncMap{
		"say":       func(key string, pairs ...string) string { return say(words, key, pairs...) },
		"dir":       func() string { return direction(a.language) },
		"made":      clock("2006-01-02 15:04 UTC-07:00"), // by which clock, is said once
		"day":       day,
		"until":     func(t *time.Time) string { return day(*t) },
		"money":     catalogue.FormatAmount,
		"count":     func(n int) string { return fmt.Sprint(n) },
		"attribute": a.attribute,
		"value":     a.value,
		"tag":       a.tag,
		"heard":     a.heard,
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

// zone is the clock of the counter that she wrote to first.
func (a *archive) zone() *time.Location {
	for _, t := range a.extract.Threads {
		if zone, err := time.LoadLocation(t.Zone); err == nil && t.Zone != "" {
			return zone
		}
	}
	return time.UTC
}

// kept holds a date together in a line that is written from the right.
func kept(language, text string) string {
	if direction(language) == "rtl" {
		return "\u2066" + text + "\u2069"
	}
	return text
}

// attribute is what an attribute is called in her language.
func (a *archive) attribute(name string) string {
	if d, known := a.defs[name]; known && a.r.Words != nil {
		return a.r.Words.Attribute(a.language, d)
	}
	return name
}

func (a *archive) value(name, value string) string {
	if d, known := a.defs[name]; known && a.r.Words != nil {
		return a.r.Words.Value(a.language, d, value)
	}
	return value
}

func (a *archive) tag(t customer.ExtractTag) string {
	if t.Tag != t.Name || a.r.Words == nil { // the group's own words
		return t.Tag
	}
	return a.r.Words.Tag(a.language, t.Name)
}

// heard is what a message was about: a tag, an attribute or a topic.
func (a *archive) heard(kind, about string) string {
	if kind == "attribute" {
		return a.attribute(about)
	}
	return a.tag(customer.ExtractTag{Tag: about, Name: about})
}
