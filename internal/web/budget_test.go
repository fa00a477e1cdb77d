package web

import (
	"regexp"
	"testing"
)

// budget is what the inbox may weigh: she opens it on a phone, at the back of a
// department store.
const budget = 60 << 10

func TestTheInboxStaysLight(t *testing.T) {
	h := newHouse(t)
	names := regexp.MustCompile(`/static/[a-zA-Z0-9_./-]+\.(?:js|css)`)
	page := h.as(t, h.Admin).get("/me").Body.String()
	wanted := names.FindAllString(page, -1)
	for _, own := range []string{"inbox.css", "card.css", "inbox.js"} {
		wanted = append(wanted, must(h.assets.url(own)))
	}
	later := regexp.MustCompile(`import\("[^"]*"\)`) // comes only when it is needed
	seen, sum := map[string]bool{}, 0
	for len(wanted) > 0 {
		url := wanted[0]
		wanted = wanted[1:]
		if seen[url] {
			continue
		}
		seen[url] = true
		f := h.assets.byURL[url]
		if f == nil {
			t.Fatalf("%s is not served", url)
		}
		if small := f.gzip(); small != nil {
			sum += len(small)
		} else {
			sum += len(f.body)
		}
		wanted = append(wanted, names.FindAllString(later.ReplaceAllString(string(f.body), ""), -1)...)
	}
	t.Logf("%d files, %d bytes", len(seen), sum)
	if len(seen) < 10 || sum > budget {
		t.Errorf("%d files weigh %d bytes, %d are allowed", len(seen), sum, budget)
	}
}
