package catalogue

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// What her receipts tell is reckoned anew each time it is asked: a few hundred rows,
// and nothing to keep in step when a receipt is claimed, taken back or comes late.

const (
	habitReceipts = 1000 // the latest ones say enough
	enough        = 3    // observations under which nothing is said
	soonDays      = 14   // "may be running out" is said this long before
)

// Habits reckons what the receipts of a person tell, as far as the viewer may read them.
func (s *Shop) Habits(tx *db.Tx, v staff.Viewer, records []string, now time.Time) (Habits, error) {
	sight, err := readSight(tx, v)
	if err != nil {
		return Habits{}, err
	}
	list, err := sight.receipts(tx, reading{records: records, limit: habitReceipts})
	if err != nil {
		return Habits{}, fmt.Errorf("habits: %w", err)
	}
	kept := list[:0]
	for _, p := range list {
		if sight.trim(&p) {
			kept = append(kept, p)
		}
	}
	zones, err := readZones(tx)
	if err != nil {
		return Habits{}, err
	}
	return reckon(kept, now, func(storeID string) *time.Location { return cmp.Or(zones[storeID], zones[""]) }), nil
}

// readZones reads the time zones of the stores; under "" that of no store.
func readZones(tx *db.Tx) (map[string]*time.Location, error) {
	stores, err := staff.ListStores(tx)
	if err != nil {
		return nil, err
	}
	byName := map[string]*time.Location{}
	zones := map[string]*time.Location{}
	load := func(key, name string) {
		zone, ok := byName[name]
		if !ok {
			var err error
			if zone, err = time.LoadLocation(name); err != nil {
				zone = time.UTC
			}
			byName[name] = zone
		}
		zones[key] = zone
	}
	load("", usualZone)
	for _, s := range stores {
		load(s.ID, s.Timezone)
	}
	return zones, nil
}

// usualZone is the first market's.
const usualZone = "Asia/Taipei"

// reckon is Habits over receipts, the latest first.
func reckon(list []Purchase, now time.Time, zone func(storeID string) *time.Location) Habits {
	kept := withoutReturned(list)
	h := Habits{Purchases: len(kept)}
	h.Day, h.Part = whenSheBuys(kept, zone)
	var size, scent, shade, category tally
	for _, p := range kept {
		for _, l := range p.Lines {
			size.add(l.Size)
			scent.add(l.Scent)
			shade.add(l.Shade)
			category.add(l.Category)
		}
	}
	h.Size, h.Scent, h.Shade, h.Category = size.favourite(), scent.favourite(), shade.favourite(), category.favourite()
	h.Price = priceRange(kept)
	h.Cycles, h.RunningOut = cycles(kept, now)
	return h
}

// withoutReturned gives the sales without the pieces that she brought back. A return
// names its receipt, or is taken from the latest sale before it that has the piece.
func withoutReturned(list []Purchase) []Purchase {
	sales := make([]Purchase, 0, len(list))
	for _, p := range list {
		if p.Kind == Sale {
			p.Lines = slices.Clone(p.Lines)
			sales = append(sales, p)
		}
	}
	var emptied = make([]bool, len(sales))
	take := func(i int, sku string, quantity int64) (left int64) {
		for n := range sales[i].Lines {
			l := &sales[i].Lines[n]
			if l.SKU != sku || l.Quantity <= 0 || quantity == 0 {
				continue
			}
			took := min(l.Quantity, quantity)
			l.Amount -= l.Amount / l.Quantity * took
			l.Quantity -= took
			quantity -= took
		}
		emptied[i] = !slices.ContainsFunc(sales[i].Lines, func(l Line) bool { return l.Quantity > 0 })
		return quantity
	}
	// The oldest return first: it takes from the sale that was the latest then.
	for _, back := range slices.Backward(list) {
		if back.Kind != Return {
			continue
		}
		named := -1
		if back.ReturnsRef != "" {
			named = slices.IndexFunc(sales, func(p Purchase) bool { return p.Source == back.Source && p.Ref == back.ReturnsRef })
		}
		if named >= 0 && len(back.Lines) == 0 {
			emptied[named] = true
			continue
		}
		for _, l := range back.Lines {
			left := max(l.Quantity, -l.Quantity)
			if l.SKU == "" || left == 0 {
				continue
			}
			if named >= 0 {
				take(named, l.SKU, left)
				continue
			}
			for i := range sales {
				if left == 0 {
					break
				}
				if !sales[i].At.After(back.At) {
					left = take(i, l.SKU, left)
				}
			}
		}
	}
	kept := sales[:0]
	for i, p := range sales {
		if emptied[i] {
			continue
		}
		p.Lines = slices.DeleteFunc(p.Lines, func(l Line) bool { return l.Quantity <= 0 })
		kept = append(kept, p)
	}
	return kept
}

// tally counts values.
type tally struct {
	counts map[string]int
	all    int
}

func (t *tally) add(value string) {
	if value == "" {
		return
	}
	if t.counts == nil {
		t.counts = map[string]int{}
	}
	t.counts[value]++
	t.all++
}

// favourite is the value that is there most of the time.
func (t *tally) favourite() Habit {
	best := ""
	for value, n := range t.counts {
		if n > t.counts[best] || n == t.counts[best] && value < best {
			best = value
		}
	}
	return said(best, t.counts[best], t.all)
}

// said is a habit, if it is sure enough: three observations, three of five.
func said(value string, n, m int) Habit {
	if m < enough || n*5 < m*3 {
		return Habit{}
	}
	return Habit{value, n, m}
}

// whenSheBuys finds the weekday and the part of the day. A weekday is said where it can
// be, else the weekend; workdays only when nearly all are, since five of seven days are.
func whenSheBuys(list []Purchase, zone func(string) *time.Location) (day, part Habit) {
	var days, parts tally
	weekend := 0
	for _, p := range list {
		at := p.At.In(zone(p.StoreID))
		days.add(strings.ToLower(at.Weekday().String()))
		if d := at.Weekday(); d == time.Saturday || d == time.Sunday {
			weekend++
		}
		if at.Hour()+at.Minute()+at.Second() > 0 { // midnight: the till told a day and no time
			parts.add(partOfDay(at.Hour()))
		}
	}
	n := len(list)
	day = days.favourite()
	if day.M == 0 {
		day = said("weekend", weekend, n)
	}
	if workdays := n - weekend; day.M == 0 && workdays*100 >= n*85 {
		day = said("workdays", workdays, n)
	}
	return day, parts.favourite()
}

func partOfDay(hour int) string {
	switch {
	case hour < 6:
		return "night"
	case hour < 12:
		return "morning"
	case hour < 17:
		return "afternoon"
	}
	return "evening"
}

// priceRange looks at the prices of pieces in the currency she mostly pays with.
func priceRange(list []Purchase) PriceRange {
	prices := map[string][]int64{}
	for _, p := range list {
		for _, l := range p.Lines {
			if l.Amount > 0 && l.Quantity > 0 {
				prices[p.Currency] = append(prices[p.Currency], l.Amount/l.Quantity)
			}
		}
	}
	var r PriceRange
	for currency, all := range prices {
		if len(all) > r.M || len(all) == r.M && currency < r.Currency {
			r.Currency, r.M = currency, len(all)
		}
	}
	all := prices[r.Currency]
	if len(all) < enough {
		return PriceRange{}
	}
	slices.Sort(all)
	r.Low, r.Middle, r.High = quantile(all, 0.25), quantile(all, 0.5), quantile(all, 0.75)
	for _, p := range all {
		if p >= r.Low && p <= r.High {
			r.N++
		}
	}
	return r
}

// quantile of sorted values, between two of them in proportion.
func quantile(sorted []int64, q float64) int64 {
	at := q * float64(len(sorted)-1)
	low := int(at)
	high := min(low+1, len(sorted)-1)
	return sorted[low] + int64(math.Round((at-float64(low))*float64(sorted[high]-sorted[low])))
}

// bought is what she bought of one product, the latest first.
type bought struct {
	line   Line
	latest time.Time
	pieces int64 // at the latest purchase
	days   []time.Time
}

// cycles finds how often she buys a product, and what may be running out.
func cycles(list []Purchase, now time.Time) ([]Cycle, []RunningOut) {
	all := map[string]*bought{}
	var order []string
	for _, p := range list {
		for _, l := range p.Lines {
			if l.ProductID == "" {
				continue
			}
			b := all[l.ProductID]
			if b == nil {
				b = &bought{line: l, latest: p.At}
				all[l.ProductID] = b
				order = append(order, l.ProductID)
			}
			if p.At.Equal(b.latest) {
				b.pieces += l.Quantity
			}
			// Two receipts within a day are one errand.
			if n := len(b.days); n == 0 || b.days[n-1].Sub(p.At) >= 24*time.Hour {
				b.days = append(b.days, p.At)
			}
		}
	}
	var out []Cycle
	var empty []RunningOut
	for _, id := range order {
		b := all[id]
		c := b.cycle()
		if c.Days > 0 {
			out = append(out, c)
		}
		if r, yes := b.runningOut(c, now); yes {
			empty = append(empty, r)
		}
	}
	slices.SortStableFunc(empty, func(a, b RunningOut) int { return a.DueAt.Compare(b.DueAt) })
	return out, empty
}

// cycle is the median of the gaps; Days is 0 when there are too few purchases, or when
// under three of five gaps lie within a third of it.
func (b *bought) cycle() Cycle {
	c := Cycle{ProductID: b.line.ProductID, Name: b.line.Name, Purchases: len(b.days), LastAt: b.latest}
	if len(b.days) < enough {
		return c
	}
	gaps := make([]int64, 0, len(b.days)-1)
	for i := 1; i < len(b.days); i++ {
		gaps = append(gaps, int64(math.Round(b.days[i-1].Sub(b.days[i]).Hours()/24)))
	}
	slices.Sort(gaps)
	median := quantile(gaps, 0.5)
	for _, g := range gaps {
		if 3*max(g-median, median-g) <= median {
			c.N++
		}
	}
	c.M = len(gaps)
	if c.N*5 >= c.M*3 {
		c.Days = int(median)
	}
	return c
}

// runningOut says when the latest piece will be used up: by her own rhythm, or by what
// the catalogue says a piece lasts. Long after that she has moved on, and nothing is said.
func (b *bought) runningOut(c Cycle, now time.Time) (RunningOut, bool) {
	r := RunningOut{ProductID: b.line.ProductID, Name: b.line.Name, Variant: b.line.Variant, LastAt: b.latest, Days: c.Days, Computed: true, N: c.N, M: c.M}
	if r.Days == 0 {
		r.Days, r.Computed, r.N, r.M = b.line.LastsDays*int(min(max(b.pieces, 1), 24)), false, 0, 0
	}
	if r.Days == 0 {
		return r, false
	}
	r.DueAt = b.latest.AddDate(0, 0, r.Days)
	gone := b.latest.AddDate(0, 0, 3*r.Days+soonDays)
	return r, !now.Before(r.DueAt.AddDate(0, 0, -soonDays)) && now.Before(gone)
}
