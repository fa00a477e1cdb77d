package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"dingdong/internal/app"
	"dingdong/internal/catalogue"
	"dingdong/internal/channel"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

const (
	importSKUs    = 2000
	importMembers = 50_000 // members of the file
	knownMembers  = 2000   // who are customers already
	cardReceipts  = 500
)

// importing measures the import of receipts against a bare insert of the same rows in the
// same run, and what a card asks of a customer with many receipts.
func (r *run) importing() error {
	dir, err := os.MkdirTemp("", "dingdong-import-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "purchases.csv")
	if err := writePurchases(file, r.o.purchases); err != nil {
		return err
	}
	h, err := newHouse(r.ctx, r.o.binary, r.o.importDB, "http://127.0.0.1:9")
	if err != nil {
		return err
	}
	defer h.raze()
	return h.inside(r.ctx, func(a *app.App) error {
		who, err := furnishShop(r.ctx, a, h.counters[0])
		if err != nil {
			return err
		}
		floor, err := bareInsert(r.ctx, a.DB, r.o.purchases)
		if err != nil {
			return fmt.Errorf("floor: %w", err)
		}
		wait := watchWrites(r.ctx, a.DB)
		took, err := r.importOnce(a, file)
		behind := wait()
		if err != nil {
			return err
		}
		r.note(fmt.Sprintf("Import of %d purchases", r.o.purchases), fmt.Sprintf("%.1f s, %.1f times a bare insert (%.1f s)", took.Seconds(), took.Seconds()/floor.Seconds(), floor.Seconds()),
			"60 s a million", took.Seconds() < 60*float64(r.o.purchases)/1e6)
		p95 := percentile(behind, 0.95)
		r.note("A write of others meanwhile, p95", fmt.Sprintf("%s (median %s)", ms(p95), ms(percentile(behind, 0.5))), "100 ms", p95 < 100*time.Millisecond)
		if took, err = r.importOnce(a, file); err != nil {
			return err
		}
		r.note("The same file again, nothing twice", fmt.Sprintf("%.1f s", took.Seconds()), "60 s a million", took.Seconds() < 60*float64(r.o.purchases)/1e6)
		return r.card(a, who)
	})
}

// writePurchases makes a file as a till exports it: one line each, two in five with a
// member number.
func writePurchases(path string, n int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	fmt.Fprintln(w, "交易單號,交易日期,專櫃,會員編號,貨號,品名,數量,金額")
	random := rand.New(rand.NewPCG(3, 14))
	began := time.Date(2024, 1, 1, 10, 0, 0, 0, time.UTC)
	for i := range n {
		member := ""
		if i%5 < 2 {
			member = fmt.Sprintf("VIP%06d", random.IntN(importMembers))
		}
		sku := random.IntN(importSKUs)
		fmt.Fprintf(w, "T%09d,%s,Counter %d,%s,SKU%05d,\"柔霧唇膏 %d\",1,\"%d,%03d\"\n", i, began.Add(time.Duration(i)*time.Minute).Format("2006/01/02 15:04"),
			i%4, member, sku, sku, 1+sku%3, sku%1000)
	}
	return w.Flush()
}

// furnishShop enters the products, and members who are customers; it returns one who has
// receipts enough for a card.
func furnishShop(ctx context.Context, a *app.App, counter string) (who string, err error) {
	for from := 0; from < importSKUs; from += 500 {
		var forms []catalogue.ProductForm
		for n := from; n < from+500; n++ {
			forms = append(forms, catalogue.ProductForm{Ref: fmt.Sprintf("P%05d", n), Brand: fmt.Sprint("Brand ", n%4), Name: fmt.Sprint("Lipstick ", n), Category: "lipstick", LastsDays: 90,
				Variants: []catalogue.VariantForm{{SKU: fmt.Sprintf("SKU%05d", n), Shade: fmt.Sprint(n % 30), Size: "3 g"}}})
		}
		if err := a.DB.Write(ctx, func(tx *db.Tx) error {
			_, err := a.Shop.Upsert(tx, staff.System(), forms)
			return err
		}); err != nil {
			return "", err
		}
	}
	err = a.DB.Write(ctx, func(tx *db.Tx) error {
		for n := range knownMembers {
			i, err := a.Shop.Book.Meet(tx, customer.NewPeer{AccountID: "bench", Peer: channel.Peer{Type: channel.Person, ID: fmt.Sprint("m", n)}})
			if err != nil {
				return err
			}
			if _, err := tx.Exec(`INSERT INTO contact (id, customer_id, kind, hash, value, verified, source, at) VALUES ($1, $2, 'member', $3, $4, TRUE, 'till', 1)`,
				tx.NewID("con"), i.CustomerID, a.Shop.MemberHash(fmt.Sprintf("VIP%06d", n)), []byte{1}); err != nil {
				return err
			}
			who = i.CustomerID
		}
		var forms []catalogue.PurchaseForm
		for n := range cardReceipts {
			forms = append(forms, catalogue.PurchaseForm{Source: "card", Ref: fmt.Sprint(n), CustomerID: who, Counter: counter, Currency: "TWD", At: tx.Now.Add(-time.Duration(n) * 40 * time.Hour),
				Lines: []catalogue.LineForm{{SKU: fmt.Sprintf("SKU%05d", n%40), Amount: 98000}, {SKU: fmt.Sprintf("SKU%05d", n%7), Amount: 45000}}})
		}
		_, err := a.Shop.RecordPurchases(tx, staff.System(), forms)
		return err
	})
	return who, err
}

// bareInsert stores as many rows of the same shape, with the same indexes, and does
// nothing else: no file, no look-up, no check.
func bareInsert(ctx context.Context, d *db.DB, n int) (time.Duration, error) {
	for _, q := range []string{
		`CREATE TABLE bare (id TEXT PRIMARY KEY, source TEXT NOT NULL, ref TEXT NOT NULL, kind TEXT NOT NULL, returns_ref TEXT NOT NULL, customer_id TEXT NOT NULL,
			member_hash TEXT NOT NULL, store_id TEXT NOT NULL, counter_id TEXT NOT NULL, advisor_id TEXT NOT NULL, at BIGINT NOT NULL, total BIGINT NOT NULL,
			currency TEXT NOT NULL, import_id TEXT NOT NULL, created_at BIGINT NOT NULL)`,
		`CREATE UNIQUE INDEX bare_ref ON bare (source, ref)`,
		`CREATE INDEX bare_member ON bare (member_hash) WHERE customer_id = '' AND member_hash <> ''`,
		`CREATE TABLE bare_line (purchase_id TEXT NOT NULL, n BIGINT NOT NULL, sku TEXT NOT NULL, variant_id TEXT NOT NULL, name TEXT NOT NULL, quantity BIGINT NOT NULL,
			amount BIGINT NOT NULL, PRIMARY KEY (purchase_id, n))`,
	} {
		if err := d.Write(ctx, func(tx *db.Tx) error { _, err := tx.Exec(q); return err }); err != nil {
			return 0, err
		}
	}
	random := rand.New(rand.NewPCG(3, 14))
	began := time.Now()
	for from := 0; from < n; from += catalogue.MaxBatch {
		err := d.Write(ctx, func(tx *db.Tx) error {
			var rows, lines []any
			for i := from; i < min(from+catalogue.MaxBatch, n); i++ {
				id, member := tx.NewID("pur"), ""
				if i%5 < 2 {
					member = fmt.Sprintf("%032x", random.Uint64())
				}
				rows = append(rows, id, "till", fmt.Sprintf("T%09d", i), "sale", "", "", member, "sto_0123456789abcdef0123456789", "ctr_0123456789abcdef0123456789", "", int64(i), int64(98000), "TWD",
					"imp_0123456789abcdef0123456789", int64(i))
				lines = append(lines, id, int64(1), "SKU00001", "var_0123456789abcdef0123456789", "柔霧唇膏 1", int64(1), int64(98000))
			}
			if err := tx.Insert(`INSERT INTO bare (id, source, ref, kind, returns_ref, customer_id, member_hash, store_id, counter_id, advisor_id, at, total, currency, import_id, created_at)`, 15, rows, ""); err != nil {
				return err
			}
			return tx.Insert(`INSERT INTO bare_line (purchase_id, n, sku, variant_id, name, quantity, amount)`, 7, lines, "")
		})
		if err != nil {
			return 0, err
		}
	}
	took := time.Since(began)
	return took, d.Write(ctx, func(tx *db.Tx) error {
		if _, err := tx.Exec(`DROP TABLE bare_line`); err != nil {
			return err
		}
		_, err := tx.Exec(`DROP TABLE bare`)
		return err
	})
}

// watchWrites writes next to nothing ten times a second, as somebody who sends a message
// would, and tells how long each took.
func watchWrites(ctx context.Context, d *db.DB) (stop func() []time.Duration) {
	ctx, cancel := context.WithCancel(ctx)
	told := make(chan []time.Duration)
	go func() {
		var took []time.Duration
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			began := time.Now()
			if d.Write(ctx, func(tx *db.Tx) error { _, err := tx.Exec(`UPDATE tally SET n = n WHERE name = 'nobody'`); return err }) == nil {
				took = append(took, time.Since(began))
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
		told <- took
	}()
	return func() []time.Duration {
		cancel()
		return <-told
	}
}

func (r *run) importOnce(a *app.App, file string) (time.Duration, error) {
	f, err := os.Open(file)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	began := time.Now()
	p, err := a.Shop.ImportFile(r.ctx, staff.System(), catalogue.FileImport{Kind: catalogue.ImportPurchases, Name: "bench.csv", From: io.Reader(f),
		Options: catalogue.ImportOptions{Source: "till"}})
	if err == nil && (p.Bad > 0 || p.Added+p.Repeated != int64(r.o.purchases)) {
		err = fmt.Errorf("%+v", p)
	}
	if err != nil {
		return 0, fmt.Errorf("import: %w", err)
	}
	return time.Since(began), nil
}

// card measures what the purchases on a card cost.
func (r *run) card(a *app.App, who string) error {
	var delays []time.Duration
	for n := range 120 {
		began := time.Now()
		err := a.DB.Read(r.ctx, func(tx *db.Tx) error {
			list, err := a.Shop.Purchases(tx, staff.System(), []string{who}, catalogue.Cursor{}, 10)
			if err != nil {
				return err
			}
			habits, err := a.Shop.Habits(tx, staff.System(), []string{who}, tx.Now)
			if err == nil && (len(list) == 0 || habits.Purchases < cardReceipts) {
				err = fmt.Errorf("a card of %d purchases", habits.Purchases)
			}
			return err
		})
		if err != nil {
			return err
		}
		if n >= 20 {
			delays = append(delays, time.Since(began))
		}
	}
	p95 := percentile(delays, 0.95)
	r.note("Purchases and habits of a card, 500 purchases, p95", fmt.Sprintf("%s (median %s)", ms(p95), ms(percentile(delays, 0.5))), "15 ms", p95 < 15*time.Millisecond)
	return nil
}
