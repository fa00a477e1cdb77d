package demo

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"dingdong/internal/catalogue"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// Receipts of a year, in known.txt:
//
//	bought -12d SKU SKU           that day; a SKU twice is two pieces
//	returned -9d SKU              what she last bought of it
//	buys every 84d SKU SKU        again and again, the next soon
//	buys weekends 7 SKU SKU ...   on seven Saturdays and Sundays, one or two of these
//	buys 5 SKU SKU ...            on five days
const (
	year      = 360 // days
	tillOpens = 12  // o'clock
	tillHours = 8
)

// till gathers the receipts of everybody, to be recorded together.
type till struct {
	forms []catalogue.PurchaseForm
}

// ring reads one line.
func (t *till) ring(s *seeder, who known, row string) error {
	f := strings.Fields(row)
	chance := rand.New(rand.NewPCG(uint64(number(who.name+row)), 3)) // the same receipts every time
	switch {
	case f[0] != "buys":
		days, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(f[1], "-"), "d"))
		if err != nil || len(f) < 3 {
			return fmt.Errorf("receipt %q: %w", row, err)
		}
		if f[0] == "returned" {
			return t.takeBack(s, who, days, f[2])
		}
		return t.sell(s, who, moment(s, days, chance), f[2:])
	case f[1] == "every":
		cycle, err := strconv.Atoi(strings.TrimSuffix(f[2], "d"))
		if err != nil || cycle < 14 {
			return fmt.Errorf("receipts %q: %w", row, err)
		}
		for days := cycle - 6; days < year; days += cycle - 3 + chance.IntN(7) {
			if err := t.sell(s, who, moment(s, days, chance), f[3:]); err != nil {
				return err
			}
		}
		return nil
	}
	weekends := f[1] == "weekends"
	if weekends {
		f = f[1:]
	}
	n, err := strconv.Atoi(f[1])
	if err != nil || len(f) < 3 {
		return fmt.Errorf("receipts %q: %w", row, err)
	}
	for i := range n {
		days := 15 + i*(year-15)/n + chance.IntN((year-15)/n)
		for weekends && moment(s, days, chance).In(s.zone).Weekday() != [...]time.Weekday{time.Saturday, time.Sunday}[i%2] {
			days++
		}
		pool := f[2:]
		skus := []string{pool[chance.IntN(len(pool))]}
		if other := pool[chance.IntN(len(pool))]; other != skus[0] && chance.IntN(3) == 0 {
			skus = append(skus, other)
		}
		if err := t.sell(s, who, moment(s, days, chance), skus); err != nil {
			return err
		}
	}
	return nil
}

// moment is some time while the shop was open, so many days ago.
func moment(s *seeder, days int, chance *rand.Rand) time.Time {
	day := s.now.In(s.zone)
	at := time.Date(day.Year(), day.Month(), day.Day()-days, tillOpens+chance.IntN(tillHours), chance.IntN(60), chance.IntN(60), 0, s.zone)
	return at.UTC()
}

func (t *till) sell(s *seeder, who known, at time.Time, skus []string) error {
	p := t.receipt(s, who, at)
	for _, sku := range skus {
		what, ok := s.items[sku]
		if !ok {
			return fmt.Errorf("nobody sells %q", sku)
		}
		if last := len(p.Lines) - 1; last >= 0 && p.Lines[last].SKU == sku {
			p.Lines[last].Quantity++
			p.Lines[last].Amount += what.price
			continue
		}
		p.Lines = append(p.Lines, catalogue.LineForm{SKU: sku, Name: what.name, Quantity: 1, Amount: what.price})
	}
	t.forms = append(t.forms, p)
	return nil
}

// takeBack returns what she last bought of something.
func (t *till) takeBack(s *seeder, who known, days int, sku string) error {
	chance := rand.New(rand.NewPCG(uint64(number(who.name+sku)), 4))
	p := t.receipt(s, who, moment(s, days, chance))
	var of *catalogue.PurchaseForm
	for i := range t.forms {
		f := &t.forms[i]
		for _, l := range f.Lines {
			if f.CustomerID == who.customer && l.SKU == sku && f.At.Before(p.At) && (of == nil || f.At.After(of.At)) {
				of = f
			}
		}
	}
	if of == nil {
		return fmt.Errorf("%s is returned and was not bought", sku)
	}
	what := s.items[sku]
	p.Kind, p.ReturnsRef = catalogue.Return, of.Ref
	p.Lines = []catalogue.LineForm{{SKU: sku, Name: what.name, Quantity: -1, Amount: -what.price}}
	t.forms = append(t.forms, p)
	return nil
}

// receipt begins one, with the number that the till would have given it.
func (t *till) receipt(s *seeder, who known, at time.Time) catalogue.PurchaseForm {
	return catalogue.PurchaseForm{Source: tillSource, Ref: fmt.Sprintf("%s-%s-%04d", strings.ToUpper(who.counter), at.In(s.zone).Format("060102"), len(t.forms)+1),
		CustomerID: who.customer, Counter: s.group.counters[who.counter], Advisor: s.group.people[who.keeper], At: at, Currency: currency}
}

// tillSource is the till system of the group.
const tillSource = "pos"

func (t *till) record(s *seeder, tx *db.Tx) error {
	results, err := s.shop.RecordPurchases(tx, staff.System(), t.forms)
	if err != nil {
		return err
	}
	for _, r := range results {
		if r.State != catalogue.Added {
			return fmt.Errorf("receipt %s is %s: %s %s", r.Ref, r.State, r.Field, r.Code)
		}
	}
	s.made.Receipts = len(results)
	return nil
}
