package demo

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"image"
	"image/color"
	"image/jpeg"
	"math"
	"net/http"
)

// The pictures that customers of the demonstration show of themselves on their
// messenger: drawn by code when somebody asks for one, the same for a person each time.
// Every third has none, as it is with real customers.

// portraitPath is where the phones' server shows them: portraitPath + user + ".jpg".
const portraitPath = "/portraits/"

// portraitOf is the address of a person's picture; empty: she shows none.
func portraitOf(base, user string) string {
	if dice(user).of(3) == 0 {
		return ""
	}
	return base + portraitPath + user + ".jpg"
}

func servePortrait(w http.ResponseWriter, user string) {
	data, err := portrait(user)
	if err != nil {
		http.Error(w, "the picture cannot be drawn", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "image/jpeg")
	w.Header().Set("Cache-Control", "max-age=3600")
	_, _ = w.Write(data) // she went away
}

// chance gives numbers that are a person's own.
type chance struct{ state uint64 }

func dice(user string) *chance {
	h := fnv.New64a()
	_, _ = h.Write([]byte("portrait of " + user))
	return &chance{h.Sum64()}
}

func (c *chance) of(n int) int {
	c.state ^= c.state << 13 // xorshift: any even spread will do
	c.state ^= c.state >> 7
	c.state ^= c.state << 17
	return int(c.state >> 33 % uint64(n))
}

// oval is a patch of colour: its middle and half axes in hundredths of the picture, and
// how far it is turned, in degrees.
type oval struct {
	x, y, a, b, turn float64
	c                color.RGBA
}

// scenery is a picture before it is drawn: a sky, and what lies before it, back to front.
type scenery struct {
	top, foot color.RGBA
	ovals     []oval
}

func rgb(n uint32) color.RGBA { return color.RGBA{uint8(n >> 16), uint8(n >> 8), uint8(n), 255} }

// skies are pairs of colours, from above to below.
var skies = [...][2]uint32{{0xfbe3dc, 0xf0b9b0}, {0xe6ecf8, 0xb6c8e8}, {0xe9f3e0, 0xb9d5a8}, {0xfbeed2, 0xefcf96}, {0xefe4f6, 0xcbb2e0}, {0xdff2f0, 0xa6d3cd}}

func portrait(user string) ([]byte, error) {
	c := dice(user)
	c.of(3) // whether she has one
	sky := skies[c.of(len(skies))]
	s := scenery{top: rgb(sky[0]), foot: rgb(sky[1])}
	switch c.of(6) {
	case 0:
		s.flower(c)
	case 1:
		s.cat(c)
	case 2:
		s.hills(c)
	default: // most show themselves
		s.bust(c)
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, s.draw(240), &jpeg.Options{Quality: 86}); err != nil {
		return nil, fmt.Errorf("draw portrait: %w", err)
	}
	return out.Bytes(), nil
}

// bust is somebody from the shoulders up.
func (s *scenery) bust(c *chance) {
	hair := rgb([]uint32{0x2b2024, 0x4a2f2a, 0x6b4433, 0x8a5a3c, 0x33303f}[c.of(5)])
	skin := rgb([]uint32{0xf6d6c2, 0xeec2a6, 0xdba888, 0xc08a68}[c.of(4)])
	dress := rgb([]uint32{0xb0123b, 0xd98a94, 0x5b7aa6, 0x7c9a6b, 0xe8c9a0, 0x6d5a86}[c.of(6)])
	neck := color.RGBA{tint(skin.R, -18), tint(skin.G, -18), tint(skin.B, -18), 255}
	long := c.of(3)
	if long > 0 { // behind her shoulders
		s.ovals = append(s.ovals, oval{50, 55 + 4*float64(long), 27, 30 + 4*float64(long), 0, hair})
	}
	s.ovals = append(s.ovals, oval{50, 108, 40, 33, 0, dress}, oval{50, 74, 9, 14, 0, neck},
		oval{50, 42, 25, 27, 0, hair}, oval{50, 49, 19.5, 23, 0, skin})
	switch c.of(3) { // how she wears it before her forehead
	case 0:
		s.ovals = append(s.ovals, oval{40, 29, 19, 9, -24, hair}, oval{64, 31, 13, 9, 34, hair})
	case 1:
		s.ovals = append(s.ovals, oval{50, 27, 21, 10, 0, hair})
	default:
		s.ovals = append(s.ovals, oval{58, 28, 21, 9, 20, hair}, oval{34, 34, 8, 11, 18, hair})
	}
	if long == 0 && c.of(2) == 0 { // a bun
		s.ovals = append([]oval{{50, 15, 12, 11, 0, hair}}, s.ovals...)
	}
	cheek := color.RGBA{tint(skin.R, 4), tint(skin.G, -22), tint(skin.B, -20), 255}
	s.ovals = append(s.ovals, oval{39, 56, 4.5, 3, 0, cheek}, oval{61, 56, 4.5, 3, 0, cheek}, oval{42, 49, 1.6, 2.2, 0, rgb(0x2b2024)},
		oval{58, 49, 1.6, 2.2, 0, rgb(0x2b2024)}, oval{50, 62, 5, 1.9, 0, rgb(0xb5484f)})
}

func (s *scenery) flower(c *chance) {
	petal := rgb([]uint32{0xf7f2ee, 0xe4879a, 0xf3c14b, 0xb69ad8}[c.of(4)])
	leaf := rgb(0x6f9a62)
	s.ovals = append(s.ovals, oval{50, 84, 1.8, 26, 0, leaf}, oval{61, 84, 12, 4.5, -32, leaf}, oval{39, 90, 12, 4.5, 32, leaf})
	n := 5 + c.of(4)
	for i := range n {
		turn := 360 * float64(i) / float64(n)
		sin, cos := math.Sincos(turn * math.Pi / 180)
		s.ovals = append(s.ovals, oval{50 + 17*cos, 44 + 17*sin, 14, 9, turn, petal})
	}
	s.ovals = append(s.ovals, oval{50, 44, 9, 9, 0, rgb(0xd9953a)})
}

func (s *scenery) cat(c *chance) {
	fur := rgb([]uint32{0xd9954f, 0x6d6a70, 0xf3ebe2, 0x3a3438}[c.of(4)])
	inner := rgb(0xe9a9a4)
	eye := rgb([]uint32{0x9cc26a, 0xe3b84a, 0x7fb2d9}[c.of(3)])
	s.ovals = append(s.ovals, oval{50, 104, 34, 30, 0, fur}, oval{31, 34, 8, 19, -18, fur}, oval{69, 34, 8, 19, 18, fur},
		oval{32, 35, 4, 12, -18, inner}, oval{68, 35, 4, 12, 18, inner}, oval{50, 56, 29, 25, 0, fur},
		oval{39, 53, 5, 5.5, 0, eye}, oval{61, 53, 5, 5.5, 0, eye}, oval{39, 53, 1.7, 4.6, 0, rgb(0x1d191b)}, oval{61, 53, 1.7, 4.6, 0, rgb(0x1d191b)},
		oval{50, 64, 3, 2, 0, inner})
}

func (s *scenery) hills(c *chance) {
	far, near := rgb([]uint32{0x9db8a8, 0xa9aecb, 0xc9a79b}[c.of(3)]), rgb([]uint32{0x6f8f78, 0x7b82ab, 0xa67e72}[c.of(3)])
	s.ovals = append(s.ovals, oval{28 + float64(c.of(44)), 34, 13, 13, 0, rgb(0xfff6e0)}, oval{22, 98, 48, 38, 0, far}, oval{82, 102, 50, 36, 0, far},
		oval{56, 118, 66, 40, 0, near})
}

// draw looks at each point of the picture four times, so that edges are soft.
func (s *scenery) draw(size int) image.Image {
	img := image.NewRGBA(image.Rect(0, 0, size, size))
	turns := make([][2]float64, len(s.ovals))
	for i, o := range s.ovals {
		turns[i][0], turns[i][1] = math.Sincos(o.turn * math.Pi / 180)
	}
	at := func(x, y float64) color.RGBA {
		for i := len(s.ovals) - 1; i >= 0; i-- {
			o, dx, dy := s.ovals[i], x-s.ovals[i].x, y-s.ovals[i].y
			u, v := (dx*turns[i][1]+dy*turns[i][0])/o.a, (dy*turns[i][1]-dx*turns[i][0])/o.b
			if u*u+v*v <= 1 {
				return o.c
			}
		}
		mix := func(a, b uint8) uint8 { return uint8(float64(a) + (float64(b)-float64(a))*y/100) }
		return color.RGBA{mix(s.top.R, s.foot.R), mix(s.top.G, s.foot.G), mix(s.top.B, s.foot.B), 255}
	}
	step := 100 / float64(size)
	for py := range size {
		for px := range size {
			var r, g, b int
			for _, d := range [...][2]float64{{.25, .25}, {.75, .25}, {.25, .75}, {.75, .75}} {
				c := at((float64(px)+d[0])*step, (float64(py)+d[1])*step)
				r, g, b = r+int(c.R), g+int(c.G), b+int(c.B)
			}
			img.SetRGBA(px, py, color.RGBA{uint8(r / 4), uint8(g / 4), uint8(b / 4), 255})
		}
	}
	return img
}
