package conversation

import (
	"fmt"
	"slices"

	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/event"
	"dingdong/internal/staff"
)

// CounterChoice is a counter that a customer can choose.
type CounterChoice struct {
	CounterID, Counter, Store, Brand string
	Advisors                         []AdvisorChoice
}

// AdvisorChoice is an advisor whom a customer can choose.
type AdvisorChoice struct {
	ID, Name     string
	Languages    []string
	Specialities string
	OnDuty       bool
}

// Choosable lists the open counters that an account serves, its own first, with who can
// be chosen there: those on duty come first.
func (d *Desk) Choosable(tx *db.Tx, accountID string) ([]CounterChoice, error) {
	a, err := d.Listening(tx, accountID)
	if err != nil {
		return nil, err
	}
	directory, err := staff.LoadDirectory(tx)
	if err != nil {
		return nil, err
	}
	people, err := staff.Advisors(tx, a.Served())
	if err != nil {
		return nil, err
	}
	var out []CounterChoice
	for _, c := range directory.Counters { // by store and brand, as a customer would look
		if c.Closed || !a.Serves(c.ID) {
			continue
		}
		choice := CounterChoice{CounterID: c.ID, Counter: c.Name, Store: c.Store, Brand: c.Brand}
		for _, p := range people[c.ID] {
			choice.Advisors = append(choice.Advisors, AdvisorChoice{ID: p.ID, Name: p.Name, Languages: p.Languages, Specialities: p.Specialities, OnDuty: !p.Away})
		}
		slices.SortStableFunc(choice.Advisors, func(x, y AdvisorChoice) int { return int(number(y.OnDuty) - number(x.OnDuty)) })
		out = append(out, choice)
	}
	slices.SortStableFunc(out, func(x, y CounterChoice) int {
		return int(number(y.CounterID == a.CounterID) - number(x.CounterID == a.CounterID))
	})
	return out, nil
}

// Choose is a customer's own choice of her advisor. AdvisorID empty: anyone.
type Choose struct {
	IdentityID, CounterID, AdvisorID string
	How                              customer.How // empty: chosen
}

// ChooseAdvisor binds a customer to the advisor she chose, at a counter that her account
// serves, and lets her speak with that counter. Anyone ends what bound her there.
func (d *Desk) ChooseAdvisor(tx *db.Tx, c Choose) error {
	a, err := d.accountOf(tx, c.IdentityID)
	if err != nil {
		return err
	}
	if err := d.choosable(tx, a, c); err != nil {
		return err
	}
	p, err := d.placeOf(tx, a, c.IdentityID, c.CounterID)
	if err != nil {
		return err
	}
	if err := d.speakAt(tx, a, c.IdentityID, c.CounterID); err != nil {
		return err
	}
	if err := speakTo(tx, a, p); err != nil {
		return err
	}
	old, err := d.Book.BindingAt(tx, p.personID, c.CounterID)
	if err != nil && err != db.ErrNotFound {
		return err
	}
	if old.AdvisorID == c.AdvisorID {
		if c.AdvisorID != "" { // she has her already, and says that she wants her
			event.Append(tx, event.Event{Kind: event.CustomerChanged, Customer: p.personID, Counter: c.CounterID, By: "customer",
				Data: map[string]string{"what": "binding"}})
		}
		return nil
	}
	if c.AdvisorID == "" {
		if _, err := d.Book.Unbind(tx, customer.Unbinding{CustomerID: p.personID, CounterID: c.CounterID, By: "customer"}); err != nil {
			return err
		}
		if _, err := d.addLine(tx, a, p, systemLine{Type: TypeChose}); err != nil {
			return err
		}
		return d.uncover(tx, p.threadID)
	}
	if c.How == "" {
		c.How = customer.HowChosen
	}
	if _, err := d.Book.Bind(tx, customer.Binding{CustomerID: p.personID, CounterID: c.CounterID, AdvisorID: c.AdvisorID, How: c.How, By: "customer"}); err != nil {
		return err
	}
	who, err := staff.GetStaff(tx, c.AdvisorID)
	if err != nil {
		return err
	}
	if _, err := d.addLine(tx, a, p, systemLine{Type: TypeChose, Text: who.Name}); err != nil {
		return err
	}
	return d.bring(tx, p.threadID)
}

func (d *Desk) choosable(tx *db.Tx, a Account, c Choose) error {
	if err := openCounter(tx, a, c.CounterID); err != nil || c.AdvisorID == "" {
		return err
	}
	ok, err := staff.AnswersAt(tx, c.AdvisorID, c.CounterID)
	if err == nil && !ok {
		err = db.Invalid{Field: "advisor", Code: "not_at_counter"}
	}
	return err
}

// openCounter refuses a counter that an account does not serve, or that is closed.
func openCounter(tx *db.Tx, a Account, counterID string) error {
	if !a.Serves(counterID) {
		return db.Invalid{Field: "counter", Code: "unknown"}
	}
	c, err := staff.GetCounter(tx, counterID)
	if err == nil && !c.ClosedAt.IsZero() {
		err = db.Invalid{Field: "counter", Code: "closed"}
	}
	return err
}

func (d *Desk) accountOf(tx *db.Tx, identityID string) (Account, error) {
	i, err := d.Book.IdentityByID(tx, identityID)
	if err != nil {
		return Account{}, err
	}
	return d.Listening(tx, i.AccountID)
}

// SwitchCounter lets a customer go on with another counter of her account. Both threads
// say so; going to where she is changes nothing.
func (d *Desk) SwitchCounter(tx *db.Tx, identityID, counterID string) error {
	i, err := d.Book.IdentityByID(tx, identityID)
	if err != nil {
		return err
	}
	a, err := d.Listening(tx, i.AccountID)
	if err != nil {
		return err
	}
	if err := openCounter(tx, a, counterID); err != nil {
		return err
	}
	from := i.CounterID
	if from == "" {
		from = a.CounterID
	}
	if from == counterID {
		return nil
	}
	next, err := d.placeOf(tx, a, identityID, counterID)
	if err != nil {
		return err
	}
	if err := speakTo(tx, a, next); err != nil {
		return err
	}
	if err := d.Book.SpeakAt(tx, identityID, counterID); err != nil {
		return err
	}
	here, err := staff.GetCounter(tx, counterID)
	if err != nil {
		return err
	}
	before := next
	before.counterID = from
	err = db.NotFound(tx.QueryRow(`SELECT id FROM thread WHERE customer_id = $1 AND counter_id = $2`, next.personID, from).Scan(&before.threadID))
	if err == db.ErrNotFound {
		return nil // she has not spoken with anybody yet
	}
	if err != nil {
		return fmt.Errorf("the thread she leaves: %w", err)
	}
	if _, err := d.addLine(tx, a, before, systemLine{Type: TypeMoved, Text: here.Name}); err != nil {
		return err
	}
	there, err := staff.GetCounter(tx, from)
	if err != nil {
		return err
	}
	_, err = d.addLine(tx, a, next, systemLine{Type: TypeArrived, Text: there.Name})
	return err
}
