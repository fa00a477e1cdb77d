package vault

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
)

func freshKeys(t testing.TB) *houseKeys {
	t.Helper()
	sets, err := newKeySets()
	if err != nil {
		t.Fatal(err)
	}
	keys, err := sets.use()
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func TestTheFirstStartMakesAKeyFileForTheOwnerOnly(t *testing.T) {
	d := dbtest.New(t)
	path := filepath.Join(t.TempDir(), "below", "key.json")
	first, err := Open("file:"+path, d)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %04o, want 0600", info.Mode().Perm())
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(entries) != 1 {
		t.Errorf("%d files beside the key file, %v", len(entries), err)
	}
	second, err := Open("file://"+path, d)
	if err != nil {
		t.Fatal(err)
	}
	if first.Hash("phone", "1") != second.Hash("phone", "1") {
		t.Error("the second start hashes differently")
	}
}

func TestKeyFilesThatAreRefused(t *testing.T) {
	cases := map[string]struct {
		spoil func(t *testing.T, path string)
		says  string
	}{
		"missing": {func(t *testing.T, path string) { must(t, os.Remove(path)) },
			"is missing, but the database holds data"},
		"readable by the group": {func(t *testing.T, path string) { must(t, os.Chmod(path, 0o640)) },
			"chmod 600"},
		"readable by all": {func(t *testing.T, path string) { must(t, os.Chmod(path, 0o604)) },
			"chmod 600"},
		"of another installation": {func(t *testing.T, path string) {
			must(t, os.Remove(path))
			must(t, makeKeyFile(place{path: path}))
		}, "does not belong to this database"},
		"empty":    {func(t *testing.T, path string) { must(t, os.WriteFile(path, nil, 0o600)) }, "key.json"},
		"not ours": {func(t *testing.T, path string) { must(t, os.WriteFile(path, []byte(`{"seal":{}}`), 0o600)) }, "keyset seal"},
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				write(t, d, func(tx *db.Tx) error {
					_, err := tx.Exec(`DELETE FROM vault_key`)
					if err == nil {
						_, err = tx.Exec(`DELETE FROM house_key`)
					}
					return err
				})
				path := filepath.Join(t.TempDir(), "key.json")
				v, err := Open("file:"+path, d)
				if err != nil {
					t.Fatal(err)
				}
				newKeys(t, d, v, "cus_anna")
				c.spoil(t, path)
				if _, err := Open("file:"+path, d); err == nil || !strings.Contains(err.Error(), c.says) {
					t.Errorf("got %v, want %q in it", err, c.says)
				}
				if _, err := os.Stat(path); name == "missing" && !errors.Is(err, os.ErrNotExist) {
					t.Error("a fresh key file was made")
				}
			})
		}
	})
}

func TestAnOlderDatabaseWithoutTheInstallationsRow(t *testing.T) {
	d := dbtest.New(t)
	path := filepath.Join(t.TempDir(), "key.json")
	v, err := Open("file:"+path, d)
	must(t, err)
	newKeys(t, d, v, "cus_anna")
	write(t, d, func(tx *db.Tx) error { _, err := tx.Exec(`DELETE FROM vault_key WHERE customer_id = ''`); return err })
	if _, err := Open("file:"+path, d); err != nil {
		t.Errorf("the right key file is refused: %v", err)
	}
	must(t, os.Remove(path))
	if _, err := Open("file:"+path, d); err == nil {
		t.Error("a fresh key file was made over a customer's key")
	}
}

func TestKeyURIs(t *testing.T) {
	d := dbtest.New(t)
	for name, uri := range map[string]string{
		"a cloud's":    "gcp-kms://projects/p/locations/l/keyRings/r/cryptoKeys/k",
		"another":      "aws-kms://arn:aws:kms:eu:1:key/k",
		"no scheme":    "/var/lib/dingdong/key.json",
		"no path":      "file:",
		"nothing":      "",
		"only slashes": "file://",
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Open(uri, d); err == nil || !strings.Contains(err.Error(), `"file:/path/key.json"`) {
				t.Errorf("got %v, want what is supported", err)
			}
		})
	}
}

func TestNodesThatStartTogetherShareOneKey(t *testing.T) {
	d := dbtest.New(t)
	uri := "file:" + filepath.Join(t.TempDir(), "key.json")
	hashes := make([]string, 8)
	var all sync.WaitGroup
	for i := range hashes {
		all.Go(func() {
			v, err := Open(uri, d)
			if err != nil {
				t.Error(err)
				return
			}
			hashes[i] = v.Hash("x", "y")
		})
	}
	all.Wait()
	for _, h := range hashes {
		if h != hashes[0] {
			t.Fatalf("different keys: %v", hashes)
		}
	}
}

// rotate adds a key to a keyset of the file and makes it the primary.
func rotate(t *testing.T, path, name string, template *tinkpb.KeyTemplate) {
	t.Helper()
	data, err := os.ReadFile(path)
	must(t, err)
	var file map[string]json.RawMessage
	must(t, json.Unmarshal(data, &file))
	handle, err := readKeyset(file[name], name, nil)
	must(t, err)
	m := keyset.NewManagerFromHandle(handle)
	id, err := m.Add(template)
	must(t, err)
	must(t, m.SetPrimary(id))
	handle, err = m.Handle()
	must(t, err)
	var out bytes.Buffer
	must(t, insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&out)))
	file[name] = out.Bytes()
	data, err = json.Marshal(file)
	must(t, err)
	must(t, os.WriteFile(path, data, 0o600))
}

func TestWhatOldKeysSealedStaysReadable(t *testing.T) {
	d := dbtest.New(t)
	path := filepath.Join(t.TempDir(), "key.json")
	v, err := Open("file:"+path, d)
	must(t, err)
	newKeys(t, d, v, "cus_anna")
	var cell []byte
	read(t, d, func(tx *db.Tx) (err error) { cell, err = v.SealString(tx, "cus_anna", "x", "old"); return err })
	setting, err := v.SealHouse("y", []byte("old"))
	must(t, err)
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	token := v.Sign("z", []byte("old"), now.Add(time.Hour))

	rotate(t, path, "seal", aead.AES256GCMKeyTemplate())
	rotate(t, path, "sign", prf.HMACSHA256PRFKeyTemplate())
	after, err := Open("file:"+path, d)
	must(t, err)
	read(t, d, func(tx *db.Tx) error {
		if got, err := after.OpenString(tx, "cus_anna", "x", cell); got != "old" || err != nil {
			t.Errorf("cell: %q, %v", got, err)
		}
		return nil
	})
	if got, err := after.OpenHouse("y", setting); string(got) != "old" || err != nil {
		t.Errorf("setting: %q, %v", got, err)
	}
	if got, err := after.Verify("z", token, now); string(got) != "old" || err != nil {
		t.Errorf("token: %q, %v", got, err)
	}
	if after.Hash("phone", "1") != v.Hash("phone", "1") {
		t.Error("look-up hashes changed")
	}
	// A key that stands in the file is not in use before every process holds it.
	setting, err = after.SealHouse("y", []byte("new"))
	must(t, err)
	if got, err := v.OpenHouse("y", setting); string(got) != "new" || err != nil {
		t.Errorf("sealed with a key that nobody else holds: %q, %v", got, err)
	}
	if _, err := v.Verify("z", after.Sign("z", nil, now.Add(time.Hour)), now); err != nil {
		t.Errorf("signed with a key that nobody else holds: %v", err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
