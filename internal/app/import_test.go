package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dingdong/internal/db/dbtest"
)

func TestFilesAreImportedFromTheCommandLine(t *testing.T) {
	s := shell{t, filepath.Join(dbtest.Folder(t), "house")}
	s.must("admin", "store", "add", "--name", "Xinyi")
	s.must("admin", "brand", "add", "--name", "Rosée")
	s.must("admin", "counter", "add", "--store", "Xinyi", "--brand", "Rosée", "--name", "R1")
	products := filepath.Join(t.TempDir(), "products.csv")
	if err := os.WriteFile(products, []byte("ref,name,brand,sku,price\nC,Cushion,Rosée,C-1,1680\nD,Balm,Nobody,D-1,100\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if out := s.must("import", "products", products); !strings.Contains(out, "1 added or changed, 0 there already, 1 wrong") {
		t.Error(out)
	}
	wrong, err := os.ReadFile(products + ".errors.csv")
	if err != nil || string(wrong) != "line,field,code,value\n3,brand,unknown,Nobody\n" {
		t.Errorf("%q %v", wrong, err)
	}
	receipts := "N,date,counter,sku,amount\n1,2026-11-01,R1,C-1,\"1,680\"\n"
	for _, c := range []struct {
		in, want string
		args     []string
	}{
		{receipts, "looked at, nothing written", []string{"--dry-run"}},
		{receipts, "1 added or changed, 0 there already, 0 wrong", nil},
		{receipts, "0 added or changed, 1 there already, 0 wrong", nil},
	} {
		o := s.runWith(c.in, append([]string{"import", "purchases", "-", "--map", "ref=N", "--source", "pos"}, c.args...)...)
		if o.status != 0 || !strings.Contains(o.out, c.want) {
			t.Errorf("%d %s%s", o.status, o.out, o.err)
		}
	}
	if o := s.runWith(receipts, "import", "purchases", "-"); o.status != 1 || !strings.Contains(o.err, "columns.ref: must not be empty") {
		t.Errorf("%d %s%s", o.status, o.out, o.err)
	}
	members := "number,phone,name,counter\nVIP-1,0912345678,林怡君,R1\nVIP-2,12,王芳,\n"
	for _, want := range []string{"1 added or changed, 0 there already, 1 wrong", "0 added or changed, 1 there already, 1 wrong"} {
		if o := s.runWith(members, "import", "customers", "-", "--map", "member=number", "--proved"); o.status != 0 || !strings.Contains(o.out, want) {
			t.Errorf("%d %s%s", o.status, o.out, o.err)
		}
	}
	if o := s.runWith(members, "import", "customers", "-", "--map", "member=number", "--region", "XX"); o.status != 1 || !strings.Contains(o.err, "region: unknown") {
		t.Errorf("%d %s%s", o.status, o.out, o.err)
	}
}
