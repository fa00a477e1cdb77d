package vault

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/vault/transittest"
)

func TestWrappingKeepsTheKeys(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := transittest.New(t)
		e.AddKey("other")
		path := filepath.Join(t.TempDir(), "key.json")
		uri := "file:" + path
		v, err := Open(uri, d)
		must(t, err)
		newKeys(t, d, v, "cus_anna")
		var cell []byte
		read(t, d, func(tx *db.Tx) (err error) { cell, err = v.SealString(tx, "cus_anna", "x", "hello"); return err })
		setting, err := v.SealHouse("y", []byte("token"))
		must(t, err)
		now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
		signed, hash := v.Sign("z", []byte("link"), now.Add(time.Hour)), v.Hash("phone", "1")

		same := func(uri string) {
			t.Helper()
			after, err := Open(uri, d)
			must(t, err)
			read(t, d, func(tx *db.Tx) error {
				if got, err := after.OpenString(tx, "cus_anna", "x", cell); got != "hello" || err != nil {
					t.Errorf("cell: %q, %v", got, err)
				}
				return nil
			})
			if got, err := after.OpenHouse("y", setting); string(got) != "token" || err != nil {
				t.Errorf("setting: %q, %v", got, err)
			}
			if got, err := after.Verify("z", signed, now); string(got) != "link" || err != nil {
				t.Errorf("signed: %q, %v", got, err)
			}
			if after.Hash("phone", "1") != hash {
				t.Error("hashes differ")
			}
			entries, err := os.ReadDir(filepath.Dir(path))
			if err != nil || len(entries) != 1 {
				t.Errorf("%v lie there, %v; want the key file alone", entries, err)
			}
			info, err := os.Stat(path)
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("mode of the key file: %v, %v", info.Mode(), err)
			}
		}
		for _, to := range []string{e.URI("dingdong"), e.URI("other"), e.URI("other")} { // wrapped, by another, anew
			before := uri
			uri, err = Wrap(before, to)
			must(t, err)
			if want := WithFile(to, path); uri != want {
				t.Errorf("the setting is %s, want %s", uri, want)
			}
			same(uri)
			if _, err := Open(before, d); err == nil && before != uri {
				t.Errorf("it still opens with %s", before)
			}
		}
		uri, err = Unwrap(uri)
		must(t, err)
		if uri != "file:"+path {
			t.Errorf("the setting is %s", uri)
		}
		e.Stop()
		same(uri)
	})
}

func TestWrappingThatIsRefusedChangesNothing(t *testing.T) {
	type trial struct {
		e    *transittest.Engine
		path string
		to   string
	}
	cases := map[string]struct {
		spoil func(t *testing.T, c *trial)
		says  string
	}{
		"no KMS":       {func(_ *testing.T, c *trial) { c.to = "file:" + c.path }, "names no key of a KMS"},
		"another file": {func(_ *testing.T, c *trial) { c.to = WithFile(c.to, "/tmp/key.json") }, "stays in its place"},
		"down":         {func(_ *testing.T, c *trial) { c.e.Stop() }, "cannot be reached"},
		"sealed":       {func(_ *testing.T, c *trial) { c.e.Seal() }, "is sealed"},
		"no such key":  {func(_ *testing.T, c *trial) { c.to = c.e.URI("another") }, "there is no such key"},
		"too old":      {func(_ *testing.T, c *trial) { c.e.Deafen() }, "passes over associated data"},
		"it may encrypt, not decrypt": {func(_ *testing.T, c *trial) {
			engine := c.e
			engine.Answer(func(w http.ResponseWriter, r *http.Request) {
				if strings.Contains(r.URL.Path, "/decrypt/") {
					http.Error(w, `{"errors":["permission denied"]}`, http.StatusForbidden)
					return
				}
				_, _ = w.Write([]byte(`{"data":{"ciphertext":"vault:v1:AAAA"}}`))
			})
		}, "nothing was changed: keyset seal: the KMS"},
		"left over": {func(t *testing.T, c *trial) { must(t, os.WriteFile(c.path+".old", []byte("old"), 0o600)) },
			"left over from a change that broke off"},
		"readable by all": {func(t *testing.T, c *trial) { must(t, os.Chmod(c.path, 0o644)) }, "chmod 600"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			e := transittest.New(t)
			now := trial{e: e, path: filepath.Join(t.TempDir(), "key.json"), to: e.URI("dingdong")}
			must(t, makeKeyFile(place{path: now.path}))
			before, err := os.ReadFile(now.path)
			must(t, err)
			c.spoil(t, &now)
			beside, err := os.ReadDir(filepath.Dir(now.path))
			must(t, err)
			if _, err := Wrap("file:"+now.path, now.to); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want %q in it", err, c.says)
			}
			after, err := os.ReadFile(now.path)
			if err != nil || string(after) != string(before) {
				t.Errorf("the key file has changed: %v", err)
			}
			if left, err := os.ReadDir(filepath.Dir(now.path)); err != nil || len(left) != len(beside) {
				t.Errorf("left beside it: %v, %v", left, err)
			}
		})
	}
	if _, err := Wrap("file:"+filepath.Join(t.TempDir(), "none.json"), "hcvault://v/transit/keys/k"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no key file: %v", err)
	}
	if _, err := Unwrap("file:/key.json"); err == nil || !strings.Contains(err.Error(), "names no KMS") {
		t.Errorf("nothing to unwrap: %v", err)
	}
}

func TestANewKeyFileThatDoesNotOpenGivesWay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key.json")
	must(t, os.WriteFile(path, []byte("old"), 0o600))
	lost := errors.New("the disk lies")
	err := replaceKeyFile(path, []byte("old"), []byte("new"), func() error {
		old, err := os.ReadFile(path + ".old")
		must(t, err)
		fresh, err := os.ReadFile(path)
		must(t, err)
		if string(old) != "old" || string(fresh) != "new" {
			t.Errorf("during the check: %q, and %q as .old", fresh, old)
		}
		return lost
	})
	if !errors.Is(err, lost) {
		t.Errorf("got %v", err)
	}
	got, err := os.ReadFile(path)
	if err != nil || string(got) != "old" {
		t.Errorf("the key file is %q, %v", got, err)
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Errorf("left: %v, %v", entries, err)
	}
}

func TestALinkToTheKeyFileStaysALink(t *testing.T) {
	e, dir := transittest.New(t), t.TempDir()
	real, link := filepath.Join(dir, "real.json"), filepath.Join(dir, "key.json")
	must(t, makeKeyFile(place{path: real}))
	must(t, os.Symlink(real, link))
	uri, err := Wrap("file:"+link, e.URI("dingdong"))
	must(t, err)
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is %v, %v", info.Mode(), err)
	}
	if _, err := Open(uri, dbtest.New(t)); err != nil {
		t.Error(err)
	}
}
