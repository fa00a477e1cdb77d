package app

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"dingdong/internal/consent"
	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/handover"
	"dingdong/internal/staff"
)

// An advisor with two hundred customers leaves. Her manager plans it, looks at it and
// starts it; the page counts by itself; a customer reads who takes over, on her phone,
// and chooses somebody else.
func anAdvisorLeavesHerCustomers(t *testing.T, c *chromium) {
	h := newHouse(t)
	h.hire("Lan", staff.Advisor, h.counter)
	h.hire("Siti", staff.Advisor, h.counter)
	hua := h.hire("Hua", staff.Manager, h.counter)
	lin := h.friend("U1", "林怡君")
	h.phone.Text(lin, "hi")
	her := h.record(lin)
	h.write(func(tx *db.Tx) error {
		return h.Desk.SetAdvisor(tx, staff.System(), conversation.Belonging{CustomerID: her, CounterID: h.counter, AdvisorID: h.advisor})
	})
	for part := range 4 { // who was entered by the member system and never wrote
		h.write(func(tx *db.Tx) error {
			for n := range 50 {
				e, err := h.Desk.EnterCustomer(tx, staff.System(), conversation.NewCustomer{Name: fmt.Sprintf("Customer %d", part*50+n), CounterID: h.counter})
				if err != nil {
					return err
				}
				if _, err := h.Desk.Book.Bind(tx, customer.Binding{CustomerID: e.CustomerID, CounterID: h.counter, AdvisorID: h.advisor, How: customer.HowStaff, By: hua}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	rules := consent.DefaultRules()
	rules.Quiet, rules.Holidays = consent.Quiet{From: "09:00", To: "09:00"}, nil // whatever the hour is, she may be told
	h.write(func(tx *db.Tx) error { return h.Consent.SaveRules(tx, staff.System(), rules) })
	page := h.console(c, hua, "Hua")
	page.open("/admin/handovers/new")
	page.shows("h1", "Plan a handover")
	var id string
	h.write(func(tx *db.Tx) error { // the form's fields are the business of the page's own test
		x, err := h.Hands.Plan(tx, staff.System(), handover.Form{LeaverID: h.advisor, Kind: handover.Leaves, Ends: tx.Now.Add(30 * 24 * time.Hour), Pace: 600,
			Rule: handover.Rule{Language: true, Load: true}})
		id = x.ID
		return err
	})
	page.open("/admin/handovers/" + id)
	page.shows("h2", "Preview")
	if n := h.number(`SELECT COUNT(*) FROM handover_item WHERE state = 'planned'`); n != 201 {
		t.Fatalf("%d customers are planned", n)
	}
	page.click("button", "Start the handover")
	page.shows("dialog[open] h2", "Start the handover")
	page.leaves(func() { page.click("dialog[open] button", "Start the handover") })
	page.shows("#going h2", "Customers are being moved")
	eventuallyIn(t, 90*time.Second, func() string {
		if n := h.number(`SELECT COUNT(*) FROM handover_item WHERE state = 'planned'`); n > 0 {
			return fmt.Sprintf("%d wait", n)
		}
		return ""
	})
	page.figure("moved", "201") // nobody has loaded the page anew
	page.figure("told", "1")
	page.figure("failed", "0")

	var news string
	eventuallyIn(t, patience, func() string {
		for _, m := range h.phone.Sent(lin) {
			if strings.Contains(m.Text, "Lan") || strings.Contains(m.Text, "Siti") {
				news = m.Text
				return ""
			}
		}
		return "she has read nothing"
	})
	item := h.text(`SELECT id FROM handover_item WHERE customer_id = $1`, her)
	h.phone.Postback(lin, conversation.DataHandover(item, conversation.HandoverOther), "")
	other := "Lan"
	if strings.Contains(news, "Lan") {
		other = "Siti"
	}
	chosen := h.text(`SELECT id FROM staff WHERE name = $1`, other)
	h.phone.Postback(lin, "dd:advisor:"+h.counter+":"+chosen, "")
	eventuallyIn(t, patience, func() string {
		if got := h.text(`SELECT chosen_id FROM handover_item WHERE id = $1`, item); got != chosen {
			return "she has not chosen"
		}
		return ""
	})
	page.reload()
	page.figure("chose another advisor", "1")
	if n := h.number(`SELECT COUNT(*) FROM binding WHERE customer_id = $1 AND advisor_id = $2 AND ended_at IS NULL`, her, chosen); n != 1 {
		t.Error("she is not whose she wants to be")
	}
}
