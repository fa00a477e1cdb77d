package catalogue

import (
	"fmt"
	"testing"
	"time"
)

var taipei = time.FixedZone("", 8*3600)

func inTaipei(string) *time.Location { return taipei }

// sale is a receipt of lines, on a day and hour of November 2026 in Taipei.
func sale(day, hour int, lines ...Line) Purchase {
	return Purchase{Source: "till", Ref: fmt.Sprint(day, ":", hour), Kind: Sale, Currency: "TWD", Lines: lines,
		At: time.Date(2026, 11, day, hour, 30, 0, 0, taipei)}
}

func piece(product string, amount int64) Line {
	return Line{SKU: product, ProductID: product, Name: product, Quantity: 1, Amount: amount, Size: "S", Category: "mask"}
}

func TestReckonWhenSheBuys(t *testing.T) {
	cases := map[string]struct {
		list      []Purchase
		day, part Habit
	}{
		"nothing":                   {nil, Habit{}, Habit{}},
		"too little":                {[]Purchase{sale(21, 19), sale(14, 19)}, Habit{}, Habit{}},
		"on Fridays in the evening": {[]Purchase{sale(20, 19), sale(13, 20), sale(6, 18), sale(3, 9)}, Habit{"friday", 3, 4}, Habit{"evening", 3, 4}},
		"at weekends":               {[]Purchase{sale(22, 10), sale(21, 13), sale(15, 20), sale(14, 10)}, Habit{"weekend", 4, 4}, Habit{}},
		"on workdays":               {[]Purchase{sale(20, 10), sale(19, 10), sale(18, 10), sale(17, 10)}, Habit{"workdays", 4, 4}, Habit{"morning", 4, 4}},
		"mostly on workdays":        {[]Purchase{sale(20, 1), sale(19, 1), sale(18, 1), sale(15, 1)}, Habit{}, Habit{"night", 4, 4}},
		"days without a time": {[]Purchase{
			{Kind: Sale, At: time.Date(2026, 11, 21, 0, 0, 0, 0, taipei)}, {Kind: Sale, At: time.Date(2026, 11, 14, 0, 0, 0, 0, taipei)},
			{Kind: Sale, At: time.Date(2026, 11, 7, 0, 0, 0, 0, taipei)}}, Habit{"saturday", 3, 3}, Habit{}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			h := reckon(c.list, start, inTaipei)
			if h.Day != c.day || h.Part != c.part {
				t.Errorf("%+v %+v", h.Day, h.Part)
			}
		})
	}
}

func TestReckonFavourites(t *testing.T) {
	with := func(size, shade, scent string, amount, quantity int64) Line {
		return Line{SKU: "x", Size: size, Shade: shade, Scent: scent, Amount: amount, Quantity: quantity}
	}
	list := []Purchase{
		sale(20, 10, with("30 ml", "21", "rose", 10000, 1), with("30 ml", "", "", 40000, 2)),
		sale(19, 10, with("30 ml", "23", "rose", 30000, 1)),
		sale(18, 10, with("100 ml", "21", "musk", 0, 1)),
		{Kind: Sale, Currency: "USD", At: start, Lines: []Line{with("", "", "", 999, 1)}},
	}
	h := reckon(list, start, inTaipei)
	if h.Size != (Habit{"30 ml", 3, 4}) {
		t.Errorf("size %+v", h.Size)
	}
	if h.Shade != (Habit{"21", 2, 3}) || h.Scent != (Habit{"rose", 2, 3}) {
		t.Errorf("shade %+v scent %+v", h.Shade, h.Scent)
	}
	if h.Category != (Habit{}) {
		t.Errorf("category %+v", h.Category)
	}
	if h.Price != (PriceRange{Low: 15000, Middle: 20000, High: 25000, Currency: "TWD", N: 1, M: 3}) {
		t.Errorf("price %+v", h.Price)
	}
}

func TestReckonCycles(t *testing.T) {
	day := func(n int) Purchase {
		p := sale(1, 12, piece("serum", 100))
		p.At, p.Ref = p.At.AddDate(0, 0, -n), fmt.Sprint(n)
		return p
	}
	back := func(n int, ref string) Purchase {
		p := day(n)
		p.Kind, p.ReturnsRef = Return, ref
		p.Lines[0].Quantity, p.Lines[0].Amount = -1, -100
		return p
	}
	lasts := func(p Purchase, days int, pieces int64) Purchase {
		p.Lines[0].LastsDays, p.Lines[0].Quantity = days, pieces
		return p
	}
	cases := map[string]struct {
		list      []Purchase
		now       int // days after the first of November
		purchases int
		days      int
		out       string // day it runs out: "days computed"
	}{
		"regular, soon over":        {[]Purchase{day(0), day(30), day(61), day(90)}, 20, 4, 30, "30 true"},
		"regular, not yet":          {[]Purchase{day(0), day(30), day(61), day(90)}, 10, 4, 30, ""},
		"regular, long gone":        {[]Purchase{day(0), day(30), day(60)}, 200, 3, 30, ""},
		"no rhythm":                 {[]Purchase{day(0), day(5), day(100), day(101)}, 20, 4, 0, ""},
		"two are too few":           {[]Purchase{day(0), day(30)}, 25, 2, 0, ""},
		"one errand, two receipts":  {[]Purchase{day(0), day(0), day(30)}, 25, 3, 0, ""},
		"the catalogue knows":       {[]Purchase{lasts(day(0), 40, 1)}, 30, 1, 0, "40 false"},
		"two pieces last longer":    {[]Purchase{lasts(day(0), 40, 2)}, 30, 1, 0, ""},
		"her rhythm is better":      {[]Purchase{lasts(day(0), 90, 1), day(30), day(60)}, 25, 3, 30, "30 true"},
		"returned by its number":    {[]Purchase{day(0), back(1, "2"), day(2), day(30), day(60)}, 20, 3, 30, "30 true"},
		"returned without a number": {[]Purchase{day(0), back(29, ""), day(30), day(60)}, 20, 2, 0, ""},
		"returned all":              {[]Purchase{back(0, "3"), day(3)}, 20, 0, 0, ""},
		"returned what we miss":     {[]Purchase{back(0, "elsewhere")}, 20, 0, 0, ""},
		"what was bought before us": {[]Purchase{day(0), back(40, ""), day(30), day(60)}, 20, 2, 0, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			h := reckon(c.list, time.Date(2026, 11, 1+c.now, 12, 0, 0, 0, taipei), inTaipei)
			days, out := 0, ""
			if len(h.Cycles) > 0 {
				days = h.Cycles[0].Days
			}
			if len(h.RunningOut) > 0 {
				out = fmt.Sprint(h.RunningOut[0].Days, " ", h.RunningOut[0].Computed)
			}
			if h.Purchases != c.purchases || days != c.days || out != c.out {
				t.Errorf("%d purchases, %d days, running out %q", h.Purchases, days, out)
			}
		})
	}
}

// many makes 500 receipts of two lines.
func many() []Purchase {
	var list []Purchase
	for n := range 500 {
		p := sale(20, n%24, piece(fmt.Sprint("p", n%40), 50000+int64(n%7)*1000), piece(fmt.Sprint("q", n%13), 90000))
		p.At, p.Ref = p.At.Add(-time.Duration(n)*37*time.Hour), fmt.Sprint(n)
		if n%25 == 3 {
			p.Kind = Return
			for i := range p.Lines {
				p.Lines[i].Quantity, p.Lines[i].Amount = -1, -p.Lines[i].Amount
			}
		}
		list = append(list, p)
	}
	return list
}

func BenchmarkReckon500(b *testing.B) {
	list := many()
	for b.Loop() {
		reckon(list, start, inTaipei)
	}
}
