package conversation

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/staff"
)

// finds returns the texts of everything found, over as many pieces as it takes.
func (h *house) finds(v staff.Viewer, f Find) []string {
	h.t.Helper()
	var out []string
	for range 1000 {
		var next string
		h.read(func(tx *db.Tx) error {
			hits, n, err := h.FindMessages(tx, v, f)
			for _, hit := range hits {
				out = append(out, hit.Message.Body.Text)
				if hit.Thread.ID != hit.Message.ThreadID || !v.Sees(hit.Thread.CounterID) {
					h.t.Errorf("a hit in thread %q of counter %q", hit.Thread.ID, hit.Thread.CounterID)
				}
			}
			next = n
			return err
		})
		if next == "" {
			return out
		}
		f.After = next
	}
	h.t.Fatal("the search does not end")
	return nil
}

func (h *house) elsewhere() Account {
	h.t.Helper()
	var a Account
	h.write(func(tx *db.Tx) (err error) {
		a, err = h.SaveAccount(tx, staff.System(), AccountForm{Channel: channel.LINE, Name: "Lumi", CounterID: h.other, Secret: "s", Token: "t"})
		return err
	})
	return a
}

func (h *house) receiveAt(a Account, events ...channel.Inbound) {
	h.t.Helper()
	h.write(func(tx *db.Tx) error {
		_, err := h.Receive(tx, a, events)
		return err
	})
}

func TestFindMessages(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		lumi := h.elsewhere()
		h.receive(says("ann", 1, "我是敏感肌，想找淡一點的香水"), says("ann", 2, "ＲＯＳＥ 21 please"), says("bea", 3, "Crème brûlée scent? 100%_sure [a-z]+"),
			says("bea", 4, "香水 for my mum"))
		h.receiveAt(lumi, says("cat", 5, "這裡也有香水嗎"))
		ann := h.only2(h.mei, "ann", "rose")
		h.write(func(tx *db.Tx) error {
			_, err := h.Say(tx, h.mei, Draft{ThreadID: ann, Body: channel.Body{Type: channel.Text, Text: "香水今天有貨"}})
			return err
		})
		h.write(func(tx *db.Tx) error {
			_, err := h.Send(tx, Draft{ThreadID: ann, Author: AuthorAutomation, AuthorID: "welcome", Body: channel.Body{Type: channel.Text, Text: "自動香水"}})
			return err
		})
		for _, c := range []struct {
			name, query string
			viewer      staff.Viewer
			want        []string
		}{
			{"two Chinese letters, newest first", "香水", h.mei, []string{"香水今天有貨", "香水 for my mum", "我是敏感肌，想找淡一點的香水"}},
			{"another counter's", "香水", h.foreign, []string{"這裡也有香水嗎"}},
			{"who sees both", "這裡", h.manager, []string{"這裡也有香水嗎"}},
			{"the officer", "香水", h.officer, []string{"香水今天有貨", "這裡也有香水嗎", "香水 for my mum", "我是敏感肌，想找淡一點的香水"}},
			{"who sees none", "香水", h.marketing, nil},
			{"nobody", "香水", staff.Viewer{}, nil},
			{"width and case", "rose", h.mei, []string{"ＲＯＳＥ 21 please"}},
			{"marks", "creme BRULEE", h.mei, []string{"Crème brûlée scent? 100%_sure [a-z]+"}},
			{"all words", "mum 香水", h.mei, []string{"香水 for my mum"}},
			{"signs of SQL are letters", "100%_s", h.mei, []string{"Crème brûlée scent? 100%_sure [a-z]+"}},
			{"a sign of SQL finds only itself", "%", h.mei, []string{"Crème brûlée scent? 100%_sure [a-z]+"}},
			{"signs of patterns are letters", "[a-z]+", h.mei, []string{"Crème brûlée scent? 100%_sure [a-z]+"}},
			{"a pattern", ".*", h.mei, nil},
			{"the other script", "点的香水", h.mei, []string{"我是敏感肌，想找淡一點的香水"}},
			{"another way to write", "這裏", h.foreign, []string{"這裡也有香水嗎"}},
			{"a zero", "ro\x00se", h.mei, []string{"ＲＯＳＥ 21 please"}},
			{"broken letters", "\xff\xfe", h.mei, nil},
			{"only spaces", " \t\n　 ", h.mei, nil},
			{"nothing", "", h.mei, nil},
			{"five thousand letters", strings.Repeat("香水", 2500), h.mei, nil},
			{"five thousand words", strings.Repeat("香 ", 2500), h.mei, []string{"香水今天有貨", "香水 for my mum", "我是敏感肌，想找淡一點的香水"}},
		} {
			if got := h.finds(c.viewer, Find{Query: c.query}); !slices.Equal(got, c.want) {
				t.Errorf("%s: %q, want %q", c.name, got, c.want)
			}
		}
		if got := h.finds(h.mei, Find{Query: "香水", ThreadID: ann}); len(got) != 2 {
			t.Errorf("in one thread: %q", got)
		}
		h.read(func(tx *db.Tx) error {
			if _, _, err := h.FindMessages(tx, h.foreign, Find{Query: "香水", ThreadID: ann}); err != db.ErrNotFound {
				t.Errorf("in a thread of another counter: %v", err)
			}
			for _, after := range []string{"x", "-5.msg", "99999999999999999999.a", fmt.Sprint(math.MaxInt64, ".z"), "1.\x00"} {
				if _, _, err := h.FindMessages(tx, h.mei, Find{Query: "香水", After: after}); err != nil {
					t.Errorf("cursor %q: %v", after, err)
				}
			}
			return nil
		})
		h.receive(channel.Inbound{EventID: "unsend", Kind: channel.Unsend, At: base.Add(time.Minute), Peer: channel.Peer{Type: channel.Person, ID: "bea"}, ExternalID: "ext-bea-4"})
		if got := h.finds(h.mei, Find{Query: "mum"}); got != nil {
			t.Errorf("after she took it back: %q", got)
		}
	})
}

// only2 returns the thread in which a word was said.
func (h *house) only2(v staff.Viewer, user, word string) string {
	h.t.Helper()
	var id string
	h.read(func(tx *db.Tx) error {
		hits, _, err := h.FindMessages(tx, v, Find{Query: word})
		if err == nil && len(hits) != 1 {
			h.t.Fatalf("%s: %d hits of %q", user, len(hits), word)
		}
		if err == nil {
			id = hits[0].Thread.ID
		}
		return err
	})
	return id
}

func TestFindMessagesPaging(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		var want []string
		var events []channel.Inbound
		// Gaps of years, and many at the very same moment.
		at := base.Add(-20 * 365 * 24 * time.Hour)
		for n := range 240 {
			text := fmt.Sprintf("香水 %03d", n)
			e := says(fmt.Sprintf("u%d", n%7), n, text)
			switch {
			case n == 10 || n == 60:
				at = at.Add(9 * 365 * 24 * time.Hour)
			case n < 120 || n > 180:
				at = at.Add(time.Duration(n) * time.Second)
			}
			e.At = at
			events, want = append(events, e), append(want, text)
		}
		h.receive(events...)
		for _, limit := range []int{1, 7, 50, 100} {
			got := h.finds(h.mei, Find{Query: "香水", Limit: limit})
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Fatalf("limit %d: %d messages, want %d, each once", limit, len(got), len(want))
			}
		}
	})
}

func TestFindAfterErasure(t *testing.T) {
	h := newHouse(t, dbtest.New(t))
	h.receive(says("ann", 1, "香水"), says("bea", 2, "香水"))
	ann := h.threads(h.mei, Filter{Box: BoxAll})[1].CustomerID
	h.write(func(tx *db.Tx) error { return h.Vault.DropKey(tx, ann) })
	if got := h.finds(h.mei, Find{Query: "香水"}); len(got) != 1 {
		t.Errorf("%q, want only what can still be read", got)
	}
}

func TestSnippet(t *testing.T) {
	long := strings.Repeat("啊", 200)
	for _, c := range []struct{ name, text, query, want string }{
		{"one word", "想找香水嗎", "香水", "想找[香水]嗎"},
		{"folded", "Ｒｏｓé Café", "rose cafe", "[Ｒｏｓé] [Café]"},
		{"decomposed marks stay whole", "Cafe\u0301 au lait", "cafe", "[Cafe\u0301] au lait"},
		{"overlapping", "香水水", "香水 水水", "[香水水]"},
		{"twice", "a b a", "a", "[a] b [a]"},
		{"in the middle", long + "香水" + long, "香水", "…" + strings.Repeat("啊", 24) + "[香水]" + strings.Repeat("啊", 94) + "…"},
		{"lines", "一\n香水", "香水", "一 [香水]"},
		{"Thai", "ขอบคุณค่ะ", "คุณ", "ขอบ[คุณ]ค่ะ"},
		{"the other script", "護膚專櫃", "护肤", "[護膚]專櫃"},
		{"ligature", "ﬁne", "fi", "[ﬁ]ne"},
		{"broken", "\xff香水", "香水", "\uFFFD[香水]"},
	} {
		var got strings.Builder
		for _, p := range snippet(c.text, queryWords(c.query)) {
			if p.Marked {
				got.WriteString("[" + p.Text + "]")
			} else {
				got.WriteString(p.Text)
			}
		}
		if got.String() != c.want {
			t.Errorf("%s: %q, want %q", c.name, got.String(), c.want)
		}
	}
}

// Matching and marking fold with different code: they must agree.
func FuzzMarked(f *testing.F) {
	f.Add("Ｒｏｓé Café", "se")
	f.Add("ก็ำ", "ก")
	f.Fuzz(func(t *testing.T, text, query string) {
		text = db.CleanText(text)
		words := queryWords(query)
		for _, m := range marked(text, words) {
			if m[0] < 0 || m[0] >= m[1] || m[1] > len(text) {
				t.Fatalf("%q in %q: %v", words, text, m)
			}
		}
		var whole strings.Builder
		for _, p := range snippet(text, words) {
			whole.WriteString(p.Text)
		}
		_ = customer.Fold(whole.String())
	})
}
