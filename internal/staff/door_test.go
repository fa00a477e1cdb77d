package staff

import (
	"path/filepath"
	"sync"
	"testing"

	"dingdong/internal/db"
	"dingdong/internal/vault"
)

// doors are the doors of the databases that tests have open: a database knows its key, so
// there is one door for each.
var doors sync.Map

func doorOf(t *testing.T, d *db.DB) *Door {
	t.Helper()
	if o, ok := doors.Load(d); ok {
		return o.(*Door)
	}
	v, err := vault.Open("file:"+filepath.Join(t.TempDir(), "key.json"), d)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := NewPasskeys("https://counter.test")
	if err != nil {
		t.Fatal(err)
	}
	o, _ := doors.LoadOrStore(d, &Door{DB: d, Vault: v, Passkeys: keys})
	return o.(*Door)
}
