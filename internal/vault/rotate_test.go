package vault

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/vault/transittest"
)

// secrets and notices stand for what other rooms seal with the key of the house.
var (
	secrets = Column{Table: "endpoint", Name: "secret", Keys: []string{"id"}, Label: "endpoint.secret"}
	notices = Column{Table: "notice", Name: "raw", Keys: []string{"account_id", "event_id"}, Label: "notice.raw"}
)

// office is a house with customers and settings, and a clock.
type office struct {
	t     *testing.T
	d     *db.DB
	clock *dbtest.Clock
	uri   string
	v     *Vault
	cells map[string][]byte
}

const officeRows = rewrapRows + 7

func newOffice(t *testing.T, d *db.DB, clock *dbtest.Clock, uri string) *office {
	t.Helper()
	v, err := Open(uri, d)
	must(t, err)
	o := &office{t: t, d: d, clock: clock, uri: uri, v: v, cells: map[string][]byte{}}
	for i := range officeRows {
		id := fmt.Sprintf("cus_%04d", i)
		newKeys(t, d, v, id)
		read(t, d, func(tx *db.Tx) (err error) { o.cells[id], err = v.SealString(tx, id, "x", id); return err })
	}
	write(t, d, func(tx *db.Tx) error {
		for i := range officeRows {
			o.settings(tx, i)
		}
		return nil
	})
	return o
}

func (o *office) settings(tx *db.Tx, i int) {
	o.t.Helper()
	id := fmt.Sprintf("end_%04d", i)
	sealed, err := o.v.SealHouse(secrets.Label, []byte(id))
	must(o.t, err)
	_, err = tx.Exec(`INSERT INTO endpoint (id, name, url, secret, created_at) VALUES ($1, 'x', 'x', $2, 1)`, id, sealed)
	must(o.t, err)
	sealed, err = o.v.SealHouse(notices.Label, []byte(id))
	must(o.t, err)
	_, err = tx.Exec(`INSERT INTO notice (account_id, event_id, kind, at, raw) VALUES ($1, $2, 'x', 1, $3)`, fmt.Sprint("acc_", i%3), id, sealed)
	must(o.t, err)
}

// whole opens everything with another vault.
func (o *office) whole(v *Vault) {
	o.t.Helper()
	read(o.t, o.d, func(tx *db.Tx) error {
		for id, c := range o.cells {
			if got, err := v.OpenString(tx, id, "x", c); got != id || err != nil {
				o.t.Fatalf("%s: %q, %v", id, got, err)
			}
		}
		for _, q := range []struct{ label, text string }{{secrets.Label, `SELECT id, secret FROM endpoint`}, {notices.Label, `SELECT event_id, raw FROM notice`}} {
			rows, err := tx.Query(q.text)
			must(o.t, err)
			n := 0
			for rows.Next() {
				var id string
				var sealed []byte
				must(o.t, rows.Scan(&id, &sealed))
				if plain, err := v.OpenHouse(q.label, sealed); string(plain) != id || err != nil {
					o.t.Fatalf("%s of %s: %q, %v", q.label, id, plain, err)
				}
				n++
			}
			rows.Close()
			if n < officeRows {
				o.t.Fatalf("%d rows of %s", n, q.label)
			}
		}
		return nil
	})
}

func (o *office) rotation() *Rotation { return NewRotation(o.v, secrets, notices) }

func nothing(*db.Tx) error { return nil }

func forgiven(*db.Tx, Retired) error { return nil }

// follow is one round of what a process does every second.
func follow(t *testing.T, vaults ...*Vault) {
	t.Helper()
	for _, v := range vaults {
		v.step(t.Context(), slog.New(slog.DiscardHandler))
	}
}

// status reads how a rotation stands.
func (o *office) status(r *Rotation) (s Status) {
	o.t.Helper()
	read(o.t, o.d, func(tx *db.Tx) (err error) { s, err = r.Status(tx); return err })
	return s
}

// advance does one step and says whether there was one.
func (o *office) advance(r *Rotation) bool {
	o.t.Helper()
	end, err := r.Step(o.t.Context())
	must(o.t, err)
	if end == nil {
		return false
	}
	var next time.Time
	write(o.t, o.d, func(tx *db.Tx) (err error) { next, err = end(tx); return err })
	if wait := next.Sub(o.clock.Now()); wait > 0 {
		o.clock.Advance(wait)
	}
	return true
}

// finish does all steps.
func (o *office) finish(r *Rotation) {
	o.t.Helper()
	for n := 0; o.advance(r); n++ {
		follow(o.t, o.v)
		if n > 100 {
			o.t.Fatalf("it does not end: %+v", o.status(r))
		}
	}
}

// eachOffice runs a test on both engines.
func eachOffice(t *testing.T, test func(t *testing.T, o *office)) {
	clock := dbtest.NewClock(time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC))
	dbtest.EachAt(t, clock, func(t *testing.T, d *db.DB) {
		test(t, newOffice(t, d, clock, "file:"+filepath.Join(t.TempDir(), "key.json")))
	})
}

// lose makes the cache read a key again.
func (c *cache) lose(customerID string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.entries[customerID]; ok {
		c.order.Remove(e)
		delete(c.entries, customerID)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	must(t, err)
	must(t, os.WriteFile(to, data, 0o600))
}

func TestRotationFromBeginToEnd(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		r := o.rotation()
		first := o.v.house.Load().sealsWith
		oldToken := o.v.Sign("z", []byte("link"), o.d.Now().Add(30*24*time.Hour))
		follow(t, o.v)
		path, _ := KeyFile(o.uri)
		before := filepath.Join(t.TempDir(), "before.json")
		copyFile(t, path, before)

		must(t, r.Begin(t.Context(), nothing))
		if err := r.Begin(t.Context(), nothing); !errors.Is(err, ErrUnderWay) {
			t.Errorf("begun twice: %v", err)
		}
		if got := o.v.house.Load().sealsWith; got != first {
			t.Error("a key is in use before every process holds it")
		}
		follow(t, o.v)
		o.advance(r) // takes the keys into use
		follow(t, o.v)
		if got := o.v.house.Load().sealsWith; got == first {
			t.Fatal("the new key is not in use")
		}
		o.whole(o.v) // half-way
		o.finish(r)
		s := o.status(r)
		if s.UnderWay() || len(s.Work) != 3 {
			t.Errorf("at the end: %+v", s)
		}
		for _, w := range s.Work {
			if w.Done < officeRows || w.Done > w.Total || w.Damaged != 0 {
				t.Errorf("%+v, want all %d done", w, w.Total)
			}
		}
		o.whole(o.v)

		verdicts, err := r.Retire(t.Context(), forgiven)
		must(t, err)
		for _, x := range verdicts {
			if len(x.Kept) == 0 {
				t.Errorf("%s was retired a moment after it went out of use", x.Key.Name())
			}
		}
		o.clock.Advance(calmBefore + time.Second)
		follow(t, o.v)
		verdicts, err = r.Retire(t.Context(), forgiven)
		must(t, err)
		for _, x := range verdicts {
			if kept := len(x.Kept) > 0; kept != (x.Key.Use == useSign) {
				t.Errorf("%s %s: %q", x.Key.Use, x.Key.Name(), x.Kept)
			}
		}
		if got, err := o.v.Verify("z", oldToken, o.d.Now()); string(got) != "link" || err != nil {
			t.Errorf("a link from before: %q, %v", got, err)
		}
		after, err := Open(o.uri, o.d)
		must(t, err)
		o.whole(after)
		if held := after.house.Load(); len(held.sealers) != 1 || held.sealers[first] != nil || len(held.signers) != 2 {
			t.Errorf("the key file still holds %v", held.names())
		}
		// The key file from before opens nothing any more, and says so.
		if _, err := Open("file:"+before, o.d); err == nil || !errors.Is(err, errLacks) {
			t.Errorf("the key file from before: %v", err)
		}
		// Once its last token has expired, the old signing key goes as well.
		o.clock.Advance(31 * 24 * time.Hour)
		follow(t, o.v)
		verdicts, err = r.Retire(t.Context(), forgiven)
		must(t, err)
		if len(verdicts) != 1 || len(verdicts[0].Kept) > 0 || len(o.v.house.Load().signers) != 1 {
			t.Errorf("a month later: %+v, holds %v", verdicts, o.v.house.Load().names())
		}
	})
}

func TestTokensFromBeforeTheRecordHoldTheirKey(t *testing.T) {
	clock := dbtest.NewClock(time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC))
	d := dbtest.NewAt(t, clock)
	uri := "file:" + filepath.Join(t.TempDir(), "key.json")
	_, err := Open(uri, d)
	must(t, err)
	write(t, d, func(tx *db.Tx) error { _, err := tx.Exec(`DELETE FROM house_key`); return err }) // a house of an earlier version
	v, err := Open(uri, d)
	must(t, err)
	keys, err := v.houseKeys(t.Context())
	must(t, err)
	for _, k := range keys {
		if k.Use == useSign && !k.Lasts.Equal(clock.Now().Add(tokensBefore)) {
			t.Errorf("the signing key is needed until %v", k.Lasts)
		}
	}
}

func TestTheOldKeyStaysWhileAnythingNeedsIt(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		r := o.rotation()
		first := o.v.house.Load().sealsWith
		follow(t, o.v)
		must(t, r.Begin(t.Context(), nothing))
		follow(t, o.v)
		old := func() string {
			t.Helper()
			verdicts, err := r.Retire(t.Context(), forgiven)
			must(t, err)
			for _, x := range verdicts {
				if x.Key.ID == first {
					return strings.Join(x.Kept, "; ")
				}
			}
			return "not old"
		}
		if got := old(); got != "not old" {
			t.Errorf("the key in use: %q", got)
		}
		o.advance(r)
		follow(t, o.v)
		o.clock.Advance(time.Hour)
		follow(t, o.v)
		if got := old(); !strings.Contains(got, "not everything has been sealed anew") || !strings.Contains(got, "cells of vault_key.sealed") {
			t.Errorf("half-way: %q", got)
		}
		// A process that was held up since before and seals with the old key.
		late, err := Open(o.uri, o.d)
		must(t, err)
		held, err := late.house.Load().inUse(first, late.house.Load().signsWith)
		must(t, err)
		late.house.Store(held)
		must(t, late.tell(t.Context()))
		o.finish(r)
		if got := old(); !strings.Contains(got, "still seals with it") {
			t.Errorf("while a process seals with it: %q", got)
		}
		late.leave()
		if got := old(); got != "" {
			t.Errorf("at the end: %q", got)
		}
		o.whole(o.v)
	})
}

// A process that slept through a rotation asks before it seals.
func TestWhoWasHeldUpAsksBeforeItSeals(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		r := o.rotation()
		late, err := Open(o.uri, o.d)
		must(t, err)
		follow(t, o.v)
		must(t, r.Begin(t.Context(), nothing))
		follow(t, o.v)
		o.advance(r)
		o.clock.Advance(staleAfter + time.Second)
		follow(t, o.v)
		sealed, err := late.SealHouse("y", []byte("z"))
		must(t, err)
		if id, _ := sealedWith(sealed); id != o.v.house.Load().sealsWith {
			t.Error("it seals with the key from before")
		}
	})
}

// A command that runs for long and does not follow reads what it must.
func TestWhoDoesNotFollowReadsTheKeyFileWhenItMust(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		command, err := Open(o.uri, o.d)
		must(t, err)
		r := o.rotation()
		follow(t, o.v)
		must(t, r.Begin(t.Context(), nothing))
		follow(t, o.v)
		o.finish(r)
		o.whole(command)
	})
}

func TestNodesWithKeyFilesOfTheirOwn(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		path, _ := KeyFile(o.uri)
		own := filepath.Join(t.TempDir(), "other.json")
		copyFile(t, path, own)
		other, err := Open("file:"+own, o.d)
		must(t, err)
		r := o.rotation()
		follow(t, o.v, other)
		must(t, r.Begin(t.Context(), nothing))
		follow(t, o.v, other)
		for range 3 {
			o.advance(r)
		}
		if s := o.status(r); !s.Waiting() || len(s.Behind()) != 1 {
			t.Fatalf("a process lacks the key: %+v", s)
		}
		copyFile(t, path, own)
		follow(t, o.v, other)
		if s := o.status(r); len(s.Behind()) != 0 {
			t.Fatalf("the copied file was not read: %+v", s)
		}
		o.finish(r)
		follow(t, other)
		o.whole(other)
		o.clock.Advance(calmBefore + time.Second)
		follow(t, o.v, other)
		_, err = r.Retire(t.Context(), forgiven)
		must(t, err)
		follow(t, o.v, other)
		keeps := 0
		for _, n := range o.status(r).Nodes {
			if n.Keeps {
				keeps++
			}
		}
		if keeps != 1 {
			t.Errorf("%d processes still hold the retired key, want the other one", keeps)
		}
		_, err = NewRotation(other, secrets, notices).Retire(t.Context(), forgiven)
		must(t, err)
		if len(other.house.Load().sealers) != 1 {
			t.Error("the other node's key file still holds the old key")
		}
		o.whole(other)
	})
}

// A node that comes back with the key file from before is told, and not used.
func TestANodeThatLacksTheKeyIsNotReady(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		path, _ := KeyFile(o.uri)
		own := filepath.Join(t.TempDir(), "other.json")
		copyFile(t, path, own)
		other, err := Open("file:"+own, o.d)
		must(t, err)
		r := o.rotation()
		follow(t, o.v) // the other has not said that it is there
		must(t, r.Begin(t.Context(), nothing))
		follow(t, o.v)
		o.finish(r)
		follow(t, other)
		if err := other.Ready(); !errors.Is(err, errLacks) {
			t.Errorf("ready: %v", err)
		}
		o.clock.Advance(staleAfter + time.Second)
		if _, err := other.SealHouse("y", nil); !errors.Is(err, errLacks) {
			t.Errorf("it seals: %v", err)
		}
		copyFile(t, path, own)
		follow(t, other)
		if err := other.Ready(); err != nil {
			t.Errorf("with the new file: %v", err)
		}
		o.whole(other)
	})
}

func TestRotationThatBreaksOff(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		follow(t, o.v)
		lost := errors.New("the power is gone")
		if err := o.rotation().Begin(t.Context(), func(*db.Tx) error { return lost }); !errors.Is(err, lost) {
			t.Fatal(err)
		}
		again := func() *Rotation { // what a new process sees
			t.Helper()
			v, err := Open(o.uri, o.d)
			must(t, err)
			o.v = v
			o.whole(v)
			follow(t, v)
			return o.rotation()
		}
		r := again()
		if n := len(o.v.house.Load().sealers); n != 2 {
			t.Fatalf("%d keys in the file", n)
		}
		must(t, r.Begin(t.Context(), nothing))
		if n := len(o.v.house.Load().sealers); n != 2 {
			t.Errorf("%d keys after the second try: the one that waited was not taken", n)
		}
		for n := 0; ; n++ {
			end, err := r.Step(t.Context())
			must(t, err)
			if end == nil {
				break
			}
			if err := o.d.Write(t.Context(), func(tx *db.Tx) error {
				if _, err := end(tx); err != nil {
					return err
				}
				return lost
			}); !errors.Is(err, lost) {
				t.Fatal(err)
			}
			r = again()
			o.advance(r)
			r = again()
			if n > 100 {
				t.Fatal("it does not end")
			}
		}
		o.clock.Advance(time.Hour)
		r = again()
		if _, err := r.Retire(t.Context(), func(*db.Tx, Retired) error { return lost }); !errors.Is(err, lost) {
			t.Fatal(err)
		}
		r = again()
		_, err := r.Retire(t.Context(), forgiven)
		must(t, err)
		again()
		if len(o.v.house.Load().sealers) != 1 {
			t.Error("the old key is still there")
		}
	})
}

func TestABackupFromBeforeARotation(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		path, _ := KeyFile(o.uri)
		dir := t.TempDir()
		before := filepath.Join(dir, "before.json")
		copyFile(t, path, before)
		tar := filepath.Join(dir, "backup.db")
		to, err := db.Open(t.Context(), "sqlite:"+tar, db.Options{})
		must(t, err)
		must(t, to.Migrate(t.Context()))
		must(t, o.d.CopyTo(t.Context(), to, nil))
		must(t, to.Close())
		backup := func() *db.DB {
			t.Helper()
			file := filepath.Join(t.TempDir(), "restored.db")
			copyFile(t, tar, file)
			d, err := db.Open(t.Context(), "sqlite:"+file, db.Options{Clock: o.clock.Now})
			must(t, err)
			t.Cleanup(func() { d.Close() })
			return d
		}
		r := o.rotation()
		follow(t, o.v)
		must(t, r.Begin(t.Context(), nothing))
		follow(t, o.v)
		o.finish(r)
		both := filepath.Join(dir, "both.json")
		copyFile(t, path, both)
		o.clock.Advance(time.Hour)
		follow(t, o.v)
		_, err = r.Retire(t.Context(), forgiven)
		must(t, err)
		for name, c := range map[string]struct {
			file  string
			opens bool
		}{"the file from before": {before, true}, "the file of the rotation": {both, true}, "the file of now": {path, false}} {
			t.Run(name, func(t *testing.T) {
				d := backup()
				v, err := Open("file:"+c.file, d)
				if (err == nil) != c.opens {
					t.Fatalf("it opens: %v", err)
				}
				if err != nil {
					return
				}
				restored := *o
				restored.t, restored.d, restored.v, restored.uri = t, d, v, "file:"+c.file
				restored.whole(v)
				// A restored house can be rotated like any other.
				r := restored.rotation()
				follow(t, v)
				must(t, r.Begin(t.Context(), nothing))
				follow(t, v)
				restored.finish(r)
				restored.whole(v)
			})
		}
	})
}

func TestRotationBehindAKMS(t *testing.T) {
	clock := dbtest.NewClock(time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC))
	dbtest.EachAt(t, clock, func(t *testing.T, d *db.DB) {
		e := transittest.New(t)
		path := filepath.Join(t.TempDir(), "key.json")
		o := newOffice(t, d, clock, WithFile(e.URI("dingdong"), path))
		r := o.rotation()
		follow(t, o.v)
		e.Seal()
		if err := r.Begin(t.Context(), nothing); err == nil || !strings.Contains(err.Error(), "is sealed") {
			t.Errorf("while the KMS is sealed: %v", err)
		}
		e.Unseal()
		must(t, r.Begin(t.Context(), nothing))
		follow(t, o.v)
		e.Seal() // needed for the key file alone
		o.finish(r)
		e.Unseal()
		clock.Advance(time.Hour)
		follow(t, o.v)
		_, err := r.Retire(t.Context(), forgiven)
		must(t, err)
		after, err := Open(o.uri, d)
		must(t, err)
		o.whole(after)
		data, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(data), `"encryptedKeyset"`) {
			t.Errorf("the key file is %.80q, %v", data, err)
		}
	})
}

func TestWhatIsDamagedDoesNotHoldTheRotation(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		spoil := func(id string) {
			write(t, o.d, func(tx *db.Tx) error {
				_, err := tx.Exec(`UPDATE vault_key SET sealed = (SELECT sealed FROM vault_key WHERE customer_id = 'cus_0002') WHERE customer_id = $1`, id)
				return err
			})
			delete(o.cells, id)
		}
		spoil("cus_0001")
		r := o.rotation()
		follow(t, o.v)
		must(t, r.Begin(t.Context(), nothing))
		follow(t, o.v)
		o.finish(r)
		damaged := 0
		for _, w := range o.status(r).Work {
			damaged += w.Damaged
		}
		if damaged != 1 {
			t.Errorf("%d damaged, want the one", damaged)
		}
		o.clock.Advance(time.Hour)
		follow(t, o.v)
		verdicts, err := r.Retire(t.Context(), forgiven)
		must(t, err)
		for _, x := range verdicts {
			if x.Key.Use == useSeal && len(x.Kept) > 0 {
				t.Errorf("kept for what no key opens: %q", x.Kept)
			}
		}
		o.whole(o.v)
	})
}

func TestADroppedKeyDoesNotComeBack(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		r := o.rotation()
		follow(t, o.v)
		must(t, r.Begin(t.Context(), nothing))
		follow(t, o.v)
		o.advance(r)
		end, err := r.Step(t.Context()) // has read the row
		must(t, err)
		write(t, o.d, func(tx *db.Tx) error { return o.v.DropKey(tx, "cus_0001") })
		write(t, o.d, func(tx *db.Tx) error { _, err := end(tx); return err })
		var n int
		read(t, o.d, func(tx *db.Tx) error {
			return tx.QueryRow(`SELECT COUNT(*) FROM vault_key WHERE customer_id = 'cus_0001'`).Scan(&n)
		})
		if n != 0 {
			t.Error("the rotation brought a dropped key back")
		}
	})
}

// Customers come, write and are read while two processes follow and a third
// rotates: nothing is ever unreadable.
func TestRotationWhileTheHouseServes(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		path := filepath.Join(t.TempDir(), "key.json")
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		var nodes []*Vault
		var all sync.WaitGroup
		log := slog.New(slog.DiscardHandler)
		for range 2 {
			v, err := Open("file:"+path, d)
			must(t, err)
			v.askEvery = 20 * time.Millisecond
			nodes = append(nodes, v)
			v.step(ctx, log)
			all.Go(func() { v.Follow(ctx, log) })
		}
		for n, v := range nodes {
			all.Go(func() {
				for i := 0; ctx.Err() == nil; i++ {
					id := fmt.Sprintf("cus_%d_%d", n, i)
					var setting, sealed []byte
					err := d.Write(context.Background(), func(tx *db.Tx) (err error) {
						if err = v.NewKey(tx, id); err != nil {
							return err
						}
						if sealed, err = v.SealString(tx, id, "x", id); err != nil {
							return err
						}
						if setting, err = v.SealHouse(secrets.Label, []byte(id)); err != nil {
							return err
						}
						_, err = tx.Exec(`INSERT INTO endpoint (id, name, url, secret, created_at) VALUES ($1, 'x', 'x', $2, 1)`, id, setting)
						return err
					})
					other := nodes[1-n]
					err = errors.Join(err, d.Read(context.Background(), func(tx *db.Tx) error {
						other.cache.lose(id)
						got, err := other.OpenString(tx, id, "x", sealed)
						if err == nil && got != id {
							err = fmt.Errorf("got %q", got)
						}
						plain, bad := other.OpenHouse(secrets.Label, setting)
						if bad == nil && string(plain) != id {
							bad = fmt.Errorf("got %q", plain)
						}
						return errors.Join(err, bad)
					}))
					if _, bad := other.Verify("z", v.Sign("z", nil, d.Now().Add(time.Hour)), d.Now()); err != nil || bad != nil {
						t.Errorf("%s: %v, %v", id, err, bad)
						return
					}
				}
			})
		}
		third, err := Open("file:"+path, d)
		must(t, err)
		r := NewRotation(third, secrets)
		r.calm = time.Second // far more than the others need to ask
		must(t, r.Begin(ctx, nothing))
		first := nodes[0].house.Load().sealsWith
		for {
			end, err := r.Step(ctx)
			must(t, err)
			if end == nil {
				break
			}
			must(t, d.Write(ctx, func(tx *db.Tx) error { _, err := end(tx); return err }))
		}
		stop()
		all.Wait()
		var left int
		read(t, d, func(tx *db.Tx) (err error) {
			left, err = customerKeys.others(tx, third.house.Load().sealsWith)
			return err
		})
		if third.house.Load().sealsWith == first || left > 0 {
			t.Errorf("%d keys are sealed with the old one", left)
		}
	})
}

// Something sealed with the old key after all is sealed anew before the key goes.
func TestAStragglerIsSealedAnew(t *testing.T) {
	eachOffice(t, func(t *testing.T, o *office) {
		r := o.rotation()
		old := o.v.house.Load()
		follow(t, o.v)
		must(t, r.Begin(t.Context(), nothing))
		follow(t, o.v)
		o.finish(r)
		sealed, err := old.sealers[old.sealsWith].Encrypt([]byte("end_0001"), houseData(secrets.Label))
		must(t, err)
		write(t, o.d, func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE endpoint SET secret = $1 WHERE id = 'end_0001'`, sealed)
			return err
		})
		o.clock.Advance(time.Hour)
		follow(t, o.v)
		again := false
		verdicts, err := r.Retire(t.Context(), func(_ *db.Tx, what Retired) error { again = what.Again; return nil })
		must(t, err)
		if !again || len(o.v.house.Load().sealers) != 2 {
			t.Fatalf("again %v, %+v", again, verdicts)
		}
		o.finish(r)
		_, err = r.Retire(t.Context(), forgiven)
		must(t, err)
		if len(o.v.house.Load().sealers) != 1 {
			t.Error("the old key is still there")
		}
		o.whole(o.v)
	})
}
