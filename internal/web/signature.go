package web

import (
	"encoding/json"
	"fmt"
	"strings"

	"dingdong/internal/db"
)

// signature is what was drawn with a finger or a pen: strokes of points, in the
// measure of the field it was drawn in.
type signature struct {
	Width   int        `json:"width"`
	Height  int        `json:"height"`
	Strokes [][][2]int `json:"strokes"`
}

// Bounds of a signature: a long name has some hundred points.
const (
	maxStrokes = 200
	maxPoints  = 4000
	minPoints  = 6
	maxSide    = 4000
)

// readSignature takes a drawn signature and refuses what is none.
func readSignature(raw []byte) (signature, error) {
	var s signature
	if len(raw) == 0 || raw[0] != '{' {
		return s, db.Invalid{Field: "signature", Code: "required"}
	}
	if err := json.Unmarshal(raw, &s); err != nil {
		return s, db.Invalid{Field: "signature", Code: "malformed"}
	}
	if s.Width < 1 || s.Height < 1 || s.Width > maxSide || s.Height > maxSide || len(s.Strokes) > maxStrokes {
		return s, db.Invalid{Field: "signature", Code: "malformed"}
	}
	points := 0
	for _, stroke := range s.Strokes {
		points += len(stroke)
		for _, p := range stroke {
			if p[0] < 0 || p[1] < 0 || p[0] > s.Width || p[1] > s.Height {
				return s, db.Invalid{Field: "signature", Code: "malformed"}
			}
		}
	}
	if points > maxPoints {
		return s, db.Invalid{Field: "signature", Code: "too_large"}
	}
	if points < minPoints {
		return s, db.Invalid{Field: "signature", Code: "required"}
	}
	return s, nil
}

// paths draws the strokes for an SVG.
func (s signature) paths() []string {
	var out []string
	for _, stroke := range s.Strokes {
		var b strings.Builder
		for i, p := range stroke {
			fmt.Fprintf(&b, "%c%d %d", "LM"[min(1, max(0, 1-i))], p[0], p[1])
		}
		if len(stroke) == 1 { // a dot
			b.WriteString("h1")
		}
		out = append(out, b.String())
	}
	return out
}
