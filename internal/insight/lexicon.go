// Package insight reads what customers write: phrases of a lexicon become tags,
// attributes and signals, with the words that caused them.
//
// It promises that a conclusion can be explained (rule, version, words) and
// taken back, that a message is read the same however often it comes, and that
// who is meant, what is denied and what is only asked are told apart as far as
// docs/insight.md says. It does not understand sentences.
package insight

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"

	"dingdong/internal/db"
)

// Lexicon is one language's file, as docs/insight.md describes it.
type Lexicon struct {
	Language  string   `yaml:"language"`
	Version   int      `yaml:"version"`
	Words     []string `yaml:"words"`
	Negation  Negation `yaml:"negation"`
	Other     []string `yaml:"other"`
	Self      []string `yaml:"self"`
	Question  Question `yaml:"question"`
	Clause    []string `yaml:"clause"`
	Condition []string `yaml:"condition"`
	Same      []string `yaml:"same"`
	Differs   []string `yaml:"differs"`
	Guards    []string `yaml:"guards"`
	Prefixes  []string `yaml:"prefixes"`
	Suffixes  []string `yaml:"suffixes"`
	Gap       int      `yaml:"gap"`
	Rules     []Rule   `yaml:"rules"`
}

// Negation is how a language denies.
type Negation struct {
	Before []string `yaml:"before"`
	After  []string `yaml:"after"`
	Except []string `yaml:"except"`
	Past   []string `yaml:"past"`
	Window int      `yaml:"window"`
}

// Question is how a language asks.
type Question struct {
	Marks  []string `yaml:"marks"`
	Words  []string `yaml:"words"`
	Final  []string `yaml:"final"`
	Doubt  []string `yaml:"doubt"`
	Or     []string `yaml:"or"`
	Except []string `yaml:"except"`
}

// Rule is what a set of phrases means.
type Rule struct {
	ID        string     `yaml:"id"`
	Phrases   []string   `yaml:"phrases"`
	Denied    []string   `yaml:"denied"`
	Unless    []string   `yaml:"unless"`
	Exact     bool       `yaml:"exact"`
	Home      bool       `yaml:"home"`
	Tag       string     `yaml:"tag"`
	Attribute *Attribute `yaml:"attribute"`
	Signal    string     `yaml:"signal"`
	Negated   *Denial    `yaml:"negated"`
	Days      int        `yaml:"days"`
	Asks      string     `yaml:"asks"`
	Reply     string     `yaml:"reply"`
}

// Attribute is a value of the card.
type Attribute struct {
	Name  string `yaml:"name"`
	Value string `yaml:"value"`
}

// Denial is what follows when she says that it is not so.
type Denial struct {
	Tag       string     `yaml:"tag"`
	Attribute *Attribute `yaml:"attribute"`
}

// Problem is why a lexicon was not taken: which line, which field, and a code
// that the locale files have below "invalid.".
type Problem struct {
	Line   int // 0: the file as a whole
	Field  string
	Code   string
	Detail string // the parser's own words, or the text in question
}

func (p Problem) Error() string {
	s := p.Field + ": " + p.Code
	if p.Line > 0 {
		s = fmt.Sprintf("line %d: %s", p.Line, s)
	}
	if p.Detail != "" {
		s += " (" + p.Detail + ")"
	}
	return s
}

// Unwrap lets doors that know nothing of lines show it as bad input.
func (p Problem) Unwrap() error { return db.Invalid{Field: "yaml", Code: p.Code} }

// What a lexicon may be at most.
const (
	maxFile    = 1 << 20
	maxPhrases = 20_000
	maxPhrase  = 80
	maxRules   = 5_000
	maxDepth   = 12
)

// ParseLexicon reads and checks one file.
func ParseLexicon(data []byte) (Lexicon, error) {
	var l Lexicon
	if err := decode(data, &l); err != nil {
		return Lexicon{}, err
	}
	if p, ok := l.check(); !ok {
		p.Line = lineOf(data, p.Field)
		return Lexicon{}, p
	}
	return l, nil
}

// decode reads strict YAML of people: no unknown fields, and none of what makes
// a small file large.
func decode(data []byte, into any) error {
	if len(data) > maxFile {
		return Problem{Field: "yaml", Code: "too_long"}
	}
	if err := harmless(data); err != nil {
		return err
	}
	err := yaml.UnmarshalWithOptions(data, into, yaml.Strict())
	if err == nil {
		return nil
	}
	p := Problem{Field: "yaml", Code: "syntax", Detail: short(err.Error())}
	var at yaml.Error
	if errors.As(err, &at) {
		p.Detail = short(at.GetMessage())
		if t := at.GetToken(); t != nil && t.Position != nil {
			p.Line = t.Position.Line
		}
	}
	return p
}

// harmless refuses aliases (a kilobyte of them can name a gigabyte) and nesting
// that no lexicon has, before anything is built from the text.
func harmless(data []byte) error {
	text := string(data)
	if db.CleanText(text) != text {
		return Problem{Field: "yaml", Code: "syntax", Detail: "NUL or broken UTF-8"}
	}
	// The scanner walks every opened bracket again and again: count them first.
	open := 0
	for i, line := range strings.Split(text, "\n") {
		open += strings.Count(line, "[") + strings.Count(line, "{") - strings.Count(line, "]") - strings.Count(line, "}")
		indent := strings.TrimLeft(line, " \t-?:!&*")
		if open > maxDepth || (len(line)-len(indent) > 80 && indent != "") || strings.Count(line[:len(line)-len(indent)], "-") > maxDepth {
			return Problem{Line: i + 1, Field: "yaml", Code: "syntax", Detail: "nested too deeply"}
		}
	}
	for _, t := range lexer.Tokenize(text) {
		switch t.Type {
		case token.AnchorType, token.AliasType, token.MergeKeyType, token.TagType:
			return Problem{Line: t.Position.Line, Field: "yaml", Code: "syntax", Detail: "anchors, aliases and types are not used here"}
		case token.DocumentHeaderType:
			if t.Prev != nil {
				return Problem{Line: t.Position.Line, Field: "yaml", Code: "syntax", Detail: "one document a file"}
			}
		}
	}
	return nil
}

// lineOf finds where the field of a problem stands, for files that were parsed.
func lineOf(data []byte, field string) int {
	path, err := yaml.PathString("$." + field)
	if err != nil {
		return 0
	}
	node, err := path.ReadNode(strings.NewReader(string(data)))
	if err != nil || node == nil || node.GetToken() == nil {
		if i := strings.LastIndexAny(field, ".["); i > 0 {
			return lineOf(data, field[:i]) // a field that is missing: its rule
		}
		return 0
	}
	return node.GetToken().Position.Line
}

func short(s string) string {
	s = strings.Join(strings.Fields(db.CleanText(s)), " ")
	if r := []rune(s); len(r) > 200 {
		s = string(r[:200])
	}
	return s
}
