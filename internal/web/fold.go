package web

import (
	"html/template"
	"text/template/parse"
)

// A page is parsed once for each language, and half of what it says is the same for
// everybody: {{t "nav.me"}}, {{icon "close"}}, {{static "app.css"}}. Calling a function
// for each of them at every request, with its escaping, took a quarter of the time that a
// page costs. So they become text when the page is parsed.

// fold puts what never changes into the templates of a page. It runs before html/template
// looks at them, so the text must be right as it stands: these words may only be used
// between tags and in quoted attributes, which TestWordsStandWhereTheyAreText proves.
func (p *pages) fold(t *template.Template, w *Words) {
	fixed := func(word, arg string) (string, bool) {
		switch word {
		case "t":
			return template.HTMLEscapeString(w.T(arg)), true
		case "icon":
			markup, ok := p.icons[arg]
			return string(markup), ok
		case "static":
			url, err := p.assets.url(arg)
			return template.HTMLEscapeString(url), err == nil
		}
		return "", false
	}
	for _, x := range t.Templates() {
		if x.Tree != nil && x.Tree.Root != nil {
			foldList(x.Tree.Root, fixed)
		}
	}
}

// fixedWord is a word of the templates with one text behind it, and nothing else.
func fixedWord(n parse.Node) (word, arg string, ok bool) {
	action, ok := n.(*parse.ActionNode)
	if !ok || len(action.Pipe.Decl) > 0 || len(action.Pipe.Cmds) == 0 {
		return "", "", false
	}
	args := action.Pipe.Cmds[0].Args
	if len(args) != 2 {
		return "", "", false
	}
	name, isWord := args[0].(*parse.IdentifierNode)
	text, isText := args[1].(*parse.StringNode)
	if !isWord || !isText {
		return "", "", false
	}
	return name.Ident, text.Text, true
}

func foldList(list *parse.ListNode, fixed func(word, arg string) (string, bool)) {
	if list == nil {
		return
	}
	out := list.Nodes[:0]
	add := func(n parse.Node) {
		if text, ok := n.(*parse.TextNode); ok && len(out) > 0 {
			if before, ok := out[len(out)-1].(*parse.TextNode); ok {
				joined := append(append(make([]byte, 0, len(before.Text)+len(text.Text)), before.Text...), text.Text...)
				out[len(out)-1] = &parse.TextNode{NodeType: parse.NodeText, Pos: before.Pos, Text: joined}
				return
			}
		}
		out = append(out, n)
	}
	for _, n := range list.Nodes {
		switch x := n.(type) {
		case *parse.ActionNode:
			if word, arg, ok := fixedWord(x); ok && len(x.Pipe.Cmds) == 1 {
				if text, known := fixed(word, arg); known {
					n = &parse.TextNode{NodeType: parse.NodeText, Pos: x.Pos, Text: []byte(text)}
				}
			}
		case *parse.IfNode:
			foldList(x.List, fixed)
			foldList(x.ElseList, fixed)
		case *parse.WithNode:
			foldList(x.List, fixed)
			foldList(x.ElseList, fixed)
		case *parse.RangeNode:
			foldList(x.List, fixed)
			foldList(x.ElseList, fixed)
		}
		add(n)
	}
	list.Nodes = out
}
