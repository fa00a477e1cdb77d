package web

import (
	"html/template"
	"strconv"
	"strings"
)

// markup writes the HTML of what pages hold by the dozen: rows, faces, bubbles. As
// templates they took half of the time that an inbox costs, nearly all of it in looking up
// fields by their names (ADR 0007). What it may write as it stands is text of this program;
// everything else is escaped, and there is no other way in.
type markup struct {
	words *Words
	icons map[string]template.HTML
	b     []byte
}

// literal is text that stands in the source: no variable of another type becomes one
// without being told so, which nothing in this package does.
type literal string

// drawer makes the word of the templates that draws one kind of thing in a language.
func drawer[T any](p *pages, w *Words, draw func(*markup, T)) func(T) template.HTML {
	return func(x T) template.HTML {
		m := markup{words: w, icons: p.icons, b: make([]byte, 0, 1024)}
		draw(&m, x)
		return template.HTML(m.b)
	}
}

// raw writes markup of the source.
func (m *markup) raw(s literal) *markup {
	m.b = append(m.b, s...)
	return m
}

// when writes markup of the source if something is so.
func (m *markup) when(is bool, s literal) *markup {
	if is {
		m.b = append(m.b, s...)
	}
	return m
}

// text writes words between tags or in a quoted attribute.
func (m *markup) text(s string) *markup {
	if strings.ContainsAny(s, "'\"&<>\x00") {
		s = template.HTMLEscapeString(s)
	}
	m.b = append(m.b, s...)
	return m
}

// number writes a number.
func (m *markup) number(n int64) *markup {
	m.b = strconv.AppendInt(m.b, n, 10)
	return m
}

// html writes what is markup already, by its type.
func (m *markup) html(h template.HTML) *markup {
	m.b = append(m.b, h...)
	return m
}

// icon writes a symbol of the sprite.
func (m *markup) icon(name string) *markup { return m.html(m.icons[name]) }

// link writes an address into a quoted attribute: one of ours or of the web. Any other
// scheme would be a script, and leads nowhere.
func (m *markup) link(url string) *markup {
	if !strings.HasPrefix(url, "/") && !strings.HasPrefix(url, "https://") && !strings.HasPrefix(url, "http://") {
		url = "#"
	}
	return m.text(url)
}
