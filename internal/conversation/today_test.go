package conversation

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/staff"
)

func (h *house) today(v staff.Viewer) string {
	h.t.Helper()
	var out []string
	h.read(func(tx *db.Tx) error {
		list, err := h.Today(tx, v, Day{Zone: time.UTC})
		for _, t := range list {
			out = append(out, fmt.Sprintf("%s %s", t.Kind, t.Thread.Name))
			if !v.Sees(t.Thread.CounterID) {
				h.t.Errorf("%s at a counter that is not seen", t.Kind)
			}
		}
		return err
	})
	return strings.Join(out, ", ")
}

func TestToday(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		lumi := h.elsewhere()
		h.receive(says("ann", 1, "hi"), says("bea", 2, "hi"))
		h.receiveAt(lumi, says("cat", 3, "hi"))
		ann, bea, cat := h.named(h.account, "ann", "Ann"), h.named(h.account, "bea", "Bea"), h.named(lumi, "cat", "Cat")
		var promise string
		h.write(func(tx *db.Tx) error {
			check(t, h.Book.EnsureDefaults(tx))
			for id, days := range map[string]int{ann: 3, bea: 1, cat: 2} {
				_, err := h.Book.Learn(tx, id, customer.Learnt{Name: "birthday", Value: tx.Now.AddDate(0, 0, days).Format("01-02"), Proof: customer.Proof{Source: customer.SourceStaff, By: h.mei.ID}})
				check(t, err)
				_, err = tx.Exec(`INSERT INTO purchase (id, source, ref, customer_id, counter_id, at, total, currency, created_at) VALUES ($1, 'till', $1, $2, $3, $4, 1, 'TWD', 0)`,
					"pur_"+id, id, map[bool]string{true: h.other, false: h.counter}[id == cat], db.Micro(tx.Now.AddDate(-1, 0, 1)))
				check(t, err)
			}
			// Bea bought something since.
			_, err := tx.Exec(`INSERT INTO purchase (id, source, ref, customer_id, counter_id, at, total, currency, created_at) VALUES ('pur_new', 'till', 'new', $1, $2, $3, 1, 'TWD', 0)`,
				bea, h.counter, db.Micro(tx.Now))
			check(t, err)
			p, err := h.Book.AddPromise(tx, h.mei, customer.PromiseForm{CustomerID: ann, CounterID: h.counter, Body: "call", Due: tx.Now})
			check(t, err)
			promise = p.ID
			wish, err := h.Book.AddWish(tx, h.mei, customer.WishForm{CustomerID: bea, CounterID: h.counter, Body: "a light scent", Facets: []string{"scent:light"}})
			check(t, err)
			_, err = h.Book.MatchWish(tx, wish.ID, "var_x")
			check(t, err)
			_, err = h.Book.Bind(tx, customer.Binding{CustomerID: ann, CounterID: h.counter, AdvisorID: h.mei.ID, How: customer.HowStaff})
			return err
		})
		all := "promise Ann, birthday Ann, birthday Bea, wish Bea, anniversary Ann"
		if got := h.today(h.mei); got != all {
			t.Errorf("her day: %s", got)
		}
		if got := h.today(h.foreign); got != "birthday Cat, anniversary Cat" {
			t.Errorf("the other counter's day: %s", got)
		}
		if got := h.today(h.marketing); got != "" {
			t.Errorf("without a counter: %s", got)
		}
		h.write(func(tx *db.Tx) error {
			for _, a := range []Aside{{Kind: TodoPromise, Ref: promise, Done: true}, {Kind: TodoBirthday, Ref: bea}, {Kind: TodoBirthday, Ref: bea}, {Kind: TodoAnniversary, Ref: "pur_" + ann, Done: true}} {
				check(t, h.PutAside(tx, h.mei, a))
			}
			if err := h.PutAside(tx, h.foreign, Aside{Kind: TodoPromise, Ref: promise, Done: true}); err == nil {
				t.Error("another counter's promise was kept")
			}
			if err := h.PutAside(tx, h.officer, Aside{Kind: TodoBirthday, Ref: bea}); err != staff.ErrForbidden {
				t.Errorf("who may not write: %v", err)
			}
			for _, a := range []Aside{{Kind: "x", Ref: "y"}, {Kind: TodoWish}, {Kind: TodoWish, Ref: strings.Repeat("a", 5000)}} {
				if err := h.PutAside(tx, h.mei, a); err == nil {
					t.Errorf("%v was taken", a.Kind)
				}
			}
			return nil
		})
		if got := h.today(h.mei); got != "birthday Ann, wish Bea" {
			t.Errorf("after she put some aside: %s", got)
		}
		h.write(func(tx *db.Tx) error {
			_, err := h.Merge(tx, h.manager, Merge{KeptID: ann, LostID: cat, Proof: "advisor"})
			return err
		})
		if got := h.today(h.mei); !strings.Contains(got, "birthday Ann") || strings.Contains(got, "Cat") {
			t.Errorf("after a merge: %s", got)
		}
	})
}
