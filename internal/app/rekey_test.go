package app

import (
	"go/ast"
	"go/token"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"dingdong/internal/db"
	"dingdong/internal/staff"
	"dingdong/internal/vault"
)

// TestARunningHouseChangesItsKey: a customer writes before, during and after; the
// command line begins it, the house does it, the page shows it.
func TestARunningHouseChangesItsKey(t *testing.T) {
	h := newHouse(t)
	s := shell{t, h.dir}
	lin := h.friend("U1", "林怡君")
	h.phone.Text(lin, "before")
	h.quiet()
	before := h.keyInUse(t, "seal")
	h.hire("Ada", staff.Admin)
	if o := s.runWith(advisorPassword+"\n", "admin", "staff", "password", "ada@counter.example"); o.status != 0 {
		t.Fatal(o)
	}
	ada := newBrowser(t, h.url)
	ada.post("/sign-in", url.Values{"email": {"ada@counter.example"}, "password": {advisorPassword}})
	if page := ada.get("/admin/key"); page.status != http.StatusOK || !strings.Contains(page.body, before) {
		t.Fatalf("the page: %d\n%s", page.status, page.body)
	}
	if o := s.run("key", "retire"); o.status != 0 {
		t.Errorf("nothing is old yet: %+v", o)
	}
	if out := s.must("key", "rotate"); !strings.Contains(out, "New keys stand in the key file") {
		t.Errorf("it prints %q", out)
	}
	if o := s.run("key", "rotate"); o.status != 1 || !strings.Contains(o.err, "not done yet") {
		t.Errorf("a second time: %+v", o)
	}
	h.phone.Text(lin, "during")
	eventually(t, func() string {
		if h.keyInUse(t, "seal") == before {
			return "the new key is not in use: " + s.must("key", "status")
		}
		return ""
	})
	h.phone.Text(lin, "after")
	if page := ada.get("/admin/key/progress"); page.status != http.StatusOK || !strings.Contains(page.body, `hx-trigger`) {
		t.Errorf("while it goes on: %d\n%s", page.status, page.body)
	}
	// The pause that stands between taking a key into use and calling the work done
	// is passed over.
	h.write(func(tx *db.Tx) error {
		_, err := tx.Exec(`UPDATE house_key SET used_at = used_at - $1 WHERE state = 'current'`, int64(3600e6))
		return err
	})
	eventually(t, func() string {
		if out := s.must("key", "status"); strings.Contains(out, "under way") || !strings.Contains(out, "done") {
			return out
		}
		return ""
	})
	h.quiet()
	if out := s.must("key", "retire"); !strings.Contains(out, before+"\tretired") || !strings.Contains(out, "visitors' tokens") && !strings.Contains(out, "sign\t") {
		t.Errorf("it prints %q", out)
	}
	data, err := os.ReadFile(filepath.Join(h.dir, "key.json"))
	must(t, err)
	id, err := strconv.ParseUint(before, 16, 32)
	must(t, err)
	if strings.Contains(string(data), strconv.FormatUint(id, 10)) {
		t.Error("the old key is still in the key file")
	}
	mei := h.signIn()
	page := mei.get("/inbox/" + h.thread(lin)).body
	for _, word := range []string{"before", "during", "after"} {
		if !strings.Contains(page, word) {
			t.Errorf("%q cannot be read", word)
		}
	}
	for _, action := range []string{"key.rotate", "key.retire"} {
		if h.number(`SELECT COUNT(*) FROM audit WHERE action = $1`, action) == 0 {
			t.Errorf("%s is not on record", action)
		}
	}
}

// keyInUse is the number of the key in use.
func (a *App) keyInUse(t *testing.T, use string) (name string) {
	t.Helper()
	must(t, a.DB.Read(t.Context(), func(tx *db.Tx) error {
		s, err := a.Keys.Status(tx)
		i := slices.IndexFunc(s.Keys, func(k vault.Key) bool { return k.Use == use && k.State == "current" })
		name = s.Keys[i].Name()
		return err
	}))
	return name
}

// TestEverythingSealedForTheHouseIsSealedAnew finds every label that a room seals
// with the key of the installation: one that is missing in the table of rekey.go
// would be unreadable after a rotation.
func TestEverythingSealedForTheHouseIsSealedAnew(t *testing.T) {
	labels := map[string]bool{}
	for _, c := range sealed() {
		labels[c.Label] = true
	}
	found := 0
	all := sources(t)
	for _, s := range all {
		if s.test || s.room == "vault" {
			continue
		}
		ast.Inspect(s.ast, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			f, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || f.Sel.Name != "SealHouse" {
				return true
			}
			found++
			label, known := constant(all, s.dir, call.Args[0])
			if !known || !labels[label] {
				t.Errorf("%s seals %q with the key of the installation: name its column in Sealed() of the room and in rekey.go",
					s.set.Position(n.Pos()), label)
			}
			return true
		})
	}
	if found < 4 {
		t.Errorf("only %d calls were found", found)
	}
}

// constant reads the text of a constant of a package.
func constant(all []source, dir string, e ast.Expr) (string, bool) {
	if lit, ok := e.(*ast.BasicLit); ok {
		text, err := strconv.Unquote(lit.Value)
		return text, err == nil
	}
	name, ok := e.(*ast.Ident)
	if !ok {
		return "", false
	}
	for _, s := range all {
		if s.dir != dir {
			continue
		}
		for _, d := range s.ast.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.CONST {
				continue
			}
			for _, spec := range g.Specs {
				v := spec.(*ast.ValueSpec)
				for i, n := range v.Names {
					if n.Name == name.Name && i < len(v.Values) {
						return constant(all, dir, v.Values[i])
					}
				}
			}
		}
	}
	return "", false
}
