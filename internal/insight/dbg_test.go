package insight

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

func TestDbg(t *testing.T) {
	txt := os.Getenv("DBG")
	if txt == "" {
		t.Skip()
	}
	files, _ := Shipped()
	var all []Lexicon
	for _, f := range files {
		l, err := ParseLexicon([]byte(f.YAML))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, l)
	}
	r, _ := Compile(all)
	for _, text := range strings.Split(txt, "\n") {
		s := &scratch{}
		s.fold(text)
		r.scan(s)
		r.homes(s)
		r.candidates(s)
		r.clean(s)
		s.cut(r)
		fmt.Println("##", text, s.home)
		for _, h := range s.around {
			fmt.Printf("   around %s k%d %q\n", r.tongues[h.tongue].language, h.kind, s.b[h.start:h.end])
		}
		for _, c := range s.found {
			if c.dropped {
				continue
			}
			x := s.extent(c)
			fmt.Printf("   cand %s %s %q bare=%v idle=%v stance=%s clause=%q\n", r.tongues[c.tongue].language, r.rules[c.rule].ID, s.b[c.start:c.end], c.bare, r.idle(s, c), r.stance(s, c), s.b[x.from:x.to])
		}
		fmt.Println("   =>", brief(r.Read(text)))
	}
}
