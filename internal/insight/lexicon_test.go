package insight

import (
	"errors"
	"strings"
	"testing"

	"dingdong/internal/db"
)

const small = `language: en
version: 1
rules:
  - id: skin.dry
    phrases: ["dry skin", "skin ~ dry"]
    tag: skin:dry
`

// TestLexiconShipped checks every file that comes with the product.
func TestLexiconShipped(t *testing.T) {
	shipped, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range shipped {
		t.Run(f.Name, func(t *testing.T) {
			l, err := ParseLexicon([]byte(f.YAML))
			if err != nil {
				t.Fatal(err)
			}
			if l.Language != f.Language() || l.Version != f.Version() {
				t.Errorf("the file says it is %s, version %d", l.Language, l.Version)
			}
		})
	}
}

func TestLexiconRefused(t *testing.T) {
	for name, c := range map[string]struct {
		yaml, field, code string
		line              int
	}{
		"empty":               {"", "language", "required", 0},
		"not yaml":            {"language: [", "yaml", "syntax", 1},
		"unknown field":       {strings.Replace(small, "tag:", "tagg:", 1), "yaml", "syntax", 6},
		"field twice":         {strings.Replace(small, "version: 1", "version: 1\nversion: 2", 1), "yaml", "syntax", 3},
		"unknown language":    {strings.Replace(small, "en", "xx", 1), "language", "unknown", 1},
		"no version":          {strings.Replace(small, "version: 1\n", "", 1), "version", "range", 0},
		"no rules":            {"language: en\nversion: 1\n", "rules", "required", 0},
		"no phrases":          {strings.Replace(small, `["dry skin", "skin ~ dry"]`, "[]", 1), "rules[0].phrases", "required", 5},
		"empty phrase":        {strings.Replace(small, "dry skin", " ", 1), "rules[0].phrases[0]", "required", 5},
		"phrase of signs":     {strings.Replace(small, "dry skin", "!!", 1), "rules[0].phrases[0]", "format", 5},
		"phrase twice":        {strings.Replace(small, "skin ~ dry", "dry skin", 1), "rules[0].phrases[1]", "taken", 5},
		"phrase too long":     {strings.Replace(small, "dry skin", strings.Repeat("x", 81), 1), "rules[0].phrases[0]", "too_long", 5},
		"half a gap":          {strings.Replace(small, "skin ~ dry", "skin ~ ", 1), "rules[0].phrases[1]", "format", 5},
		"id of other letters": {strings.Replace(small, "skin.dry", "Skin Dry", 1), "rules[0].id", "format", 4},
		"id twice":            {small + "  - id: skin.dry\n    phrases: [parched]\n    tag: skin:dry\n", "rules[1].id", "taken", 7},
		"nothing concluded":   {strings.Replace(small, "    tag: skin:dry\n", "", 1), "rules[0].tag", "required", 4},
		"bad tag":             {strings.Replace(small, "tag: skin:dry", "tag: skin dry", 1), "rules[0].tag", "format", 6},
		"bad attribute":       {small + "    attribute: {name: Skin, value: x}\n", "rules[0].attribute.name", "format", 7},
		"no value":            {small + "    attribute: {name: skin_type, value: ''}\n", "rules[0].attribute.value", "required", 7},
		"asks":                {small + "    asks: maybe\n", "rules[0].asks", "unknown", 7},
		"alias":               {small + "guards: *x\n", "yaml", "syntax", 7},
		"anchor":              {small + "guards: &x [a]\n", "yaml", "syntax", 7},
		"deep":                {"guards: " + strings.Repeat("[", 5000), "yaml", "syntax", 1},
		"deep by lines":       {"rules:\n" + strings.Repeat("- ", 5000), "yaml", "syntax", 2},
		"two documents":       {small + "---\n" + small, "yaml", "syntax", 7},
		"NUL":                 {"language: \x00", "yaml", "syntax", 0},
		"too large":           {strings.Repeat("#", maxFile+1), "yaml", "too_long", 0},
		"gap in a guard":      {small + "guards: [a ~ b]\n", "guards[0]", "format", 7},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ParseLexicon([]byte(c.yaml))
			var p Problem
			if !errors.As(err, &p) {
				t.Fatalf("got %v", err)
			}
			var invalid db.Invalid
			if p.Field != c.field || p.Code != c.code || p.Line != c.line || !errors.As(err, &invalid) {
				t.Errorf("%v, want line %d: %s: %s", p, c.line, c.field, c.code)
			}
		})
	}
}

func FuzzParseLexicon(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte("language: en\nrules: [{id: a, phrases: [b]}]"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if l, err := ParseLexicon(data); err == nil {
			if _, err := Compile([]Lexicon{l}); err != nil {
				t.Errorf("a lexicon that was taken does not compile: %v", err)
			}
		}
	})
}
