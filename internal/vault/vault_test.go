package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
)

func openVault(t testing.TB, d *db.DB) *Vault {
	t.Helper()
	v, err := Open("file:"+filepath.Join(t.TempDir(), "key.json"), d)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func write(t testing.TB, d *db.DB, fn func(tx *db.Tx) error) {
	t.Helper()
	if err := d.Write(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, d *db.DB, fn func(tx *db.Tx) error) {
	t.Helper()
	if err := d.Read(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

func newKeys(t testing.TB, d *db.DB, v *Vault, customers ...string) {
	t.Helper()
	write(t, d, func(tx *db.Tx) error {
		for _, id := range customers {
			if err := v.NewKey(tx, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// forget empties the cache, as a restart would.
func forget(v *Vault) { v.cache = newCache(cacheSize) }

func TestCells(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		v := openVault(t, d)
		newKeys(t, d, v, "cus_anna", "cus_bea")
		const text = "我想要淡一點的香味"
		var sealed []byte
		read(t, d, func(tx *db.Tx) (err error) {
			sealed, err = v.SealString(tx, "cus_anna", "message.body", text)
			return err
		})
		if bytes.Contains(sealed, []byte(text)) {
			t.Fatal("the text stands in clear in the sealed cell")
		}
		flipped := func(at int) []byte {
			b := bytes.Clone(sealed)
			b[at] ^= 1
			return b
		}
		cases := map[string]struct {
			customer, label string
			sealed          []byte
			want            error
		}{
			"as sealed":         {"cus_anna", "message.body", sealed, nil},
			"another customer":  {"cus_bea", "message.body", sealed, ErrTampered},
			"another cell":      {"cus_anna", "customer.name", sealed, ErrTampered},
			"nobody's key":      {"cus_nobody", "message.body", sealed, ErrErased},
			"no customer":       {"", "message.body", sealed, ErrErased},
			"other version":     {"cus_anna", "message.body", flipped(0), ErrTampered},
			"nonce changed":     {"cus_anna", "message.body", flipped(1), ErrTampered},
			"text changed":      {"cus_anna", "message.body", flipped(20), ErrTampered},
			"tag changed":       {"cus_anna", "message.body", flipped(len(sealed) - 1), ErrTampered},
			"cut by a byte":     {"cus_anna", "message.body", sealed[:len(sealed)-1], ErrTampered},
			"only a version":    {"cus_anna", "message.body", sealed[:1], ErrTampered},
			"longer by a byte":  {"cus_anna", "message.body", append(bytes.Clone(sealed), 0), ErrTampered},
			"never been sealed": {"cus_anna", "message.body", []byte(text), ErrTampered},
		}
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				for _, state := range []string{"cached", "after a restart"} {
					read(t, d, func(tx *db.Tx) error {
						got, err := v.OpenString(tx, c.customer, c.label, c.sealed)
						if !errors.Is(err, c.want) {
							t.Errorf("%s: error %v, want %v", state, err, c.want)
						}
						if c.want == nil && got != text {
							t.Errorf("%s: got %q", state, got)
						}
						return nil
					})
					forget(v)
				}
			})
		}
	})
}

func TestEmptyCells(t *testing.T) {
	d := dbtest.New(t)
	v := openVault(t, d)
	newKeys(t, d, v, "cus_anna")
	read(t, d, func(tx *db.Tx) error {
		if got, err := v.Open(tx, "cus_nobody", "x", nil); got != nil || err != nil {
			t.Errorf("Open(nil) = %v, %v; want nothing", got, err)
		}
		if got, err := v.OpenHouse("x", nil); got != nil || err != nil {
			t.Errorf("OpenHouse(nil) = %v, %v; want nothing", got, err)
		}
		sealed, err := v.SealString(tx, "cus_anna", "x", "")
		if err != nil || len(sealed) == 0 {
			t.Fatalf("the empty text was not sealed: %v, %v", sealed, err)
		}
		if got, err := v.OpenString(tx, "cus_anna", "x", sealed); got != "" || err != nil {
			t.Errorf("the empty text came back as %q, %v", got, err)
		}
		return nil
	})
}

func TestHouseCells(t *testing.T) {
	d := dbtest.New(t)
	v, other := openVault(t, d), newVault(d, place{}, freshKeys(t))
	sealed, err := v.SealHouse("account.token", []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := v.OpenHouse("account.token", sealed); string(got) != "secret" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := v.OpenHouse("account.secret", sealed); !errors.Is(err, ErrTampered) {
		t.Errorf("another cell: %v", err)
	}
	if _, err := v.OpenHouse("account.token", sealed[1:]); !errors.Is(err, ErrTampered) {
		t.Errorf("damaged: %v", err)
	}
	if _, err := other.OpenHouse("account.token", sealed); !errors.Is(err, ErrTampered) {
		t.Errorf("another installation: %v", err)
	}
}

func TestKeysOfCustomers(t *testing.T) {
	lost := errors.New("changed our mind")
	type step func(v *Vault, tx *db.Tx) error
	newKey := func(v *Vault, tx *db.Tx) error { return v.NewKey(tx, "cus_anna") }
	drop := func(v *Vault, tx *db.Tx) error { return v.DropKey(tx, "cus_anna") }
	fail := func(*Vault, *db.Tx) error { return lost }
	seal := func(v *Vault, tx *db.Tx) error {
		_, err := v.Seal(tx, "cus_anna", "x", []byte("hello"))
		return err
	}
	warm := func(v *Vault, tx *db.Tx) error { return v.Warm(tx, []string{"cus_anna"}) }
	erased := func(v *Vault, tx *db.Tx) error {
		if err := seal(v, tx); !errors.Is(err, ErrErased) {
			return fmt.Errorf("sealing gives %v, want ErrErased", err)
		}
		return nil
	}
	restart := func(v *Vault, _ *db.Tx) error { forget(v); return nil }
	cases := map[string]struct {
		txs [][]step
	}{
		"usable at once":                      {[][]step{{newKey, seal}, {seal}}},
		"usable after a restart":              {[][]step{{newKey}, {restart, seal}}},
		"nobody has one from the start":       {[][]step{{erased}}},
		"rolled back":                         {[][]step{{newKey, seal, fail}, {erased}}},
		"dropped":                             {[][]step{{newKey}, {seal}, {drop, erased}, {erased}, {restart, erased}}},
		"dropped, warm-up does not revive it": {[][]step{{newKey}, {drop, warm, erased}, {warm, erased}}},
		"the drop is rolled back":             {[][]step{{newKey}, {drop, erased, fail}, {seal}, {restart, seal}}},
		"made and dropped in one":             {[][]step{{newKey, seal, drop, erased}, {erased}}},
		"dropped twice":                       {[][]step{{newKey}, {drop}, {drop}, {erased}}},
		"anew after a drop":                   {[][]step{{newKey}, {drop}, {newKey, seal}, {seal}, {restart, seal}}},
		"loaded by a writer that fails":       {[][]step{{newKey}, {restart, seal, fail}, {seal}}},
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				v := newVault(d, place{}, freshKeys(t))
				write(t, d, func(tx *db.Tx) error { _, err := tx.Exec(`DELETE FROM vault_key`); return err })
				for i, steps := range c.txs {
					err := d.Write(t.Context(), func(tx *db.Tx) error {
						for _, do := range steps {
							if err := do(v, tx); err != nil {
								return err
							}
						}
						return nil
					})
					if err != nil && !errors.Is(err, lost) {
						t.Fatalf("transaction %d: %v", i+1, err)
					}
				}
			})
		}
	})
}

func TestASecondKeyIsRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		v := openVault(t, d)
		newKeys(t, d, v, "cus_anna")
		err := d.Write(t.Context(), func(tx *db.Tx) error { return v.NewKey(tx, "cus_anna") })
		if !errors.Is(err, db.ErrConflict) {
			t.Errorf("got %v, want ErrConflict", err)
		}
	})
}

func TestTheInstallationsRowIsNoCustomers(t *testing.T) {
	d := dbtest.New(t)
	v := openVault(t, d)
	var invalid db.Invalid
	for name, do := range map[string]func(tx *db.Tx) error{
		"NewKey":  func(tx *db.Tx) error { return v.NewKey(tx, "") },
		"DropKey": func(tx *db.Tx) error { return v.DropKey(tx, "") },
	} {
		if err := d.Write(t.Context(), do); !errors.As(err, &invalid) {
			t.Errorf("%s: %v, want Invalid", name, err)
		}
	}
}

func TestAnOldSnapshotDoesNotReviveAKey(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		v := openVault(t, d)
		newKeys(t, d, v, "cus_anna")
		forget(v)
		read(t, d, func(old *db.Tx) error {
			var n int // the snapshot is taken by the first statement
			if err := old.QueryRow(`SELECT COUNT(*) FROM vault_key`).Scan(&n); err != nil {
				return err
			}
			write(t, d, func(tx *db.Tx) error { return v.DropKey(tx, "cus_anna") })
			if err := v.Warm(old, []string{"cus_anna"}); err != nil {
				return err
			}
			if _, err := v.Seal(old, "cus_anna", "x", nil); !errors.Is(err, ErrErased) {
				t.Errorf("the old snapshot still uses the key: %v", err)
			}
			return nil
		})
		read(t, d, func(tx *db.Tx) error {
			if _, err := v.Seal(tx, "cus_anna", "x", nil); !errors.Is(err, ErrErased) {
				t.Errorf("the old snapshot brought the key back: %v", err)
			}
			return nil
		})
	})
}

func TestAnotherNodeLearnsOfADropInTime(t *testing.T) {
	clock := dbtest.NewClock(time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC))
	d := dbtest.NewAt(t, clock)
	here := openVault(t, d)
	there := newVault(d, place{}, here.house.Load())
	newKeys(t, d, here, "cus_anna")
	seal := func(v *Vault) (err error) {
		read(t, d, func(tx *db.Tx) error {
			_, err = v.Seal(tx, "cus_anna", "x", nil)
			return nil
		})
		return err
	}
	if err := seal(there); err != nil {
		t.Fatal(err)
	}
	write(t, d, func(tx *db.Tx) error { return here.DropKey(tx, "cus_anna") })
	clock.Advance(keyAge + time.Second)
	if err := seal(there); !errors.Is(err, ErrErased) {
		t.Errorf("the other node still seals after %v: %v", keyAge, err)
	}
}

func TestWarmAsksTheDatabaseOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		v := openVault(t, d)
		var ids []string
		for i := range warmChunk + 50 {
			ids = append(ids, fmt.Sprintf("cus_%03d", i))
		}
		newKeys(t, d, v, ids...)
		forget(v)
		asked := append([]string{"", "cus_nobody", ids[0]}, ids...)
		read(t, d, func(tx *db.Tx) error {
			if err := v.Warm(tx, asked); err != nil {
				return err
			}
			for _, id := range ids {
				if _, known := v.known(tx, id); !known {
					t.Fatalf("%s is not in memory", id)
				}
			}
			return nil
		})
	})
}

func TestASwappedKeyRowIsRefused(t *testing.T) {
	d := dbtest.New(t)
	v := openVault(t, d)
	newKeys(t, d, v, "cus_anna", "cus_bea")
	write(t, d, func(tx *db.Tx) error {
		_, err := tx.Exec(`UPDATE vault_key SET sealed = (SELECT sealed FROM vault_key WHERE customer_id = 'cus_bea')
			WHERE customer_id = 'cus_anna'`)
		return err
	})
	forget(v)
	read(t, d, func(tx *db.Tx) error {
		if _, err := v.Seal(tx, "cus_anna", "x", nil); !errors.Is(err, ErrTampered) {
			t.Errorf("got %v, want ErrTampered", err)
		}
		return nil
	})
}

func TestTheCacheForgetsTheOldest(t *testing.T) {
	c := newCache(2)
	k := &dataKey{}
	c.learn("a", k)
	c.learn("b", k)
	c.get("a")
	c.learn("c", k)
	for id, want := range map[string]bool{"a": true, "b": false, "c": true} {
		if _, ok := c.get(id); ok != want {
			t.Errorf("%s in the cache: %v, want %v", id, ok, want)
		}
	}
	if len(c.entries) != 2 || c.order.Len() != 2 {
		t.Errorf("holds %d and %d entries, want 2", len(c.entries), c.order.Len())
	}
}

func TestManyAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		v := openVault(t, d)
		v.cache = newCache(8) // small, so that keys come and go
		var all sync.WaitGroup
		for i := range 16 {
			all.Go(func() {
				id := fmt.Sprintf("cus_%02d", i)
				var sealed []byte
				err := d.Write(context.Background(), func(tx *db.Tx) (err error) {
					if err = v.NewKey(tx, id); err != nil {
						return err
					}
					sealed, err = v.SealString(tx, id, "x", id)
					return err
				})
				for range 10 {
					err = errors.Join(err, d.Read(context.Background(), func(tx *db.Tx) error {
						got, err := v.OpenString(tx, id, "x", sealed)
						if err == nil && got != id {
							err = fmt.Errorf("got %q", got)
						}
						return err
					}))
				}
				err = errors.Join(err, d.Write(context.Background(), func(tx *db.Tx) error { return v.DropKey(tx, id) }))
				err = errors.Join(err, d.Read(context.Background(), func(tx *db.Tx) error {
					if _, err := v.Open(tx, id, "x", sealed); !errors.Is(err, ErrErased) {
						return fmt.Errorf("after the drop: %v", err)
					}
					return nil
				}))
				if err != nil {
					t.Errorf("%s: %v", id, err)
				}
			})
		}
		all.Wait()
	})
}

func BenchmarkSeal100Bytes(b *testing.B) {
	d := dbtest.New(b)
	v := openVault(b, d)
	newKeys(b, d, v, "cus_anna")
	plain := make([]byte, 100)
	read(b, d, func(tx *db.Tx) error {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := v.Seal(tx, "cus_anna", "message.body", plain); err != nil {
				return err
			}
		}
		return nil
	})
}

func BenchmarkOpen100Bytes(b *testing.B) {
	d := dbtest.New(b)
	v := openVault(b, d)
	newKeys(b, d, v, "cus_anna")
	read(b, d, func(tx *db.Tx) error {
		sealed, err := v.Seal(tx, "cus_anna", "message.body", make([]byte, 100))
		if err != nil {
			return err
		}
		b.ReportAllocs()
		for b.Loop() {
			if _, err := v.Open(tx, "cus_anna", "message.body", sealed); err != nil {
				return err
			}
		}
		return nil
	})
}
