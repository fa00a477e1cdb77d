package web

import (
	"html/template"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

const hostile = `"><script>alert(1)</script><img src=x onerror='x'>&amp;` + "\x00"

// fillText puts a text into every string of a struct, also of those it holds.
func fillText(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.String:
		if v.Type() != reflect.TypeFor[template.HTML]() { // markup by its type
			v.SetString(text)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fillText(v.Field(i), text)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fillText(v.Index(0), text)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(3)
	}
}

// shapeOf gives the names of elements and of attributes that a browser reads, and every
// address among them.
func shapeOf(t *testing.T, markup template.HTML) (shape []string, addresses []string) {
	t.Helper()
	for z := html.NewTokenizer(strings.NewReader(string(markup))); ; {
		switch z.Next() {
		case html.ErrorToken:
			return shape, addresses
		case html.StartTagToken, html.SelfClosingTagToken, html.EndTagToken:
			tag := z.Token()
			shape = append(shape, tag.Type.String()+" "+tag.Data)
			for _, a := range tag.Attr {
				shape = append(shape, a.Key)
				if a.Key == "href" || a.Key == "src" || a.Key == "poster" {
					addresses = append(addresses, a.Val)
				}
			}
		}
	}
}

// Whatever a name or a message holds, the page has the elements it had with a plain word.
func TestMarkupHoldsWhateverSheIsCalled(t *testing.T) {
	h := newHouse(t)
	kinds := []string{"text", "emoji", "image", "video", "audio", "file", "sticker", "location", "external", "pending", "gone", "too_large", "unsent", "odd"}
	for _, w := range h.languages.All {
		row, line, wait := drawer(h.pages, w, (*markup).row), drawer(h.pages, w, (*markup).line), drawer(h.pages, w, (*markup).wait)
		draw := func(text, kind string) []template.HTML {
			var r ThreadRow
			var b Bubble
			var e EventLine
			var d Line
			var wt Wait
			fillText(reflect.ValueOf(&r).Elem(), text)
			fillText(reflect.ValueOf(&b).Elem(), text)
			fillText(reflect.ValueOf(&e).Elem(), text)
			fillText(reflect.ValueOf(&wt).Elem(), text)
			d.Day, d.DayKey = text, text
			b.Kind = kind
			r.Last.Icon = "image"
			return []template.HTML{row(r), line(Line{Bubble: &b}), line(Line{Event: &e}), line(d), wait(wt)}
		}
		for _, kind := range kinds {
			plain, bad := draw("word", kind), draw(hostile, kind)
			for i := range plain {
				want, _ := shapeOf(t, plain[i])
				got, addresses := shapeOf(t, bad[i])
				if strings.Join(got, ",") != strings.Join(want, ",") {
					t.Errorf("%s: drawing %d\n got %v\nwant %v\n%s", kind, i, got, want, bad[i])
				}
				for _, to := range addresses {
					if !strings.HasPrefix(to, "#") && !strings.HasPrefix(to, "/") {
						t.Errorf("%s: an address %q", kind, to)
					}
				}
			}
		}
	}
}

func TestMarkupLinksLeadToPages(t *testing.T) {
	for url, want := range map[string]string{
		"/media/msg_1": "/media/msg_1", "https://x.example/?a=1&b=2": "https://x.example/?a=1&amp;b=2", "http://x.example": "http://x.example",
		"javascript:alert(1)": "#", " javascript:alert(1)": "#", "data:text/html,x": "#", "JaVaScRiPt:x": "#", "": "#", "x": "#",
	} {
		var m markup
		if got := string(m.link(url).b); got != want {
			t.Errorf("%q: %q, want %q", url, got, want)
		}
	}
}

// Templates are refused when they ask for an icon that is not there; here a test does it.
func TestMarkupIconsExist(t *testing.T) {
	h := newHouse(t)
	named := regexp.MustCompile(`\.(?:icon|aside)\("([a-z-]+)"`)
	files := must(filepath.Glob("markup*.go"))
	found := 0
	for _, file := range files {
		for _, m := range named.FindAllSubmatch(must(os.ReadFile(file)), -1) {
			found++
			if h.pages.icons[string(m[1])] == "" {
				t.Errorf("%s: no icon %q", file, m[1])
			}
		}
	}
	if found == 0 {
		t.Error("no icon is named: the expression is wrong")
	}
	for kind, name := range lastIcons {
		if h.pages.icons[name] == "" {
			t.Errorf("%s: no icon %q", kind, name)
		}
	}
	for _, status := range []string{"queued", "sent", "delivered", "read", "failed", "refused", "unknown"} {
		if name := (Bubble{Status: status}).StatusIcon(); h.pages.icons[name] == "" {
			t.Errorf("%s: no icon %q", status, name)
		}
	}
}

// Text becomes a literal by standing in the source, and in no other way.
func TestMarkupHasOneWayIn(t *testing.T) {
	for _, file := range must(filepath.Glob("*.go")) {
		if strings.Contains(string(must(os.ReadFile(file))), "literal"+"(") {
			t.Errorf("%s makes a literal of something", file)
		}
	}
}

// BenchmarkRow is what one line of the inbox costs, of which a page draws twenty-five.
func BenchmarkRow(b *testing.B) {
	h := newHouse(b)
	row := drawer(h.pages, h.languages.byTag[fallback], (*markup).row)
	x := ThreadRow{ID: "thr_01k82jfjv7ac2fu36ckblecofq", Name: "Amelia Wong", Face: Avatar{ID: "cus_1", Name: "Amelia Wong", Channel: "line"},
		Last: LastLine{Text: "Do you still have the 214?"}, Wait: Wait{Text: "12 min", Level: "warm", Since: 1}, Unread: 2}
	b.ReportAllocs()
	for b.Loop() {
		row(x)
	}
}
