package catalogue

import (
	"context"
	"errors"
	"regexp"
	"strings"
	"time"

	"dingdong/internal/customer"
	"dingdong/internal/db"
)

// CustomerForm is a customer as a file of another system tells of her.
type CustomerForm struct {
	Member   string `json:"member"` // her number there; else her phone number tells who she is
	Phone    string `json:"phone"`
	Email    string `json:"email"`
	Name     string `json:"name"`
	Counter  string `json:"counter"`  // id or name: who sees this counter sees her at once
	Birthday string `json:"birthday"` // 1990-03-08, or 03-08
}

// customersAtOnce is how many come in with one transaction: each has a key of her own,
// and is made findable by her name.
const customersAtOnce = 50

// dayOnly is a birthday without its year.
var dayOnly = regexp.MustCompile(`^(\d{1,2})[-/.月](\d{1,2})日?$`)

func (r *importReader) customerRow(i int, row []string, line int64) {
	cell := func(field string) string { return r.columns.cell(row, field) }
	f := CustomerForm{Member: cell("member"), Phone: cell("phone"), Email: cell("email"), Name: cell("name"), Counter: cell("counter")}
	if day := cell("birthday"); day != "" {
		var ok bool
		if f.Birthday, ok = r.birthday(day); !ok {
			r.spoil(i, RowError{Line: line, Field: "birthday", Code: "date"})
		}
	}
	r.batch.customers = append(r.batch.customers, f)
}

// birthday reads a birthday of a file, with or without its year.
func (r *importReader) birthday(s string) (string, bool) {
	if parts := dayOnly.FindStringSubmatch(s); parts != nil {
		return pad(parts[1]) + "-" + pad(parts[2]), true
	}
	at, ok := r.moments.parse(s, "")
	if !ok {
		return "", false
	}
	return at.In(r.moments.zone).Format(time.DateOnly), true
}

func pad(s string) string { return strings.Repeat("0", 2-len(s)) + s }

// prepareCustomers puts the ids of counters where the rows have names.
func (s *Shop) prepareCustomers(ctx context.Context, r *importReader, b *importBatch) error {
	b.customers = pick(b.customers, b.places)
	b.nowhere = make([]bool, len(b.customers))
	return s.DB.Read(ctx, func(tx *db.Tx) error {
		r.words.trim()
		for i := range b.customers {
			b.customers[i].Counter = oneLine(b.customers[i].Counter)
			r.words.counters.want(b.customers[i].Counter)
		}
		if err := r.words.lookUp(tx); err != nil {
			return err
		}
		for i := range b.customers {
			counter, ok := r.words.counters.id(b.customers[i].Counter)
			b.customers[i].Counter, b.nowhere[i] = counter.id, !ok
		}
		return nil
	})
}

// settleCustomers takes customers in, and gives them the receipts that wait for them.
func (s *Shop) settleCustomers(tx *db.Tx, b *importBatch, w writing) ([]Result, error) {
	e := customer.Enrolment{By: w.by, ImportID: w.importID, Region: b.options.Region, Proved: b.options.Proved, DryRun: !w.write, Seen: w.seen}
	if w.write {
		if err := customer.LockMerges(tx); err != nil {
			return nil, err
		}
	}
	results := make([]Result, len(b.customers))
	for i, f := range b.customers {
		res := &results[i]
		if b.nowhere[i] {
			res.State, res.Field, res.Code = Bad, "counter", "unknown"
			continue
		}
		got, err := s.Book.Enrol(tx, customer.MemberRow{Number: f.Member, Phone: f.Phone, Email: f.Email, Name: f.Name, CounterID: f.Counter, Birthday: f.Birthday}, e)
		var bad db.Invalid
		switch {
		case errors.As(err, &bad):
			res.State, res.Field, res.Code = Bad, bad.Field, bad.Code
			continue
		case err != nil:
			return nil, err
		case got.New:
			res.State = Added
		case got.Changed:
			res.State = Changed
		default:
			res.State = Repeated
		}
		for _, hash := range got.Proved {
			if _, err := s.ClaimPurchases(tx, got.CustomerID, hash); err != nil {
				return nil, err
			}
		}
	}
	return results, nil
}
