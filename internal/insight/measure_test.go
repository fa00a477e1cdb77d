package insight_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"dingdong/internal/insight"
)

var (
	update  = flag.Bool("update", false, "write what was measured into docs/insight.md and testdata/measured.yaml")
	explain = flag.String("explain", "", "list what was read wrongly in the dev sentences of a language")
)

// score counts labels: found rightly, found wrongly, missed.
type score struct{ right, wrong, missed int }

func (s *score) add(o score) {
	s.right, s.wrong, s.missed = s.right+o.right, s.wrong+o.wrong, s.missed+o.missed
}

func (s score) precision() float64 { return share(s.right, s.right+s.wrong) }
func (s score) recall() float64    { return share(s.right, s.right+s.missed) }

func share(n, of int) float64 {
	if of == 0 {
		return 1
	}
	return float64(n) / float64(of)
}

var (
	classes   = []string{"hit", "negated", "other", "question", "none"}
	languages = []string{"zh-Hant", "zh-Hans", "en", "id", "ms", "ar", "th", "vi"}
)

// coarse says which word of the labels a finer tag falls under, as the README of
// the sentences has it: cream and toner are skincare, whitening is dullness.
var coarse = map[string]string{
	"concern:dry": "skin:dry", "concern:oily": "skin:oily", "skin:sensitive": "concern:sensitive",
	"category:cream": "category:skincare", "category:toner": "category:skincare", "category:eye_cream": "category:skincare",
	"category:remover": "category:cleanser", "category:concealer": "category:makeup", "category:eyeshadow": "category:makeup",
	"category:blush": "category:makeup", "concern:acne_marks": "concern:dark_spots", "wish:brightening": "concern:dullness",
}

// meaning is what a label and a finding are compared by: a skin that is dry is
// one meaning, whether it is called the type of skin or a concern.
func meaning(about string) string {
	if word, ok := coarse[about]; ok {
		return word
	}
	return about
}

// heard are the meanings of a sentence with their stances: "said skin:dry".
func heard(r *insight.Reader, text string) []string {
	var out []string
	for _, f := range r.Read(text) {
		about := f.About
		switch f.Kind {
		case insight.KindSignal:
			about = "signal:" + about
		case insight.KindAttribute:
			// The undertone has no tag; what the others say, a tag of the same rule says.
			name, value, _ := strings.Cut(about, "=")
			if name != "undertone" {
				continue
			}
			about = name + ":" + value
		}
		// What the labels have no word for can be neither right nor wrong.
		about = meaning(about)
		if kind, value, _ := strings.Cut(about, ":"); slices.Contains(strings.Fields(vocabulary[kind]), value) {
			out = append(out, string(f.Stance)+" "+about)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// grade compares what was heard with the labels.
func grade(got, want []string) score {
	var s score
	for _, g := range got {
		if slices.Contains(want, g) {
			s.right++
		} else {
			s.wrong++
		}
	}
	s.missed = len(want) - s.right
	return s
}

func shippedReader(t testing.TB) *insight.Reader {
	t.Helper()
	files, err := insight.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	var all []insight.Lexicon
	for _, f := range files {
		l, err := insight.ParseLexicon([]byte(f.YAML))
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		all = append(all, l)
	}
	r, err := insight.Compile(all)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// measured is every score, by set, language and class; class "all" is their sum.
type measured map[string]map[string]map[string]*score

func (m measured) at(set, language, class string) *score {
	if m[set] == nil {
		m[set] = map[string]map[string]*score{}
	}
	if m[set][language] == nil {
		m[set][language] = map[string]*score{}
	}
	if m[set][language][class] == nil {
		m[set][language][class] = &score{}
	}
	return m[set][language][class]
}

func measure(t *testing.T) measured {
	r := shippedReader(t)
	m := measured{}
	for _, language := range languages {
		data, err := os.ReadFile(filepath.Join("testdata", "sentences", language+".yaml"))
		if err != nil {
			t.Fatal(err)
		}
		var rows []labelled
		if err := yaml.UnmarshalWithOptions(data, &rows, yaml.Strict()); err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			var want []string
			for _, e := range row.Expect {
				want = append(want, e.Stance+" "+meaning(e.About))
			}
			slices.Sort(want)
			want = slices.Compact(want)
			got := heard(r, row.Text)
			s := grade(got, want)
			m.at(row.Set, language, row.Class).add(s)
			m.at(row.Set, language, "all").add(s)
			if *explain == language && row.Set == "dev" && (s.wrong > 0 || s.missed > 0) {
				t.Logf("%s %q\n   got  %q\n   want %q", row.Class, row.Text, got, want)
			}
		}
	}
	return m
}

// floors are the recorded figures in hundredths, "precision recall", by language.
type floors map[string]string

const floorFile = "testdata/measured.yaml"

func (m measured) floors() floors {
	f := floors{}
	for _, set := range []string{"test", "dev"} {
		for _, language := range languages {
			s := m.at(set, language, "all")
			f[set+" "+language] = fmt.Sprintf("%d %d", int(100*s.precision()), int(100*s.recall()))
		}
	}
	return f
}

// TestMeasure holds what the shipped lexicons read against the recorded figures,
// so that a change that makes a language worse shows. Run it with -update to
// record what is so now, and look at the difference.
func TestMeasure(t *testing.T) {
	m := measure(t)
	now := m.floors()
	if *update {
		data, err := yaml.Marshal(now)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(floorFile, data, 0o644); err != nil {
			t.Fatal(err)
		}
		writeDoc(t, m)
		return
	}
	data, err := os.ReadFile(floorFile)
	if err != nil {
		t.Fatal(err)
	}
	recorded := floors{}
	if err := yaml.Unmarshal(data, &recorded); err != nil {
		t.Fatal(err)
	}
	if len(recorded) != len(now) {
		t.Fatalf("%d figures are recorded, there are %d", len(recorded), len(now))
	}
	for key, line := range recorded {
		var precision, recall, p, r int
		if _, err := fmt.Sscan(line, &precision, &recall); err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		if _, err := fmt.Sscan(now[key], &p, &r); err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		if p < precision || r < recall {
			t.Errorf("%s: precision %d recall %d, recorded are %d and %d", key, p, r, precision, recall)
		}
	}
}

const (
	docFile  = "../../docs/insight.md"
	docBegin = "<!-- measured: written by go test ./internal/insight -run TestMeasure -update -->\n"
	docEnd   = "<!-- end of measured -->\n"
)

func writeDoc(t *testing.T, m measured) {
	data, err := os.ReadFile(docFile)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(data), docBegin)
	_, tail, ok2 := strings.Cut(rest, docEnd)
	if !ok || !ok2 {
		t.Fatal("docs/insight.md has no place for the figures")
	}
	if err := os.WriteFile(docFile, []byte(head+docBegin+m.tables()+docEnd+tail), 0o644); err != nil {
		t.Fatal(err)
	}
}

// tables are the figures as the document shows them, none left out.
func (m measured) tables() string {
	var b strings.Builder
	for _, set := range []string{"test", "dev"} {
		title := "Sentences never looked at while the lexicons were written (`test`)"
		if set == "dev" {
			title = "Sentences that were tuned on (`dev`)"
		}
		fmt.Fprintf(&b, "\n%s, precision / recall in per cent:\n\n| language | all | %s |\n|%s\n", title, strings.Join(classes, " | "), strings.Repeat("---|", len(classes)+2))
		sum := map[string]*score{}
		for _, language := range languages {
			fmt.Fprintf(&b, "| %s |", language)
			for _, class := range append([]string{"all"}, classes...) {
				s := m.at(set, language, class)
				if sum[class] == nil {
					sum[class] = &score{}
				}
				sum[class].add(*s)
				fmt.Fprintf(&b, " %s |", s.cell(class))
			}
			b.WriteString("\n")
		}
		b.WriteString("| together |")
		for _, class := range append([]string{"all"}, classes...) {
			fmt.Fprintf(&b, " %s |", sum[class].cell(class))
		}
		b.WriteString("\n")
	}
	b.WriteString("\n")
	return b.String()
}

// cell: in sentences that say nothing there is nothing to recall, only what was
// found wrongly.
func (s score) cell(class string) string {
	if class == "none" {
		return fmt.Sprintf("%d wrong", s.wrong)
	}
	return fmt.Sprintf("%.0f / %.0f (%d)", 100*s.precision(), 100*s.recall(), s.right+s.missed)
}
