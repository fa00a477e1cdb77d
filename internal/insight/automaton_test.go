package insight

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestAutomatonFindsWhatSearchingFinds holds it against a search for each pattern.
func TestAutomatonFindsWhatSearchingFinds(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	word := func(letters string, most int) string {
		b := make([]byte, 1+rnd.IntN(most))
		for i := range b {
			b[i] = letters[rnd.IntN(len(letters))]
		}
		return string(b)
	}
	for round := range 200 {
		letters := "ab"
		if round%2 == 1 {
			letters = "abc\xe4\xb9\x81 \xff\x00"
		}
		set := map[string]bool{}
		for range 1 + rnd.IntN(60) {
			set[word(letters, 6)] = true
		}
		patterns := sortedKeys(set)
		text := []byte(word(letters, 200))
		type at struct{ pattern, end int }
		var got, want []at
		newAutomaton(patterns).find(text, func(p int32, end int) { got = append(got, at{int(p), end}) })
		for p, s := range patterns {
			for i := range text {
				if bytes.HasPrefix(text[i:], []byte(s)) {
					want = append(want, at{p, i + len(s)})
				}
			}
		}
		order := func(a, b at) int { return (a.end-b.end)*1000 + a.pattern - b.pattern }
		slices.SortFunc(got, order)
		slices.SortFunc(want, order)
		if !slices.Equal(got, want) {
			t.Fatalf("round %d: %d of %d matches in %q of %q", round, len(got), len(want), text, patterns)
		}
	}
}
