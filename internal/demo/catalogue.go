package demo

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"time"

	"dingdong/internal/catalogue"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// The products stand in catalogue.txt:
//
//	# brand | ref | name | category | days that one lasts
//	+ sku | name | shade | colour | size | scent | NT$ | facets | arrived so many days ago
//
//go:embed catalogue.txt
var productText string

const (
	currency = "TWD"
	cents    = 100 // of a dollar, which nobody in Taiwan pays in
)

// item is what a receipt needs to know of a variant.
type item struct {
	name  string
	price int64 // minor units
}

// readProducts gives the products as another system would tell them, and their
// variants by SKU. What has just arrived did so in the morning.
func readProducts(text string, now time.Time) ([]catalogue.ProductForm, map[string]item, error) {
	var forms []catalogue.ProductForm
	items := map[string]item{}
	for n, row := range strings.Split(text, "\n") {
		if row == "" || strings.HasPrefix(row, "//") {
			continue
		}
		f := strings.Split(row[1:], "|")
		for i := range f {
			f[i] = strings.TrimSpace(f[i])
		}
		switch {
		case row[0] == '#' && len(f) == 5:
			days, err := strconv.Atoi(f[4])
			if err != nil {
				return nil, nil, fmt.Errorf("product, line %d: %w", n+1, err)
			}
			forms = append(forms, catalogue.ProductForm{Ref: f[1], Brand: f[0], Name: f[2], Category: f[3], LastsDays: days})
		case row[0] == '+' && len(forms) > 0 && (len(f) == 8 || len(f) == 9):
			price, err := strconv.ParseInt(f[6], 10, 64)
			if err != nil {
				return nil, nil, fmt.Errorf("product, line %d: %w", n+1, err)
			}
			p := &forms[len(forms)-1]
			w := catalogue.VariantForm{SKU: f[0], Name: f[1], Shade: f[2], Colour: f[3], Size: f[4], Scent: f[5],
				Facets: append(strings.Fields(f[7]), "category:"+p.Category),
				Prices: []catalogue.PriceForm{{Amount: price * cents, Currency: currency}}}
			if len(f) == 9 {
				days, err := strconv.Atoi(f[8])
				if err != nil {
					return nil, nil, fmt.Errorf("product, line %d: %w", n+1, err)
				}
				w.ArrivedAt = now.AddDate(0, 0, -days)
			}
			p.Variants = append(p.Variants, w)
			items[w.SKU] = item{name: p.Name + " " + w.Name, price: price * cents}
		default:
			return nil, nil, fmt.Errorf("product, line %d makes no sense: %q", n+1, row)
		}
	}
	return forms, items, nil
}

// stock fills the catalogue.
func (s *seeder) stock(tx *db.Tx) error {
	forms, items, err := readProducts(productText, s.now)
	if err != nil {
		return err
	}
	for i := range forms {
		forms[i].Brand = s.group.brands[forms[i].Brand]
	}
	results, err := s.shop.Upsert(tx, staff.System(), forms)
	if err != nil {
		return err
	}
	for _, r := range results {
		if r.State == catalogue.Bad {
			return fmt.Errorf("product %s: %s is %s", r.Ref, r.Field, r.Code)
		}
	}
	s.items = items
	return nil
}
