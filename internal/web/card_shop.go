package web

import (
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"dingdong/internal/catalogue"
	"dingdong/internal/db"
)

// cardShop is what she bought, and what that tells.
type cardShop struct {
	ThreadID string
	Habits   []habitLine
	Receipts []receipt
	More     string // address of the receipts before these; empty: these are all
}

// habitLine is a habit in a plain sentence.
type habitLine struct {
	Text string
	Sure string // "6 of 8"
	Soon bool   // it asks for something to be done
}

// receipt is a purchase or a return.
type receipt struct {
	ID, When, Stamp, Place string
	Return, Partial        bool
	Total                  string
	Lines                  []receiptLine
}

type receiptLine struct {
	Name, Variant, Amount string
	Colour                string // #rrggbb; empty: none is known
	Quantity              int64  // shown when it is not one
}

const (
	receiptsFirst = 3
	receiptsPiece = 20
)

// purchases are her habits and the last receipts.
func (c *cardAt) purchases() (cardShop, error) {
	p := cardShop{ThreadID: c.t.ID}
	if c.Shop == nil {
		return p, nil
	}
	habits, err := c.Shop.Habits(c.tx, c.v.Viewer, c.records, c.tx.Now)
	if err != nil {
		return p, err
	}
	p.Habits = c.habits(habits)
	return p, c.read(&p, catalogue.Cursor{}, receiptsFirst)
}

// receipts are the receipts before a place.
func (c *cardAt) receipts() (cardShop, error) {
	p := cardShop{ThreadID: c.t.ID}
	before, ok := pastCursor(c.before)
	if !ok {
		return p, errMalformed
	}
	if c.Shop == nil {
		return p, nil
	}
	return p, c.read(&p, catalogue.Cursor(before), receiptsPiece)
}

func (c *cardAt) read(p *cardShop, before catalogue.Cursor, limit int) error {
	list, err := c.Shop.Purchases(c.tx, c.v.Viewer, c.records, before, limit+1)
	if err != nil {
		return err
	}
	if len(list) > limit {
		list = list[:limit]
		last := list[limit-1]
		p.More = "/inbox/" + c.t.ID + "/card/receipts?before=" + cursorText(last.At, last.ID)
	}
	for _, x := range list {
		p.Receipts = append(p.Receipts, c.receipt(x))
	}
	return nil
}

var colour = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

func (c *cardAt) receipt(x catalogue.Purchase) receipt {
	r := receipt{ID: x.ID, When: c.clock.Date(x.At), Stamp: c.clock.Machine(x.At), Return: x.Kind == catalogue.Return, Partial: x.Partial,
		Total: money(x.Total, x.Currency)}
	if counter, ok := c.x.directory.Counter(x.CounterID); ok {
		r.Place = counter.Store
	}
	for _, l := range x.Lines {
		line := receiptLine{Name: l.Name, Variant: l.Variant, Amount: money(l.Amount, x.Currency), Quantity: max(l.Quantity, -l.Quantity)}
		if line.Name == "" {
			line.Name = l.SKU
		}
		if colour.MatchString(l.Colour) {
			line.Colour = l.Colour
		}
		r.Lines = append(r.Lines, line)
	}
	return r
}

// habits says what her receipts tell.
func (c *cardAt) habits(h catalogue.Habits) []habitLine {
	var out []habitLine
	add := func(text string, n, m int) *habitLine {
		line := habitLine{Text: text}
		if m > 0 {
			line.Sure = c.v.T("card.habit.sure", "n", n, "m", m)
		}
		out = append(out, line)
		return &out[len(out)-1]
	}
	for i, r := range h.RunningOut {
		if i == 3 {
			break
		}
		key := "card.habit.soon"
		if r.DueAt.Before(c.tx.Now) {
			key = "card.habit.out"
		}
		text := c.v.T(key, "product", joinWords(r.Name, r.Variant), "day", c.clock.Date(r.DueAt), "last", c.clock.Date(r.LastAt))
		add(text, r.N, r.M).Soon = true
	}
	switch { // one sentence where both are sure
	case h.Day.M > 0:
		add(c.v.T("card.habit.buys", "when", c.moments(h.Day.Value, "")), h.Day.N, h.Day.M)
	case h.Part.M > 0:
		add(c.v.T("card.habit.buys", "when", c.moments("", h.Part.Value)), h.Part.N, h.Part.M)
	}
	for _, x := range []struct {
		key   string
		habit catalogue.Habit
	}{{"size", h.Size}, {"shade", h.Shade}, {"scent", h.Scent}} {
		if x.habit.M > 0 {
			add(c.v.T("card.habit."+x.key, "value", x.habit.Value), x.habit.N, x.habit.M)
		}
	}
	if h.Price.M > 0 && h.Price.Low < h.Price.High {
		add(c.v.T("card.habit.price", "low", money(h.Price.Low, h.Price.Currency), "high", money(h.Price.High, h.Price.Currency)), h.Price.N, h.Price.M)
	}
	for i, cycle := range h.Cycles {
		if i == 3 {
			break
		}
		add(c.v.T("card.habit.cycle", "product", cycle.Name, "n", cycle.Days), cycle.N, cycle.M)
	}
	return out
}

func joinWords(words ...string) string {
	return strings.Join(strings.Fields(strings.Join(words, " ")), " ")
}

// signs are written before an amount; other currencies by their code.
var signs = map[string]string{"TWD": "NT$", "USD": "US$", "HKD": "HK$", "EUR": "€", "JPY": "¥", "CNY": "CN¥", "MYR": "RM", "SGD": "S$"}

// money says an amount: "NT$1,280". Nobody wants to read cents that are none.
func money(amount int64, currency string) string {
	text := catalogue.FormatAmount(amount, currency)
	text, negative := strings.CutPrefix(text, "-")
	whole, cents, _ := strings.Cut(text, ".")
	n, err := strconv.Atoi(whole)
	if err == nil {
		whole = shownNumber(n)
	}
	if strings.Trim(cents, "0") != "" {
		whole += "." + cents
	}
	sign, found := signs[currency]
	if !found {
		sign = currency + " "
	}
	if negative {
		return "−" + sign + whole
	}
	return sign + whole
}

// cursorText writes a place in a list as "at.id".
func cursorText(at time.Time, id string) string {
	return strconv.FormatInt(db.Micro(at), 10) + "." + url.QueryEscape(id)
}
