package web

import (
	"bytes"
	"encoding/xml"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/boombuler/barcode/qr"
)

// cardCases are cards with names as people and brands have them, and as somebody
// who means ill would write them.
func cardCases(t *testing.T) map[string]nameCard {
	l := shipped(t)
	link := "https://liff.line.me/2001234567-AbCdEfGh?card=K7Q2MX"
	return map[string]nameCard{
		"advisor":  {l.byTag["zh-TW"], "香緹 CHANTY", "香緹 信義店", "王美玲 Mei", "line", "K7Q2MX", link},
		"counter":  {l.byTag["en"], "Rosée", "Rosée Xinyi", "", "webchat", "K7Q2MX", link},
		"long":     {l.byTag["en"], strings.Repeat("Maison de la Très Longue Rosée ", 3), strings.Repeat("Taipei Xinyi Anhe Building A8 ", 4), strings.Repeat("Wilhelmina ", 7), "line", "K7Q2MX", link},
		"longCJK":  {l.byTag["zh-TW"], strings.Repeat("香緹美麗佳人", 8), strings.Repeat("台北信義新天地館", 8), strings.Repeat("歐陽美玲", 20), "line", "K7Q2MX", link},
		"one word": {l.byTag["en"], strings.Repeat("W", 80), strings.Repeat("m", 80), strings.Repeat("é", 80), "line", "K7Q2MX", link},
		"arabic":   {l.byTag["en"], "دار الورد", "دار الورد · دبي مول", "نور الهدى", "line", "K7Q2MX", link},
		"hostile":  {l.byTag["en"], `</text><script>alert(1)</script>`, `"&'<!--]]>` + "\x00\x08\xff", `<image href="x"/>`, "line", `<&>"`, "https://x.example/?a=1&b=<c>"},
	}
}

func TestCardIsWellFormed(t *testing.T) {
	for name, c := range cardCases(t) {
		t.Run(name, func(t *testing.T) {
			raw := must(c.draw())
			if dir := os.Getenv("CARDS"); dir != "" { // to look at them
				_ = os.WriteFile(dir+"/"+name+".svg", raw, 0o600)
			}
			var texts []string
			d := xml.NewDecoder(bytes.NewReader(raw))
			d.Strict = true
			for {
				token, err := d.Token()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				switch x := token.(type) {
				case xml.StartElement:
					switch x.Name.Local {
					case "svg", "title", "rect", "text", "g", "path":
					default:
						t.Errorf("element %s", x.Name.Local)
					}
				case xml.CharData:
					texts = append(texts, string(x))
				}
			}
			said := strings.Join(texts, " ")
			if name == "hostile" && !strings.Contains(said, "<script>") {
				t.Errorf("the brand is not told as it is: %s", said)
			}
			for _, want := range []string{`width="105mm" height="148mm" viewBox="0 0 105 148"`, `xml:lang="` + c.Words.Tag + `"`} {
				if !bytes.Contains(raw, []byte(want)) {
					t.Errorf("lacks %s", want)
				}
			}
		})
	}
}

// What the card shows is what the encoder made: module by module.
func TestCardShowsTheCode(t *testing.T) {
	for name, c := range cardCases(t) {
		raw := string(must(c.draw()))
		found := regexp.MustCompile(`<path id="qr" transform="translate\(([\d.]+) ([\d.]+)\) scale\(([\d.]+)\)"[^>]* d="([^"]+)"`).FindStringSubmatch(raw)
		if found == nil {
			t.Fatalf("%s: no code", name)
		}
		code := must(qr.Encode(c.Link, qr.M, qr.Auto))
		side := code.Bounds().Dx()
		drawn := map[[2]int]bool{}
		for _, run := range regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-(\d+)z`).FindAllStringSubmatch(found[4], -1) {
			x, y, n := must(strconv.Atoi(run[1])), must(strconv.Atoi(run[2])), must(strconv.Atoi(run[3]))
			if run[3] != run[4] {
				t.Errorf("%s: a run that does not close: %v", name, run)
			}
			for i := range n {
				drawn[[2]int{x + i, y}] = true
			}
		}
		for y := range side {
			for x := range side {
				if drawn[[2]int{x, y}] != dark(code, x, y) {
					t.Fatalf("%s: module %d,%d", name, x, y)
				}
			}
		}
		module := must(strconv.ParseFloat(found[3], 64))
		if total := module * float64(side+2*quietZone); total < cardCode-0.1 || total > cardCode+0.1 {
			t.Errorf("%s: the code with its quiet zone is %.2f mm", name, total)
		}
		if module < 0.5 {
			t.Errorf("%s: modules of %.2f mm are too small for a phone", name, module)
		}
	}
}

func TestCardTextsStayOnTheCard(t *testing.T) {
	line := regexp.MustCompile(`font-size="([\d.]+)" font-weight="(\d+)"[^>]*>([^<]*)</text>`)
	for name, c := range cardCases(t) {
		for _, m := range line.FindAllStringSubmatch(string(must(c.draw())), -1) {
			size, weight := must(strconv.ParseFloat(m[1], 64)), must(strconv.Atoi(m[2]))
			if w := textEms(m[3], weight) * size; w > cardWide-cardEdge && name != "hostile" {
				t.Errorf("%s: %q is %.0f mm wide", name, m[3], w)
			}
		}
	}
	for text, want := range map[string]int{"香緹，信義店": 1, "": 0} {
		if _, lines := fitLines(text, cardType{sizes: []float64{4}, most: 2}); len(lines) != want {
			t.Errorf("%q: %q", text, lines)
		}
	}
	_, lines := fitLines("一二三四五六七八九十，一二三四五六七八九十。", cardType{sizes: []float64{8}, most: 3})
	for _, l := range lines {
		if closes([]rune(l)[0]) {
			t.Errorf("a line begins with a sign that closes: %q", lines)
		}
	}
}
