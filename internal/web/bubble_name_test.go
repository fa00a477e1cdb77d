package web

import "testing"

// Which of ours spoke is said in words: no bubble shows the id of a handover.
func TestAutomationName(t *testing.T) {
	h := newHouse(t)
	for id, want := range map[string]string{
		"choose":           "Automatic answer",
		"stay":             "Automatic · staying in touch",
		"handover/hov_123": "Automatic · handover",
		"tok_1":            "Automatic · tok_1",
		"Stock robot":      "Automatic · Stock robot",
	} {
		if got := automationName(h.languages.byTag["en"], id); got != want {
			t.Errorf("%s: %q, want %q", id, got, want)
		}
	}
}
