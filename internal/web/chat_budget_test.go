package web

import (
	"bytes"
	"compress/gzip"
	"regexp"
	"testing"
)

// chatBudget is what the chat may weigh in all: a visitor opens it inside a shop's
// page, often on a phone and far from any Wi-Fi.
const chatBudget = 40 << 10

func TestTheChatStaysLight(t *testing.T) {
	c := newChatHouse(t)
	names := regexp.MustCompile(`/static/[a-zA-Z0-9_./-]+\.(?:js|css)`)
	page := newBrowser(t, c).get("/chat/" + c.account.ID).Body.String()
	wanted := append(names.FindAllString(page, -1), c.assets.byName["chat/widget.js"].url)
	seen, sum := map[string]bool{}, squeezed(t, []byte(page))
	for len(wanted) > 0 {
		url := wanted[0]
		wanted = wanted[1:]
		if seen[url] {
			continue
		}
		seen[url] = true
		f := c.assets.byURL[url]
		if f == nil {
			t.Fatalf("%s is not served", url)
		}
		sum += squeezed(t, f.body)
		wanted = append(wanted, names.FindAllString(string(f.body), -1)...)
	}
	t.Logf("%d files, %d bytes", len(seen), sum)
	if len(seen) < 10 || sum > chatBudget {
		t.Errorf("%d files weigh %d bytes, %d are allowed", len(seen), sum, chatBudget)
	}
}

func squeezed(t *testing.T, body []byte) int {
	t.Helper()
	var out bytes.Buffer
	z := must(gzip.NewWriterLevel(&out, gzip.BestCompression))
	_, _ = z.Write(body)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return min(out.Len(), len(body))
}
