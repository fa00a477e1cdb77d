package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dingdong/internal/db/dbtest"
	"dingdong/internal/vault/transittest"
)

func TestAHouseMovesBehindAKMSAndBack(t *testing.T) {
	e := transittest.New(t)
	s := shell{t, filepath.Join(dbtest.Folder(t), "house")}
	s.must("migrate")
	file := filepath.Join(s.data, "key.json")
	clear, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}

	want := "DINGDONG_KEY=" + e.URI("dingdong") + "?file=" + file + "\n"
	if out := s.must("key", "wrap", "--to", e.URI("dingdong")); !strings.Contains(out, want) {
		t.Errorf("it prints %q, want %q in it", out, want)
	}
	if o := s.run("check"); o.status != 1 || !strings.Contains(o.err, "only a KMS opens it") {
		t.Errorf("with the old setting: %+v", o)
	}
	kms := e.URI("dingdong") // names no file: key.json in the data folder
	s.must("check", "--key", kms)

	backup := filepath.Join(t.TempDir(), "house.tar")
	s.must("backup", "--with-key", backup, "--key", kms)
	restored := shell{t, filepath.Join(t.TempDir(), "restored")}
	restored.must("restore", backup, "--key", kms)
	restored.must("check", "--key", kms)

	e.Seal()
	for _, args := range [][]string{{"check"}, {"serve"}, {"key", "unwrap"}} {
		if o := s.run(append(args, "--key", kms)...); o.status != 1 || !strings.Contains(o.err, "is sealed or out of service") {
			t.Errorf("%q while the KMS is sealed: %+v", args, o)
		}
	}
	e.Unseal()
	if out := s.must("key", "unwrap", "--key", kms); !strings.Contains(out, "DINGDONG_KEY=file:"+file+"\n") {
		t.Errorf("it prints %q", out)
	}
	e.Stop()
	s.must("check")
	if again, err := os.ReadFile(file); err != nil || string(again) != string(clear) {
		t.Errorf("the key file is not what it was: %v", err)
	}
	if o := s.run("key", "unwrap"); o.status != 1 || !strings.Contains(o.err, "names no KMS") {
		t.Errorf("unwrapped twice: %+v", o)
	}
}

func TestANewHouseBehindAKMS(t *testing.T) {
	e := transittest.New(t)
	s := shell{t, filepath.Join(dbtest.Folder(t), "house")}
	e.Seal()
	if o := s.run("migrate", "--key", e.URI("dingdong")); o.status != 1 || !strings.Contains(o.err, "is sealed or out of service") {
		t.Errorf("while the KMS is sealed: %+v", o)
	}
	e.Unseal()
	s.must("migrate", "--key", e.URI("dingdong"))
	if data, err := os.ReadFile(filepath.Join(s.data, "key.json")); err != nil || !strings.Contains(string(data), `"encryptedKeyset"`) {
		t.Errorf("the key file is %.80q, %v", data, err)
	}
}
