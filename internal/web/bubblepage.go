package web

import (
	"html/template"
	"regexp"
	"strings"
)

// shownLink is what a link of ours shows of its address.
var shownLink = regexp.MustCompile(`>(https?://[^<]+)</a>`)

// pageNamed calls links of customers' own pages, which are signed and longer than a
// bubble is wide, by a name.
func pageNamed(text template.HTML, house, name string) template.HTML {
	begin := ">" + template.HTMLEscapeString(house) + "/my/"
	return template.HTML(shownLink.ReplaceAllStringFunc(string(text), func(shown string) string {
		token, ours := strings.CutPrefix(shown, begin)
		if !ours || strings.Contains(strings.TrimSuffix(token, "</a>"), "/") {
			return shown
		}
		return ">" + template.HTMLEscapeString(name) + "</a>"
	}))
}
