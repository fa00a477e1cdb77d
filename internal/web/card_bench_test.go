package web

import (
	"fmt"
	"net/http"
	"testing"

	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// BenchmarkCard measures what a card costs the server when a customer has 500
// receipts and 300 values, each section as it is asked for.
func BenchmarkCard(b *testing.B) {
	h := newCardHouse(b)
	h.buys(499)
	h.write(func(tx *db.Tx) error {
		for d := range 10 {
			name := fmt.Sprintf("own_%d", d)
			if _, err := h.Desk.Book.SaveAttributeDef(tx, staff.System(), customer.AttributeDef{Name: name, Label: name, Type: customer.TypeMany}); err != nil {
				return err
			}
			for i := range 30 {
				if _, err := h.Desk.Book.Learn(tx, h.her, customer.Learnt{Name: name, Value: fmt.Sprint("value ", i),
					Proof: customer.Proof{Source: customer.SourceStaff, By: h.Advisor, CounterID: h.Counter}}); err != nil {
					return err
				}
			}
		}
		return nil
	})
	for i := range 10 {
		h.said(customer.Facets()[1].Name+":"+customer.Facets()[1].Values[i], "words")
	}
	h.mei.get(h.at("/card"))
	for _, part := range []string{"", "/head", "/tags", "/known", "/purchases", "/past", "/one", "/reach"} {
		b.Run("card"+part, func(b *testing.B) {
			for b.Loop() {
				if got := h.mei.get(h.at("/card" + part)); got.Code != http.StatusOK {
					b.Fatal(got.Code)
				}
			}
		})
	}
}
