package conversation

import (
	"context"
	"errors"
	"slices"
	"testing"

	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/staff"
)

func TestEnterCustomer(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		crm := staff.Machine("crm", staff.CustomersWrite)
		enter := func(v staff.Viewer, n NewCustomer) (e Entered, err error) {
			err = h.DB.Write(context.Background(), func(tx *db.Tx) error { e, err = h.EnterCustomer(tx, v, n); return err })
			return e, err
		}
		member := func(no string, verified bool) []customer.Contact {
			return []customer.Contact{{Kind: customer.Member, Value: no, Verified: verified, Source: customer.SourceAPI}}
		}
		ann, err := enter(crm, NewCustomer{Name: "Ann Chen", CounterID: h.counter, Contacts: member("A1", true)})
		if err != nil || !ann.New {
			t.Fatalf("%+v, %v", ann, err)
		}
		bea, err := enter(crm, NewCustomer{Name: "Bea Chen", Contacts: member("A2", false)})
		if err != nil || !bea.New {
			t.Fatalf("%+v, %v", bea, err)
		}
		for name, c := range map[string]struct {
			n    NewCustomer
			same string // whom it must be; "": somebody new
		}{
			"the same verified number":  {NewCustomer{Name: "Anna", Contacts: member(" a1 ", true)}, ann.CustomerID},
			"a number only typed":       {NewCustomer{Name: "Ann Chen", Contacts: member("A1", false)}, ""},
			"a number nobody verified":  {NewCustomer{Contacts: member("A2", true)}, ""},
			"no number, the same name":  {NewCustomer{Name: "Ann Chen"}, ""},
			"nothing at all to tell by": {NewCustomer{}, ""},
		} {
			e, err := enter(crm, c.n)
			if err != nil || e.New != (c.same == "") || c.same != "" && e.CustomerID != c.same {
				t.Errorf("%s: %+v, %v", name, e, err)
			}
		}
		for name, c := range map[string]struct {
			v    staff.Viewer
			n    NewCustomer
			want error
		}{
			"an advisor":       {h.mei, NewCustomer{}, staff.ErrForbidden},
			"a reader":         {staff.Machine("x", staff.CustomersRead, staff.MessagesWrite), NewCustomer{}, staff.ErrForbidden},
			"no such counter":  {crm, NewCustomer{CounterID: "cnt_none"}, db.Invalid{Field: "counter", Code: "unknown"}},
			"a broken number":  {crm, NewCustomer{Contacts: []customer.Contact{{Kind: customer.Phone, Value: "x", Source: customer.SourceAPI}}}, db.Invalid{Field: "phone", Code: "malformed"}},
			"a kind of nobody": {crm, NewCustomer{Contacts: []customer.Contact{{Kind: "fax", Value: "x", Verified: true, Source: customer.SourceAPI}}}, db.Invalid{Field: "kind", Code: "unknown"}},
		} {
			if _, err := enter(c.v, c.n); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}

		h.write(func(tx *db.Tx) error {
			if _, err := h.Book.GiveTag(tx, ann.CustomerID, "skin:dry", customer.Proof{Source: customer.SourceAPI}); err != nil && !errors.As(err, new(db.Invalid)) {
				return err
			}
			return nil
		})
		for name, c := range map[string]struct {
			v        staff.Viewer
			ann, bea bool
		}{
			"her counter's advisor": {h.mei, true, false},
			"her counter's manager": {h.manager, true, false},
			"another counter":       {h.foreign, false, false},
			"a program":             {crm, true, true},
			"nobody":                {staff.Viewer{}, false, false},
		} {
			for id, want := range map[string]bool{ann.CustomerID: c.ann, bea.CustomerID: c.bea} {
				h.read(func(tx *db.Tx) error {
					if _, err := h.Visible(tx, c.v, id); (err == nil) != want {
						t.Errorf("%s sees %s: %v", name, id, err)
					}
					return nil
				})
			}
			for query, want := range map[string]bool{"A1": c.ann, "ann": c.ann, "bea": c.bea} {
				if found := h.who(c.v, FindCustomer{Query: query}); (len(found) > 0) != want {
					t.Errorf("%s finds %q for %q", name, found, query)
				}
			}
		}
	})
}

func TestSetAdvisor(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		h.receive(says("U1", 1, "hello"))
		crm := staff.Machine("crm", staff.CustomersWrite)
		wrote := h.only(h.mei)
		var silent Entered
		h.write(func(tx *db.Tx) (err error) {
			silent, err = h.EnterCustomer(tx, crm, NewCustomer{Name: "Ann"})
			return err
		})
		for name, c := range map[string]struct {
			v    staff.Viewer
			b    Belonging
			want error
		}{
			"who wrote":             {crm, Belonging{wrote.CustomerID, h.counter, h.mei.ID}, nil},
			"who never wrote":       {crm, Belonging{silent.CustomerID, h.counter, h.mei.ID}, nil},
			"nobody's any more":     {crm, Belonging{silent.CustomerID, h.counter, ""}, nil},
			"again":                 {crm, Belonging{silent.CustomerID, h.counter, ""}, nil},
			"no such customer":      {crm, Belonging{"cus_none", h.counter, h.mei.ID}, db.ErrNotFound},
			"no such counter":       {crm, Belonging{wrote.CustomerID, "cnt_none", h.mei.ID}, db.Invalid{Field: "counter", Code: "unknown"}},
			"an advisor elsewhere":  {crm, Belonging{wrote.CustomerID, h.counter, h.foreign.ID}, db.Invalid{Field: "advisor", Code: "not_at_counter"}},
			"a stranger":            {h.foreign, Belonging{wrote.CustomerID, h.counter, h.mei.ID}, db.ErrNotFound},
			"a program that writes": {staff.Machine("x", staff.MessagesWrite), Belonging{wrote.CustomerID, h.counter, h.mei.ID}, staff.ErrForbidden},
		} {
			if err := h.DB.Write(context.Background(), func(tx *db.Tx) error { return h.SetAdvisor(tx, c.v, c.b) }); !errors.Is(err, c.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		h.read(func(tx *db.Tx) error {
			b, err := h.Book.BindingAt(tx, wrote.CustomerID, h.counter)
			if err != nil || b.AdvisorID != h.mei.ID || b.How != customer.HowStaff {
				t.Errorf("%+v, %v", b, err)
			}
			list, err := h.Book.Bindings(tx, []string{wrote.CustomerID})
			if n := len(slices.DeleteFunc(list, func(b customer.Binding) bool { return !b.EndedAt.IsZero() })); n != 1 {
				t.Errorf("%d bindings hold", n)
			}
			return err
		})
		if now := h.only(h.mei); now.AssigneeID != h.mei.ID {
			t.Errorf("the thread did not go along: %+v", now)
		}
	})
}
