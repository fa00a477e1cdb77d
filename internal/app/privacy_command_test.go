package app

import (
	"archive/zip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
)

// members makes a house with two customers, and gives their ids.
func members(t *testing.T) (s shell, lin, wang string) {
	t.Helper()
	s = shell{t, filepath.Join(dbtest.Folder(t), "house")}
	s.must("migrate")
	if o := s.runWith("member,name\nVIP-1,林怡君\nVIP-2,王芳\n", "import", "customers", "-", "--quiet"); o.status != 0 {
		t.Fatal(o)
	}
	ids := s.texts(`SELECT id FROM customer ORDER BY created_at, id`)
	if len(ids) != 2 {
		t.Fatalf("%d customers", len(ids))
	}
	return s, ids[0], ids[1]
}

// texts reads the database beside the commands.
func (s shell) texts(q string, args ...any) (out []string) {
	s.t.Helper()
	d, err := db.Open(s.t.Context(), "sqlite:"+filepath.Join(s.data, "dingdong.db"), db.Options{})
	must(s.t, err)
	defer d.Close()
	must(s.t, d.Read(s.t.Context(), func(tx *db.Tx) error {
		rows, err := tx.Query(q, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var one string
			if err := rows.Scan(&one); err != nil {
				return err
			}
			out = append(out, one)
		}
		return rows.Err()
	}))
	return out
}

func TestPrivacyFromTheCommandLine(t *testing.T) {
	s, lin, wang := members(t)
	file := filepath.Join(t.TempDir(), "lin.zip")
	s.must("privacy", "export", lin, file, "--language", "en")
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file about her: %v %v", info.Mode(), err)
	}
	z, err := zip.OpenReader(file)
	must(t, err)
	var all strings.Builder
	for _, f := range z.File {
		in, err := f.Open()
		must(t, err)
		_, err = io.Copy(&all, in)
		must(t, err)
	}
	must(t, z.Close())
	if !strings.Contains(all.String(), "林怡君") || strings.Contains(all.String(), "王芳") || !strings.Contains(all.String(), `lang="en"`) {
		t.Error("the file does not hold her, or holds somebody else")
	}

	// What would go is said, and nothing goes.
	if out := s.must("privacy", "retain", "--dry-run"); !strings.Contains(out, "messages") || !strings.Contains(out, "would go") {
		t.Errorf("dry run: %q", out)
	}
	s.must("privacy", "retain")

	if o := s.runWith(lin+"\n", "privacy", "erase", lin); o.status != 0 || !strings.Contains(o.out, "erased: 1 records") {
		t.Errorf("erased by hand: %+v", o)
	}
	list := filepath.Join(t.TempDir(), "erasures.jsonl")
	s.must("privacy", "erasures", list)
	raw, err := os.ReadFile(list)
	must(t, err)
	var line map[string]any
	if err := json.Unmarshal(raw, &line); err != nil || strings.Count(string(raw), "\n") != 1 || !strings.Contains(string(raw), lin) {
		t.Errorf("the list: %q %v", raw, err)
	}
	if out := s.must("privacy", "erasures", "-"); out != string(raw) {
		t.Errorf("on standard output: %q", out)
	}
	s.must("privacy", "erase", wang, "--yes")
	if left := s.texts(`SELECT id FROM customer`); len(left) != 0 {
		t.Errorf("left are %v", left)
	}
	for _, action := range []string{"customer.exported", "customer.erased"} {
		if got := s.texts(`SELECT customer_id FROM audit WHERE action = $1`, action); len(got) == 0 || got[0] != lin {
			t.Errorf("%s is on record of %v", action, got)
		}
	}
	s.must("audit", "verify")
}

// The list that lies in the folder may know of more erasures than the copy that is handed
// in: neither takes anything from the other.
func TestARestoreKeepsTheListThatIsThere(t *testing.T) {
	s, lin, wang := members(t)
	saved, list := filepath.Join(t.TempDir(), "house.tar"), filepath.Join(t.TempDir(), "erasures.jsonl")
	s.must("backup", saved)
	s.must("privacy", "erase", lin, "--yes")
	s.must("privacy", "erasures", list)
	s.must("privacy", "erase", wang, "--yes")
	for _, name := range []string{"dingdong.db", "dingdong.db-wal", "dingdong.db-shm"} {
		if err := os.Remove(filepath.Join(s.data, name)); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	there, err := os.OpenFile(filepath.Join(s.data, erasureList), os.O_APPEND|os.O_WRONLY, 0o600)
	must(t, err)
	_, err = there.WriteString(`{"record":"cus_0`) // a power cut
	must(t, err)
	must(t, there.Close())
	if o := s.run("restore", saved, "--erasures", list); o.status != 0 || !strings.Contains(o.out, "2 records") {
		t.Errorf("restore ends with %+v", o)
	}
	if left := s.texts(`SELECT id FROM customer`); len(left) != 0 {
		t.Errorf("back are %v", left)
	}
}

func TestPrivacyCommandsThatAreRefused(t *testing.T) {
	s, lin, wang := members(t)
	dir := t.TempDir()
	there, fresh := filepath.Join(dir, "there.zip"), filepath.Join(dir, "fresh.zip")
	must(t, os.WriteFile(there, []byte("somebody's"), 0o600))
	must(t, os.Mkdir(filepath.Join(dir, "folder"), 0o700))
	count := func() string {
		return strings.Join(s.texts(`SELECT 'customer ' || COUNT(*) FROM customer UNION ALL SELECT 'erased ' || COUNT(*) FROM erased
			UNION ALL SELECT 'audit ' || COUNT(*) FROM audit UNION ALL SELECT 'key ' || COUNT(*) FROM vault_key`), ", ")
	}
	before := count()
	for name, c := range map[string]struct {
		args   []string
		in     string
		status int
		says   string
	}{
		"no verb":                        {[]string{}, "", 2, "export"},
		"a verb that is none":            {[]string{"sell"}, "", 2, "sell"},
		"export of whom":                 {[]string{"export"}, "", 2, "<customer>"},
		"export to where":                {[]string{"export", lin}, "", 2, "<file>"},
		"export of nobody":               {[]string{"export", "cus_none", fresh}, "", 1, "cus_none: person: not found"},
		"export of what is no id":        {[]string{"export", "'; DROP TABLE customer; --", fresh}, "", 1, "not found"},
		"export of nothing":              {[]string{"export", "", fresh}, "", 1, "not found"},
		"export over another file":       {[]string{"export", lin, there}, "", 1, "exists"},
		"export into no folder":          {[]string{"export", lin, filepath.Join(dir, "none", "x.zip")}, "", 1, "no such"},
		"export into a folder":           {[]string{"export", lin, filepath.Join(dir, "folder")}, "", 1, "folder"},
		"export in no language":          {[]string{"export", lin, fresh, "--language", "tlh"}, "", 2, "--language"},
		"erase whom":                     {[]string{"erase"}, "", 2, "<customer>"},
		"erase nobody":                   {[]string{"erase", "cus_none", "--yes"}, "", 1, "cus_none: person: not found"},
		"erase all":                      {[]string{"erase", "%", "--yes"}, "", 1, "not found"},
		"erase without a word":           {[]string{"erase", lin}, "", 1, "nothing was erased"},
		"erase with another's id":        {[]string{"erase", lin}, wang + "\n", 1, "nothing was erased"},
		"erase with a yes":               {[]string{"erase", lin}, "yes\n", 1, "nothing was erased"},
		"retain with a date":             {[]string{"retain", "2026-02-30"}, "", 2, "2026-02-30"},
		"retain half dry":                {[]string{"retain", "--dry-run=perhaps"}, "", 2, "--dry-run"},
		"erasures to where":              {[]string{"erasures"}, "", 2, "<file>"},
		"erasures into no folder":        {[]string{"erasures", filepath.Join(dir, "none", "list")}, "", 1, "no such"},
		"erasures into a folder":         {[]string{"erasures", filepath.Join(dir, "folder")}, "", 1, "folder"},
		"a flag that another verb knows": {[]string{"export", lin, fresh, "--yes"}, "", 2, "--yes"},
	} {
		t.Run(name, func(t *testing.T) {
			o := shell{t, s.data}.runWith(c.in, append([]string{"privacy"}, c.args...)...)
			if o.status != c.status || !strings.Contains(o.err, c.says) {
				t.Errorf("ends with %d, not %d, and says %q instead of %q", o.status, c.status, o.err, c.says)
			}
			if regexp.MustCompile(`goroutine|0x[0-9a-f]|林怡君|王芳`).MatchString(o.err + o.out) {
				t.Errorf("no words for a person: %s%s", o.out, o.err)
			}
			if _, err := os.Stat(fresh); err == nil {
				t.Error("a file is left of what was refused")
			}
		})
	}
	if now := count(); now != before {
		t.Errorf("something was changed: %s is now %s", before, now)
	}
	if raw, err := os.ReadFile(there); err != nil || string(raw) != "somebody's" {
		t.Errorf("the other file now holds %q %v", raw, err)
	}
	nowhere := shell{t, filepath.Join(dir, "mistyped")}
	for _, args := range [][]string{{"export", lin, fresh}, {"erase", lin, "--yes"}, {"retain"}, {"erasures", "-"}} {
		if o := nowhere.run(append([]string{"privacy"}, args...)...); o.status != 1 || !strings.Contains(o.err, "no database") {
			t.Errorf("%v in a mistyped folder: %+v", args, o)
		}
	}
	if _, err := os.Stat(nowhere.data); err == nil {
		t.Error("it made a house")
	}
}
