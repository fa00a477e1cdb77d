package demo

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"strconv"
	"strings"
)

// swatch draws strokes of lipstick on skin: what customers and advisors
// photograph all day. Colours are six hexadecimal digits each.
func swatch(colours string) ([]byte, error) {
	const width, height = 900, 675
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			shade := (x+2*y)*26/(width+2*height) - 8
			img.SetRGBA(x, y, color.RGBA{tint(236, -shade), tint(200, -shade), tint(178, -shade), 255})
		}
	}
	all := strings.Fields(colours)
	for i, name := range all {
		n, err := strconv.ParseUint(name, 16, 24)
		if err != nil {
			return nil, fmt.Errorf("colour %q: %w", name, err)
		}
		middle := height * (i + 1) / (len(all) + 1)
		stroke(img, middle, min(62, height/(3*len(all))), color.RGBA{uint8(n >> 16), uint8(n >> 8), uint8(n), 255})
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, &jpeg.Options{Quality: 84}); err != nil {
		return nil, fmt.Errorf("draw swatch: %w", err)
	}
	return out.Bytes(), nil
}

// stroke is thick where it begins, thin and dry where it ends, with a gleam
// along its upper edge.
func stroke(img *image.RGBA, middle, half int, c color.RGBA) {
	left, right := img.Rect.Dx()/7, img.Rect.Dx()*6/7
	for x := left; x < right; x++ {
		along := x - left
		ease := min(along*3, half*3, (right-x)*2+half) * half / (half * 3)
		bend := (along - (right-left)/2) * (along - (right-left)/2) / 4200
		for dy := -ease; dy <= ease; dy++ {
			dry := right - x
			if dry < 150 && (x*7+dy*13+x*dy)%97 > dry*97/150 {
				continue // the skin shows through
			}
			gleam := 0
			if d := dy + ease*2/3; d > -ease/5 && d < ease/5 {
				gleam = 34
			}
			rough := (x*31+dy*17)%9 - 4
			img.SetRGBA(x, middle+dy-24+bend/2, color.RGBA{tint(c.R, gleam+rough), tint(c.G, gleam+rough), tint(c.B, gleam+rough), 255})
		}
	}
}

func tint(v uint8, by int) uint8 { return uint8(max(0, min(255, int(v)+by))) }
