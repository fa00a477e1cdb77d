package web

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/insight"
)

// triedView is what lexicons make of sentences, for the part "tried".
type triedView struct {
	Problem  *problemView
	Lines    []triedLine
	Compared bool   // with what is live
	Summary  string // of the comparison
}

// problemView is why nothing could be tried.
type problemView struct {
	Line int // of the text in the editor; 0: none
	Text string
}

// triedLine is one sentence.
type triedLine struct {
	Pieces   []textPiece
	Findings []triedFinding
	Gone     []triedFinding // what is live finds it, this text does not
}

// textPiece is a part of a sentence; with a stance it is what a rule heard.
type textPiece struct{ Text, Stance string }

// triedFinding is one finding in words.
type triedFinding struct {
	Label, Stance, Said string // Stance is its code, Said its word
	Words, Rule         string
	Card                string // what of it goes on her card; empty: nothing
	Fresh               bool   // what is live does not find it
	key                 string
}

// What can be tried at once.
const (
	mostSentences   = 100
	longestSentence = 2000
)

// typedSentences are the lines that are not empty.
func typedSentences(text string) ([]string, error) {
	var out []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(db.CleanText(line)); line == "" {
			continue
		}
		if utf8.RuneCountInString(line) > longestSentence {
			return nil, db.Invalid{Field: "sentences", Code: "too_long"}
		}
		out = append(out, line)
	}
	switch {
	case len(out) == 0:
		return nil, db.Invalid{Field: "sentences", Code: "required"}
	case len(out) > mostSentences:
		return nil, db.Invalid{Field: "sentences", Code: "too_many"}
	}
	return out, nil
}

// tryLexicon reads sentences with the text in the editor, and with what is live.
func (s *Server) tryLexicon(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	language, err := wordsLanguage(r)
	if err != nil {
		return err
	}
	form := r.PostForm
	form.Set("yaml", typedLexicon(form))
	f := Form{Values: form}
	tried, err := s.tryBoth(v, language, form.Get("yaml"), form.Get("sentences"))
	var p insight.Problem
	switch {
	case errors.As(err, &p):
		tried.Problem = &problemView{Line: p.Line, Text: problemText(v.Words, p)}
		f.Refuse("yaml", p.Code)
	case f.Take(err):
		tried.Problem = &problemView{Text: invalidText(v.Words, f.Errors["sentences"])}
	case err != nil:
		return err
	}
	if v.Partial {
		return s.render(w, v, view{Page: "admin_editor", Block: "tried", Status: f.status(), Data: tried})
	}
	r.SetPathValue("version", form.Get("version"))
	return s.editorPage(w, v, f, tried)
}

func (s *Server) tryBoth(v *Visit, language, yaml, typed string) (triedView, error) {
	sentences, err := typedSentences(typed)
	if err != nil {
		return triedView{}, err
	}
	with, err := insight.Try(yaml, sentences)
	if err != nil {
		return triedView{}, err
	}
	live := ""
	err = s.DB.Read(v.request.Context(), func(tx *db.Tx) error {
		all, err := s.Reader.Versions(tx, v.Viewer, language)
		for _, x := range all {
			if err == nil && x.State == insight.StateLive {
				x, err = s.Reader.Version(tx, v.Viewer, x.ID)
				live = x.YAML
			}
		}
		return err
	})
	if err != nil {
		return triedView{}, err
	}
	without, err := insight.Try(live, sentences)
	tried := triedView{Compared: err == nil} // a live text that cannot be read finds nothing to compare with
	changed := 0
	for i, result := range with {
		line := s.triedLine(v, result.Text, result.Findings)
		if tried.Compared {
			before := s.triedLine(v, result.Text, without[i].Findings).Findings
			for n := range line.Findings {
				line.Findings[n].Fresh = !slices.ContainsFunc(before, line.Findings[n].same)
			}
			for _, b := range before {
				if !slices.ContainsFunc(line.Findings, b.same) {
					line.Gone = append(line.Gone, b)
				}
			}
			if len(line.Gone) > 0 || slices.ContainsFunc(line.Findings, func(x triedFinding) bool { return x.Fresh }) {
				changed++
			}
		}
		tried.Lines = append(tried.Lines, line)
	}
	if tried.Compared {
		tried.Summary = v.T("words.unchanged")
		if changed > 0 {
			tried.Summary = v.T("words.changed", "n", changed)
		}
	}
	return tried, nil
}

func (x triedFinding) same(other triedFinding) bool { return x.key == other.key }

func (s *Server) triedLine(v *Visit, text string, findings []insight.Finding) triedLine {
	line := triedLine{Pieces: cutText(text, findings)}
	for _, f := range findings {
		x := triedFinding{Label: s.aboutFinding(v.Words, f), Stance: string(f.Stance), Said: v.T("words.stance." + string(f.Stance)), Words: f.Words, Rule: f.Language + " · " + f.Rule,
			Card: s.concluded(v.Words, f)}
		// Other words that say the same change nothing for her.
		x.key = strings.Join([]string{string(f.Kind), f.About, string(f.Stance), x.Card}, "\x00")
		line.Findings = append(line.Findings, x)
	}
	return line
}

// concluded says what goes on her card.
func (s *Server) concluded(w *Words, f insight.Finding) string {
	var parts []string
	if f.Conclusion.Tag != "" {
		parts = append(parts, s.TagLabel(w, f.Conclusion.Tag, ""))
	}
	if a := f.Conclusion.Attribute; a.Name != "" {
		parts = append(parts, s.aboutFinding(w, insight.Finding{Kind: insight.KindAttribute, About: a.Name + "=" + a.Value}))
	}
	return strings.Join(parts, w.T("admin.list_comma"))
}

// cutText cuts a text where findings begin and end.
func cutText(text string, findings []insight.Finding) []textPiece {
	cuts := []int{0, len(text)}
	for _, f := range findings {
		cuts = append(cuts, f.From, f.To)
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	var out []textPiece
	for i := range len(cuts) - 1 {
		piece := textPiece{Text: text[cuts[i]:cuts[i+1]]}
		for _, f := range findings {
			if f.From <= cuts[i] && cuts[i+1] <= f.To {
				piece.Stance = string(f.Stance)
				break
			}
		}
		out = append(out, piece)
	}
	return out
}

// aboutFinding says what was mentioned, in words.
func (s *Server) aboutFinding(w *Words, f insight.Finding) string {
	switch f.Kind {
	case insight.KindSignal:
		if key := "known.signal." + f.About; w.Has(key) {
			return w.T(key)
		}
	case insight.KindAttribute:
		name, value, _ := strings.Cut(f.About, "=")
		shown := value
		if kind := facetsOf[name]; kind != "" {
			shown = s.TagLabel(w, kind+":"+value, "")
		} else if key := "attribute." + name + "." + value; w.Has(key) {
			shown = w.T(key)
		} else if key := "card." + value; w.Has(key) { // yes and no
			shown = w.T(key)
		}
		return w.T("known.is", "name", attributeName(w, customer.AttributeDef{Name: name}), "value", shown)
	}
	return s.TagLabel(w, f.About, "")
}
