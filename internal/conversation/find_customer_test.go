package conversation

import (
	"slices"
	"strings"
	"testing"

	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/staff"
)

// who returns "name/why" of every customer found, over as many pieces as it takes.
func (h *house) who(v staff.Viewer, f FindCustomer) []string {
	h.t.Helper()
	var out []string
	for range 100 {
		var next string
		h.read(func(tx *db.Tx) error {
			found, n, err := h.FindCustomers(tx, v, f)
			for _, c := range found {
				if c.Thread.ID != "" && !v.Sees(c.Thread.CounterID) {
					h.t.Errorf("%q is shown in a thread of a counter that is not seen", c.Name)
				}
				why := string(c.Why[0].By)
				if c.Why[0].Name != "" {
					why += ":" + c.Why[0].Name
				}
				out = append(out, c.Name+"/"+why)
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

// named gives a customer who wrote a name and returns her id.
func (h *house) named(a Account, user, name string) string {
	h.t.Helper()
	var id string
	h.write(func(tx *db.Tx) error {
		i, err := h.Book.Find(tx, a.ID, user)
		if err != nil {
			return err
		}
		id = i.CustomerID
		return h.Book.SetProfile(tx, customer.Profile{IdentityID: i.ID, Name: name})
	})
	return id
}

func TestFindCustomers(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		lumi := h.elsewhere()
		h.receive(says("ann", 1, "hi"), says("bea", 2, "hi"))
		h.receiveAt(lumi, says("cat", 3, "hi"), says("dee", 4, "hi"))
		ann, bea := h.named(h.account, "ann", "林怡君"), h.named(h.account, "bea", "Amelia Wong 100%")
		cat, dee := h.named(lumi, "cat", "林怡安"), h.named(lumi, "dee", "Zoë")
		h.write(func(tx *db.Tx) error {
			check(t, h.Book.EnsureDefaults(tx))
			for id, phone := range map[string]string{ann: "0912-345-678", cat: "0922 111 678"} {
				_, err := h.Book.AddContact(tx, id, customer.Contact{Kind: customer.Phone, Value: phone, Source: "till"})
				check(t, err)
			}
			_, err := h.Book.AddContact(tx, bea, customer.Contact{Kind: customer.Member, Value: "vip-77", Source: "till"})
			check(t, err)
			for _, id := range []string{ann, bea, cat} {
				_, err := h.Book.GiveTag(tx, id, "skincare_lover", customer.Proof{Source: customer.SourceStaff, By: h.mei.ID})
				check(t, err)
				_, err = h.Book.Learn(tx, id, customer.Learnt{Name: "skin_type", Value: "dry", Proof: customer.Proof{Source: customer.SourceStaff, By: h.mei.ID}})
				check(t, err)
			}
			return nil
		})
		try := func(stage string, cases []struct {
			name   string
			viewer staff.Viewer
			f      FindCustomer
			want   []string
		}) {
			t.Helper()
			for _, c := range cases {
				got := h.who(c.viewer, c.f)
				slices.Sort(got)
				if !slices.Equal(got, c.want) {
					t.Errorf("%s: %s: %q, want %q", stage, c.name, got, c.want)
				}
			}
		}
		type cases = []struct {
			name   string
			viewer staff.Viewer
			f      FindCustomer
			want   []string
		}
		q := func(text string) FindCustomer { return FindCustomer{Query: text} }
		try("apart", cases{
			{"a name in her own counter", h.mei, q("怡"), []string{"林怡君/name"}},
			{"the other counter", h.foreign, q("怡"), []string{"林怡安/name"}},
			{"both", h.manager, q("怡"), []string{"林怡君/name", "林怡安/name"}},
			{"one after the other", h.officer, FindCustomer{Query: "怡", Limit: 1}, []string{"林怡君/name", "林怡安/name"}},
			{"no counter", h.marketing, q("怡"), nil},
			{"nobody", staff.Viewer{}, q("怡"), nil},
			{"a phone in another notation", h.mei, q("+886 912 345 678"), []string{"林怡君/phone"}},
			{"another counter's phone", h.mei, q("0922111678"), nil},
			{"last four", h.manager, q("5678"), []string{"林怡君/tail"}},
			{"last four of another counter", h.foreign, q("5678"), nil},
			{"member number", h.mei, q("VIP-77"), []string{"Amelia Wong 100%/member"}},
			{"tag", h.mei, q("skincare_lover"), []string{"Amelia Wong 100%/tag:skincare_lover", "林怡君/tag:skincare_lover"}},
			{"tag, who sees all, page by page", h.officer, FindCustomer{Query: "skincare_lover", Limit: 1},
				[]string{"Amelia Wong 100%/tag:skincare_lover", "林怡君/tag:skincare_lover", "林怡安/tag:skincare_lover"}},
			{"tag as the page understands it", h.foreign, FindCustomer{Query: "保養", Tags: []string{"skincare_lover"}}, []string{"林怡安/tag:skincare_lover"}},
			{"attribute", h.foreign, q("skin_type = dry"), []string{"林怡安/attribute:skin_type"}},
			{"attribute as the page understands it", h.foreign, FindCustomer{Query: "乾性", Values: []AttributeValue{{"skin_type", "dry"}}}, []string{"林怡安/attribute:skin_type"}},
			{"attribute, who sees all", h.officer, q("skin_type=dry"), []string{"Amelia Wong 100%/attribute:skin_type", "林怡君/attribute:skin_type", "林怡安/attribute:skin_type"}},
			{"no such attribute", h.mei, q("x=y"), nil},
			{"no such value", h.mei, q("skin_type=%"), nil},
			{"a sign of SQL", h.mei, q("100%"), []string{"Amelia Wong 100%/name"}},
			{"only signs of SQL", h.mei, q("%_"), nil},
			{"a pattern", h.mei, q("林.*"), nil},
			{"a zero", h.mei, q("怡\x00君"), []string{"林怡君/name"}},
			{"only spaces", h.mei, q(" 　\n"), nil},
			{"five thousand letters", h.mei, q(strings.Repeat("怡", 5000)), nil},
			{"a hostile cursor", h.mei, FindCustomer{Query: "怡", After: "9\x00.x.'"}, []string{"林怡君/name"}},
		})
		var merge string
		h.write(func(tx *db.Tx) (err error) {
			merge, err = h.Merge(tx, h.manager, Merge{KeptID: ann, LostID: cat, Proof: "advisor"})
			return err
		})
		try("merged", cases{
			{"once, at her own counter", h.mei, q("怡"), []string{"林怡君/name"}},
			{"once, for who sees both", h.manager, q("skincare_lover"), []string{"Amelia Wong 100%/tag:skincare_lover", "林怡安/tag:skincare_lover"}},
			{"the other record's phone", h.mei, q("0922111678"), []string{"林怡君/phone"}},
			{"somebody else of the other counter stays unseen", h.mei, q("Zoe"), nil},
		})
		if got := h.finds(h.mei, Find{Query: "hi"}); len(got) != 2 {
			t.Errorf("messages after a merge: %q, want those of her own counter", got)
		}
		h.write(func(tx *db.Tx) error { return h.Unmerge(tx, h.manager, merge) })
		try("apart again", cases{
			{"the other record's phone", h.mei, q("0922111678"), nil},
			{"its own counter", h.foreign, q("0922111678"), []string{"林怡安/phone"}},
		})
		_ = dee
	})
}
