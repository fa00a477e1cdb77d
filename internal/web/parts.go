package web

import (
	"hash/fnv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Avatar is a person's round picture or letter, with her channel in the corner.
type Avatar struct {
	ID      string // chooses the tint, so that she keeps it when her name changes
	Name    string
	Picture string // an address of ours; empty: her first letter
	Channel string // channel.Kind, or empty
	Size    string // "", "small" or "large"
}

// Letter is the first letter or character of her name.
func (a Avatar) Letter() string {
	for _, r := range strings.TrimSpace(a.Name) {
		if unicode.IsLetter(r) || unicode.IsNumber(r) {
			return string(unicode.ToUpper(r))
		}
	}
	r, _ := utf8.DecodeRuneInString(strings.TrimSpace(a.Name))
	if r == utf8.RuneError {
		return "?"
	}
	return string(r)
}

// tints is the number of avatar tints in app.css.
const tints = 6

// Tint is one of the six tints.
func (a Avatar) Tint() int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(a.ID))
	return int(h.Sum32() % tints)
}

// Pill is a short state. Tones: "" (paper), "ink", "rouge" (solid), "soft" (soft
// rouge), "amber", "green", "line" (outlined).
type Pill struct {
	Tone string
	Text string
}

// Empty is a designed state with one sentence and, at most, one action: nothing
// here, not loaded, not found.
type Empty struct {
	Icon, Title, Text string
	ActionPath        string
	ActionText        string
}

// Action adds the one thing to do.
func (e Empty) Action(path, text string) Empty {
	e.ActionPath, e.ActionText = path, text
	return e
}

// Toast is a message that passes. Tones: "good", "bad", "".
type Toast struct {
	Tone      string
	Text      string
	Reference string
}

// Me is the viewer's own picture in the navigation.
func (f Frame) Me() Avatar { return Avatar{ID: f.ID, Name: f.Name, Size: "small"} }

// Thanks is the toast for something that was saved.
func (f Frame) Thanks() Toast { return Toast{Tone: "good", Text: f.Done} }
