package app

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// row is what a command tells about one thing: its id, then the rest in order.
type row struct {
	id   string
	rest []column
}

// column is one word of a row. Its value is a string, a number, a bool, a time
// or a list of strings; what is absent is "-" for people and null or empty in JSON.
type column struct {
	key      string
	value    any
	jsonOnly bool
}

func shown(key string, value any) column { return column{key: key, value: value} }

// detail is told in JSON only: people would lose the line in it.
func detail(key string, value any) column { return column{key: key, value: value, jsonOnly: true} }

func told(id string, rest ...column) row { return row{id, rest} }

// tell prints lines.
func (a *adminCommand) tell(c *call, lines []row) error {
	out := bufio.NewWriter(c.Out)
	for _, l := range lines {
		text, err := l.text(), error(nil)
		if a.JSON {
			text, err = l.json()
		}
		if err != nil {
			return err
		}
		fmt.Fprintln(out, text) // Flush tells of a fault
	}
	return out.Flush()
}

func (l row) json() (string, error) {
	var out bytes.Buffer
	for i, c := range append([]column{{key: "id", value: l.id}}, l.rest...) {
		out.WriteByte("{,"[min(i, 1)])
		value := c.value
		switch v := value.(type) {
		case time.Time:
			if value = nil; !v.IsZero() {
				value = v.UTC().Format(time.RFC3339)
			}
		case []string:
			if v == nil {
				value = []string{}
			}
		}
		raw, err := json.Marshal(value)
		if err != nil {
			return "", fmt.Errorf("print %s: %w", c.key, err)
		}
		fmt.Fprintf(&out, "%q:%s", c.key, raw)
	}
	out.WriteByte('}')
	return out.String(), nil
}

func (l row) text() string {
	words := []string{l.id}
	for _, c := range l.rest {
		if !c.jsonOnly {
			words = append(words, word(c.value))
		}
	}
	return strings.Join(words, "\t")
}

// word is a value in one column: names and what platforms say may hold tabs,
// line breaks, or what a terminal would obey.
func word(value any) string {
	var s string
	switch v := value.(type) {
	case time.Time:
		if !v.IsZero() {
			s = v.UTC().Format(time.RFC3339)
		}
	case []string:
		s = strings.Join(v, ",")
	default:
		s = fmt.Sprint(v)
	}
	s = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control) {
			return ' '
		}
		return r
	}, s))
	if s == "" {
		return "-"
	}
	return s
}

// openOrClosed is the state of what can be closed.
func openOrClosed(closed bool) column {
	if closed {
		return shown("state", "closed")
	}
	return shown("state", "open")
}
