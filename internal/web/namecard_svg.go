package web

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"image"
	"image/color"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// A name card is an A6 sheet, drawn in millimetres. It is one SVG without styles,
// scripts or anything to load, so that a print shop can take it as it is.
const (
	cardWide, cardHigh = 105.0, 148.0
	cardEdge           = 11.0 // what no line comes closer to than this
	cardCode           = 54.0 // the code with its quiet zone
	quietZone          = 4    // modules around a QR code, which its standard asks for
)

// nameCard is what stands on a card.
type nameCard struct {
	Words   *Words
	Brand   string
	Counter string
	Advisor string // empty: the counter's own card
	Channel string // "line" or "webchat"
	Code    string // for who cannot scan
	Link    string
}

// The faces of a card: a serif for names, the system's sans for the rest.
const (
	cardSerif = "'Noto Serif', 'Noto Serif CJK TC', 'Noto Serif TC', 'Songti TC', 'PMingLiU', Georgia, serif"
	cardSans  = "'Noto Sans', 'Noto Sans CJK TC', 'Noto Sans TC', 'PingFang TC', 'Microsoft JhengHei', 'Helvetica Neue', Arial, sans-serif"
	cardInk   = "#231d20"
	cardQuiet = "#73686c"
	cardRouge = "#b0123b"
)

// draw gives the card as an SVG document.
func (c nameCard) draw() ([]byte, error) {
	code, err := qrPath(c.Link)
	if err != nil {
		return nil, err
	}
	var p cardPen
	fmt.Fprintf(&p.out, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"+
		`<svg xmlns="http://www.w3.org/2000/svg" width="105mm" height="148mm" viewBox="0 0 105 148" xml:lang="%s" lang="%s" role="img" aria-labelledby="t">`+"\n",
		c.Words.Tag, c.Words.Tag)
	title := c.Counter
	if c.Advisor != "" {
		title = c.Advisor + " · " + c.Counter
	}
	fmt.Fprintf(&p.out, `<title id="t">%s</title>`+"\n", escapeXML(title))
	p.rect(0, 0, cardWide, cardHigh, 0, "#ffffff")
	p.rect(cardWide/2-6, 12, 12, 0.7, 0.35, cardRouge)

	// From above: whose card it is.
	p.y = 16.5
	p.lines(c.Brand, cardType{sizes: []float64{8, 7, 6, 5}, most: 2, face: cardSerif, weight: 700, fill: cardInk, lead: 1.25})
	p.y += 1.4
	p.lines(c.Counter, cardType{sizes: []float64{3.9, 3.5}, most: 2, face: cardSans, weight: 400, fill: cardQuiet, lead: 1.4})
	top := p.y

	// From below: what is promised. The code stands between the two.
	var foot cardPen
	foot.lines(c.Words.T("namecard.privacy"), cardType{sizes: []float64{2.6}, most: 3, face: cardSans, weight: 400, fill: cardQuiet, lead: 1.5})
	var about cardPen
	about.lines(c.Words.T("namecard.invite."+c.Channel), cardType{sizes: []float64{3.7, 3.3}, most: 2, face: cardSans, weight: 400, fill: cardInk, lead: 1.45})
	var who cardPen
	if c.Advisor != "" {
		who.lines(c.Words.T("namecard.advisor"), cardType{sizes: []float64{2.9}, most: 1, face: cardSans, weight: 400, fill: cardRouge, lead: 1.5})
		who.y += 0.4
		who.lines(c.Advisor, cardType{sizes: []float64{6.4, 5.6, 4.8, 4.2}, most: 2, face: cardSerif, weight: 700, fill: cardInk, lead: 1.25})
		who.y += 2
	}
	end := cardHigh - cardEdge
	footTop := end - foot.y
	ruleAt := footTop - 3.2
	room := ruleAt - top
	spare := max(0, room-cardCode-5-who.y-about.y)
	codeAt := top + spare*0.42
	p.rect((cardWide-cardCode)/2-0.9, codeAt-0.9, cardCode+1.8, cardCode+1.8, 4.2, "#ece4de")
	p.rect((cardWide-cardCode)/2-0.6, codeAt-0.6, cardCode+1.2, cardCode+1.2, 3.9, "#ffffff")
	module := cardCode / float64(code.side+2*quietZone)
	fmt.Fprintf(&p.out, `<path id="qr" transform="translate(%.4f %.4f) scale(%.5f)" fill="#000000" shape-rendering="crispEdges" d="%s"/>`+"\n",
		(cardWide-cardCode)/2+quietZone*module, codeAt+quietZone*module, module, code.path)
	p.y = codeAt + cardCode + 1.2
	p.lines(c.Code, cardType{sizes: []float64{2.7}, most: 1, face: cardSans, weight: 400, fill: cardQuiet, lead: 1.5, spacing: 0.35})
	p.put(&who, codeAt+cardCode+5+spare*0.22)
	p.put(&about, codeAt+cardCode+5+spare*0.22+who.y)
	p.rect(cardEdge+8, ruleAt, cardWide-2*cardEdge-16, 0.15, 0, "#cfc3bc")
	p.put(&foot, footTop)
	p.out.WriteString("</svg>\n")
	return p.out.Bytes(), nil
}

// cardPen writes elements and remembers how far down it has come.
type cardPen struct {
	out bytes.Buffer
	y   float64
}

// cardType is how a text is set: the largest size that fits in most lines is taken.
type cardType struct {
	sizes         []float64
	most          int
	face          string
	weight        int
	fill          string
	lead, spacing float64
}

// lines sets a text in the middle, in as many lines as it needs.
func (p *cardPen) lines(text string, t cardType) {
	size, lines := fitLines(text, t)
	for _, l := range lines {
		spacing := ""
		if t.spacing > 0 {
			spacing = fmt.Sprintf(` letter-spacing="%g"`, t.spacing)
		}
		fmt.Fprintf(&p.out, `<text x="%g" y="%.3f" text-anchor="middle" font-family="%s" font-size="%g" font-weight="%d" fill="%s"%s unicode-bidi="plaintext">%s</text>`+"\n",
			cardWide/2, p.y+size*(0.5*t.lead+0.36), t.face, size, t.weight, t.fill, spacing, escapeXML(l))
		p.y += size * t.lead
	}
}

// put places what another pen wrote, moved down.
func (p *cardPen) put(q *cardPen, y float64) {
	if q.out.Len() > 0 {
		fmt.Fprintf(&p.out, `<g transform="translate(0 %.3f)">`+"\n%s</g>\n", y, q.out.Bytes())
	}
}

func (p *cardPen) rect(x, y, w, h, round float64, fill string) {
	fmt.Fprintf(&p.out, `<rect x="%.3f" y="%.3f" width="%.3f" height="%.3f" rx="%g" fill="%s"/>`+"\n", x, y, w, h, round, fill)
}

// escapeXML makes a text safe inside an element and inside an attribute; what no
// XML document may hold becomes the replacement character.
func escapeXML(s string) string {
	var out strings.Builder
	_ = xml.EscapeText(&out, []byte(s)) // a Builder takes everything
	return out.String()
}

// qrCode is a code as one path, in modules, without its quiet zone.
type qrCode struct {
	side int
	path string
}

// qrPath draws a link: one rectangle for each run of dark modules in a row. Level M
// outlives a fold or a thumb on a card that lies at the counter for a year.
func qrPath(link string) (qrCode, error) {
	code, err := qr.Encode(link, qr.M, qr.Auto)
	if err != nil {
		return qrCode{}, fmt.Errorf("card's code: %w", err)
	}
	side := code.Bounds().Dx()
	var d strings.Builder
	for y := range side {
		for x := 0; x < side; x++ {
			from := x
			for x < side && dark(code, x, y) {
				x++
			}
			if x > from {
				fmt.Fprintf(&d, "M%d %dh%dv1h-%dz", from, y, x-from, x-from)
			}
		}
	}
	return qrCode{side, d.String()}, nil
}

func dark(m image.Image, x, y int) bool {
	return color.GrayModel.Convert(m.At(x, y)).(color.Gray).Y < 128
}
