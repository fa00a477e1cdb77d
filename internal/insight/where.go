package insight

import (
	"slices"
	"strings"

	"dingdong/internal/customer"
	"dingdong/internal/db"
)

// Stretch is a part of a text: the bytes from From up to To.
type Stretch struct{ From, To int }

// Where tells where in a message the words stand that some proofs of it rest on, in
// order and apart from each other. Only the words are kept with a proof, not their place:
// the message is read again, and counts where the same rule finds the same words. A
// lexicon that has changed since may find them no more; then there is no stretch.
func (r *Room) Where(tx *db.Tx, text string, proofs []customer.Proof) ([]Stretch, error) {
	reader, err := r.Live(tx)
	if err != nil {
		return nil, err
	}
	var all []Stretch
	for _, f := range reader.Read(text) {
		if slices.ContainsFunc(proofs, func(p customer.Proof) bool { return rule(p.Rule) == rule(f.Name()) && p.Cause == cause(text, f) }) {
			all = append(all, Stretch{f.From, f.To})
		}
	}
	slices.SortFunc(all, func(a, b Stretch) int { return a.From - b.From })
	var out []Stretch
	for _, s := range all {
		if n := len(out); n > 0 && s.From <= out[n-1].To {
			out[n-1].To = max(out[n-1].To, s.To)
			continue
		}
		out = append(out, s)
	}
	return out, nil
}

// rule is a rule's name without the version of its lexicon: an edit elsewhere in it
// changes nothing for this one.
func rule(name string) string {
	language, rest, _ := strings.Cut(name, "/")
	_, id, _ := strings.Cut(rest, "/")
	return language + "/" + id
}
