package catalogue

import (
	"context"
	"testing"
	"time"

	"dingdong/internal/blob"
	"dingdong/internal/channel"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/staff"
	"dingdong/internal/vault"
)

// start is when the stories begin: a Sunday evening in Taipei.
var start = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// house is a store group of two stores and two brands: Mei stands at Rosée in Xinyi,
// Fang at Lumi there, and Rosée has a counter in Banqiao that is nobody's of these.
type house struct {
	*Shop
	t                      testing.TB
	clock                  *dbtest.Clock
	xinyi, banqiao         string // stores
	rosee, lumi            string // brands
	roseeX, lumiX, roseeB  string // counters
	mei, fang, admin, mark staff.Viewer
	account                string
}

func each(t *testing.T, test func(t *testing.T, h *house)) {
	t.Helper()
	clock := dbtest.NewClock(start)
	dbtest.EachAt(t, clock, func(t *testing.T, d *db.DB) { test(t, newHouse(t, d, clock)) })
}

func newHouse(t testing.TB, d *db.DB, clock *dbtest.Clock) *house {
	t.Helper()
	v, err := vault.Open("file:"+t.TempDir()+"/key.json", d)
	check(t, err)
	blobs, err := blob.Open(t.TempDir())
	check(t, err)
	h := &house{t: t, clock: clock, account: "acc_1", Shop: &Shop{DB: d, Vault: v, Book: &customer.Book{Vault: v}, Blobs: blobs}}
	h.write(func(tx *db.Tx) error {
		system := staff.System()
		store := func(name string) string {
			s, err := staff.SaveStore(tx, system, staff.StoreForm{Name: name})
			check(t, err)
			return s.ID
		}
		brand := func(name string) string {
			b, err := staff.SaveBrand(tx, system, staff.BrandForm{Name: name})
			check(t, err)
			return b.ID
		}
		counter := func(name, store, brand string) string {
			c, err := staff.SaveCounter(tx, system, staff.CounterForm{Name: name, StoreID: store, BrandID: brand})
			check(t, err)
			return c.ID
		}
		person := func(f staff.StaffForm) staff.Viewer {
			f.Email = f.Name + "@store.example"
			p, err := staff.SaveStaff(tx, system, f)
			check(t, err)
			v, err := staff.ViewerByID(tx, p.ID)
			check(t, err)
			return v
		}
		h.xinyi, h.banqiao = store("Xinyi"), store("Banqiao")
		h.rosee, h.lumi = brand("Rosée"), brand("Lumi")
		h.roseeX, h.lumiX, h.roseeB = counter("Rosée Xinyi", h.xinyi, h.rosee), counter("Lumi Xinyi", h.xinyi, h.lumi), counter("Rosée Banqiao", h.banqiao, h.rosee)
		h.mei = person(staff.StaffForm{Name: "mei", Role: staff.Advisor, Counters: []string{h.roseeX}})
		h.fang = person(staff.StaffForm{Name: "fang", Role: staff.Advisor, Counters: []string{h.lumiX}})
		h.admin = person(staff.StaffForm{Name: "ada", Role: staff.Admin})
		h.mark = person(staff.StaffForm{Name: "mark", Role: staff.Marketing})
		return nil
	})
	return h
}

func (h *house) write(fn func(tx *db.Tx) error) {
	h.t.Helper()
	check(h.t, h.DB.Write(context.Background(), fn))
}

func (h *house) read(fn func(tx *db.Tx) error) {
	h.t.Helper()
	check(h.t, h.DB.Read(context.Background(), fn))
}

// person enters a customer.
func (h *house) person(name string) (id string) {
	h.t.Helper()
	h.write(func(tx *db.Tx) error {
		i, err := h.Book.Meet(tx, customer.NewPeer{AccountID: h.account, Peer: channel.Peer{Type: channel.Person, ID: name, Name: name}})
		id = i.CustomerID
		return err
	})
	return id
}

// contact proves a contact of hers, or only notes it.
func (h *house) contact(customerID, kind, hash string, verified bool) {
	h.t.Helper()
	h.write(func(tx *db.Tx) error {
		_, err := tx.Exec(`INSERT INTO contact (id, customer_id, kind, hash, value, verified, source, at) VALUES ($1, $2, $3, $4, $5, $6, 'staff', $7)
			ON CONFLICT (customer_id, kind, hash) WHERE ended_at IS NULL DO UPDATE SET verified = excluded.verified`,
			tx.NewID("con"), customerID, kind, hash, []byte{1}, verified, db.Micro(tx.Now))
		return err
	})
}

func (h *house) upsert(forms ...ProductForm) (results []Result) {
	h.t.Helper()
	h.write(func(tx *db.Tx) (err error) {
		results, err = h.Upsert(tx, staff.System(), forms)
		return err
	})
	return results
}

func (h *house) record(forms ...PurchaseForm) (results []Result) {
	h.t.Helper()
	h.write(func(tx *db.Tx) (err error) {
		results, err = h.RecordPurchases(tx, staff.System(), forms)
		return err
	})
	return results
}

func (h *house) count(q string, args ...any) (n int) {
	h.t.Helper()
	h.read(func(tx *db.Tx) error { return tx.QueryRow(q, args...).Scan(&n) })
	return n
}

// cushion is a product of Rosée with two shades.
func cushion() ProductForm {
	return ProductForm{Ref: "C-1", Brand: "Rosée", Name: "Silk Cushion", Category: "cushion", LastsDays: 60, URL: "https://rosee.example/cushion",
		Variants: []VariantForm{
			{SKU: "C-1-21", Name: "21 Light", Shade: "21", Colour: "#F1D5C0", Size: "15 g", ArrivedAt: start.AddDate(0, 0, -3),
				Facets: []string{"category:cushion", "finish:dewy"}, Prices: []PriceForm{{Amount: 168000, Currency: "TWD"}, {Store: "Banqiao", Amount: 158000, Currency: "TWD"}}},
			{SKU: "C-1-23", Name: "23 Sand", Shade: "23", Size: "15 g", Prices: []PriceForm{{Amount: 168000, Currency: "TWD"}}},
		}}
}

// receipt is a sale of one 21 Light at Rosée in Xinyi.
func receipt(ref string, at time.Time) PurchaseForm {
	return PurchaseForm{Source: "till", Ref: ref, Counter: "Rosée Xinyi", At: at, Currency: "TWD",
		Lines: []LineForm{{SKU: "C-1-21", Name: "CUSHION", Quantity: 1, Amount: 168000}}}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func states(results []Result) (out []State) {
	for _, r := range results {
		out = append(out, r.State)
	}
	return out
}
