package web

import (
	"errors"
	"html/template"
	"io"
	"slices"
	"strings"
	"testing"
	"text/template/parse"
)

// Words that are folded into a page as text bypass html/template, which would escape them
// for the place where they stand. So each must stand where the escaping of text is right:
// what html/template itself would have called there says where that is.
func TestWordsStandWhereTheyAreText(t *testing.T) {
	h := newHouse(t)
	escapers := map[string][]string{
		"t":      {"_html_template_htmlescaper", "_html_template_attrescaper", "_html_template_rcdataescaper"},
		"icon":   {"_html_template_htmlescaper"},
		"static": {"_html_template_attrescaper", "_html_template_urlfilter", "_html_template_urlnormalizer"},
	}
	words := h.languages.byTag[fallback]
	seen := map[string]int{}
	for name := range pageTypes {
		file, block, _ := strings.Cut(name, "#")
		if block == "" {
			block = "layout"
		}
		needed := must(h.pages.parts.of(h.pages.files, "layout.html", file+".html"))
		x := must(template.New("").Funcs(h.pages.funcs(words)).ParseFS(h.pages.files, needed...))
		var bad *template.Error
		if err := x.ExecuteTemplate(io.Discard, block, nil); errors.As(err, &bad) { // data is not needed to escape
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, part := range x.Templates() {
			if part.Tree == nil {
				continue
			}
			eachNode(part.Tree.Root, func(n parse.Node) {
				if call, ok := n.(*parse.TemplateNode); ok { // a copy for an unusual place, which cannot be looked at
					if original, place, _ := strings.Cut(call.Name, "$htmltemplate_"); place != "" && hasFixedWords(x.Lookup(original)) {
						t.Errorf("%s: words of %s stand in %s", name, original, place)
					}
				}
				word, arg, ok := fixedWord(n)
				if !ok || escapers[word] == nil {
					return
				}
				for _, c := range n.(*parse.ActionNode).Pipe.Cmds[1:] {
					seen[word]++
					if called := c.String(); !slices.Contains(escapers[word], called) {
						t.Errorf("%s: {{%s %q}} stands where %s is needed", name, word, arg, called)
					}
				}
			})
		}
	}
	if seen["t"] < 500 || seen["icon"] < 50 || seen["static"] < 5 {
		t.Errorf("looked at %v: that is not all", seen)
	}
}

func hasFixedWords(t *template.Template) (found bool) {
	if t == nil || t.Tree == nil {
		return true // nobody knows
	}
	eachNode(t.Tree.Root, func(n parse.Node) {
		_, _, ok := fixedWord(n)
		found = found || ok
	})
	return found
}

func eachNode(n parse.Node, do func(parse.Node)) {
	list := func(l *parse.ListNode) {
		if l != nil {
			for _, x := range l.Nodes {
				eachNode(x, do)
			}
		}
	}
	do(n)
	switch x := n.(type) {
	case *parse.ListNode:
		list(x)
	case *parse.IfNode:
		list(x.List)
		list(x.ElseList)
	case *parse.WithNode:
		list(x.List)
		list(x.ElseList)
	case *parse.RangeNode:
		list(x.List)
		list(x.ElseList)
	}
}

// A hostile translation stays text.
func TestFoldedWordsAreEscaped(t *testing.T) {
	h := newHouse(t)
	words := &Words{Tag: "xx", fallback: h.languages.byTag[fallback],
		sentence: map[string]sentence{"one": {text: `<b>"'&</b>`}}}
	x := template.Must(template.New("a").Funcs(h.pages.funcs(words)).Parse(
		`{{define "p"}}<p title="{{t "one"}}">{{t "one"}}{{if .}} {{t "one"}}{{end}}{{range .}}{{icon "close"}}{{end}}</p>{{end}}`))
	h.pages.fold(x, words)
	var out strings.Builder
	if err := x.ExecuteTemplate(&out, "p", []int{1}); err != nil {
		t.Fatal(err)
	}
	one := `&lt;b&gt;&#34;&#39;&amp;&lt;/b&gt;`
	want := `<p title="` + one + `">` + one + ` ` + one + string(h.pages.icons["close"]) + `</p>`
	if out.String() != want {
		t.Errorf("got  %s\nwant %s", out.String(), want)
	}
}
