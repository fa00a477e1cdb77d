package conversation

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/staff"
)

// spelled returns the names that a search in the inbox shows.
func (h *house) spelled(v staff.Viewer, query string) []string {
	h.t.Helper()
	var out []string
	for _, t := range h.threads(v, Filter{Box: BoxAll, Query: query}) {
		out = append(out, t.Name)
	}
	slices.Sort(out)
	return out
}

func TestInboxSearch(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		lumi := h.elsewhere()
		h.receive(says("ann", 1, "hi"), says("bea", 2, "hi"), says("eve", 3, "hi"))
		h.receiveAt(lumi, says("cat", 4, "hi"))
		ann, bea := h.named(h.account, "ann", "劉曉雲"), h.named(h.account, "bea", "刘雲 Zoë")
		eve := h.named(h.account, "eve", "Ｅve")
		h.named(lumi, "cat", "劉怡安")
		for _, c := range []struct {
			name, query string
			viewer      staff.Viewer
			want        []string
		}{
			{"as it is written", "劉曉", h.mei, []string{"劉曉雲"}},
			{"in the other script", "刘晓云", h.mei, []string{"劉曉雲"}},
			{"one letter", "刘", h.mei, []string{"刘雲 Zoë", "劉曉雲"}},
			{"mixed", "刘雲", h.mei, []string{"刘雲 Zoë"}},
			{"width and case", "eVE", h.mei, []string{"Ｅve"}},
			{"marks", "zoe", h.mei, []string{"刘雲 Zoë"}},
			{"pairs that stand apart", "曉雲 劉曉", h.mei, []string{"劉曉雲"}},
			{"another counter's", "刘", h.foreign, []string{"劉怡安"}},
			{"nobody", "刘", staff.Viewer{}, nil},
			{"signs of SQL", "%_'", h.mei, nil},
			{"a zero", "刘\x00晓", h.mei, nil},
			{"broken letters", "\xff\xfe", h.mei, nil},
			{"five thousand letters", strings.Repeat("刘", 5000), h.mei, nil},
		} {
			if got := h.spelled(c.viewer, c.query); !slices.Equal(got, c.want) {
				t.Errorf("%s: %q, want %q", c.name, got, c.want)
			}
		}

		merged := h.joined(ann, eve)
		if got := h.spelled(h.mei, "eve"); !slices.Equal(got, []string{"劉曉雲"}) && !slices.Equal(got, []string{"Ｅve"}) {
			t.Errorf("by the name of a record that was merged: %q", got)
		}
		if got, other := h.spelled(h.mei, "刘晓"), h.spelled(h.mei, "eve"); len(got) != 1 || !slices.Equal(got, other) {
			t.Errorf("by the name of the other record: %q, and %q", got, other)
		}
		h.unmerge(merged)
		if got := h.spelled(h.mei, "eve"); !slices.Equal(got, []string{"Ｅve"}) {
			t.Errorf("after the merge was undone: %q", got)
		}

		// As names were indexed before: letters as they are written.
		h.write(func(tx *db.Tx) error {
			_, err := tx.Exec(`DELETE FROM customer_gram WHERE customer_id = $1`, bea)
			check(t, err)
			for _, g := range []string{"刘", "雲", "刘雲", "z", "o", "e", "zo", "oe"} {
				_, err := tx.Exec(`INSERT INTO customer_gram (hash, customer_id) VALUES ($1, $2)`, h.Book.Vault.Hash("customer.gram", g)[:16], bea)
				check(t, err)
			}
			return nil
		})
		if got := h.spelled(h.mei, "刘雲"); !slices.Equal(got, []string{"刘雲 Zoë"}) {
			t.Errorf("of the index of before: %q", got)
		}
	})
}

// More candidates than fit at first: those that only seem to match are passed over.
func TestInboxSearchLooksTwice(t *testing.T) {
	h := newHouse(t, dbtest.New(t))
	for n := range 12 {
		user := fmt.Sprint("u", n)
		h.receive(says(user, n+1, "hi"))
		h.named(h.account, user, fmt.Sprintf("甲乙%c乙丙", rune('a'+n))) // has both pairs, but apart
	}
	h.receive(says("last", 0, "hi"))
	h.named(h.account, "last", "甲乙丙")
	found := h.threads(h.mei, Filter{Box: BoxAll, Query: "甲乙丙", Limit: 2})
	if len(found) != 1 || found[0].Name != "甲乙丙" {
		t.Errorf("found %d: %+v", len(found), found)
	}
}
