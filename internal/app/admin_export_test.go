package app

import (
	"slices"
	"strings"
	"testing"

	"dingdong/internal/audit"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/staff"
)

// Whoever has the server decides on a file where nobody in the house can, and nowhere else.
func TestExportsFromTheCommandLine(t *testing.T) {
	s := shell{t, dbtest.Folder(t)}
	h, err := openStores(&call{ctx: t.Context(), config: Config{Data: s.data}, log: silent()})
	must(t, err)
	defer h.close()
	s.admin("store", "add", "--name", "Xinyi")
	s.admin("brand", "add", "--name", "Rosée")
	counter := s.id("admin", "counter", "add", "--store", "Xinyi", "--brand", "Rosée")
	boss := s.id("admin", "staff", "add", "--name", "Boss", "--email", "boss@counter.example", "--role", "admin", "--counter", counter)
	account := s.id("admin", "account", "add", "webchat", "--name", "Shop")
	h.hears(t, account, "Ulin")
	passed, refused, own := h.asksForFile(t, boss), h.asksForFile(t, boss), h.asksForFile(t, boss)
	// One that the command line itself had asked for is the administrator's to decide.
	must(t, h.DB.Write(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(`UPDATE export SET by = $2 WHERE id = $1`, own.ID, staff.System().ID)
		return err
	}))

	both := s.admin("export", "list") + s.admin("export", "list", "--json")
	if strings.Contains(both, passed.Reason) || strings.Contains(both, "林怡君") {
		t.Errorf("the list says why, or who: %s", both)
	}
	list := s.objects("export", "list")
	if len(list) != 3 || list[2]["id"] != passed.ID {
		t.Fatalf("the list: %v", list)
	}
	shows(t, list[2], map[string]any{"kind": "customers", "state": "waiting", "rows": 1, "by": boss, "second": true, "decided_by": ""})
	if n := len(s.objects("export", "list", "--limit", "2")); n != 2 {
		t.Errorf("%d lines, not 2", n)
	}

	state := func(id string) (states []string) {
		return s.texts(`SELECT state || ' ' || decided_by FROM export WHERE id = $1`, id)
	}
	for name, c := range map[string]struct {
		args   []string
		status int
		says   string
	}{
		"no number":              {[]string{"pass"}, 2, "<id>"},
		"an unknown number":      {[]string{"pass", "exp_x"}, 1, `export "exp_x": not found (dingdong admin export list)`},
		"no number at all":       {[]string{"refuse", ""}, 1, "not found"},
		"all of them":            {[]string{"pass", "%"}, 1, "not found"},
		"a customer's number":    {[]string{"refuse", "cus_x"}, 1, "not found"},
		"two at once":            {[]string{"pass", passed.ID, refused.ID}, 2, refused.ID},
		"its own":                {[]string{"pass", own.ID}, 1, "somebody else in the house can decide"},
		"its own, refused":       {[]string{"refuse", own.ID}, 1, "somebody else in the house can decide"},
		"a limit of no number":   {[]string{"list", "--limit", "many"}, 2, "--limit"},
		"a flag that is nowhere": {[]string{"pass", passed.ID, "--force"}, 2, "--force"},
	} {
		t.Run(name, func(t *testing.T) {
			o := shell{t, s.data}.run(append([]string{"admin", "export"}, c.args...)...)
			if o.status != c.status || !strings.Contains(o.err, c.says) || o.out != "" {
				t.Errorf("ends with %d, prints %q and says %q, not %q", o.status, o.out, o.err, c.says)
			}
		})
	}
	for _, x := range []string{passed.ID, refused.ID, own.ID} {
		if got := state(x); !slices.Equal(got, []string{"waiting "}) {
			t.Errorf("what was refused did something: %s is %v", x, got)
		}
	}

	// As long as there is an officer, it is hers.
	officer := s.id("admin", "staff", "add", "--name", "Olga", "--email", "olga@counter.example", "--role", "privacy")
	for _, verb := range []string{"pass", "refuse"} {
		if o := s.run("admin", "export", verb, passed.ID); o.status != 1 || !strings.Contains(o.err, "somebody else in the house can decide, on its page in the console") {
			t.Errorf("%s with an officer in the house: %+v", verb, o)
		}
	}
	s.admin("staff", "end", officer)

	shows(t, s.object("export", "pass", passed.ID), map[string]any{"id": passed.ID, "state": "making", "decided_by": "system"})
	shows(t, s.object("export", "refuse", refused.ID), map[string]any{"id": refused.ID, "state": "refused", "decided_by": "system"})
	for _, id := range []string{passed.ID, refused.ID} {
		for _, verb := range []string{"pass", "refuse"} {
			if o := s.run("admin", "export", verb, id); o.status != 1 || !strings.Contains(o.err, "state: cannot change any more") {
				t.Errorf("%s of what was decided: %+v", verb, o)
			}
		}
	}
	must(t, h.DB.Read(t.Context(), func(tx *db.Tx) error {
		lines, err := audit.Forward(tx, audit.Filter{Actions: []string{"export.passed", "export.refused"}})
		var got []string
		for _, l := range lines {
			got = append(got, l.Actor+" "+l.Action+" "+l.Object+" of "+l.Detail)
		}
		if want := []string{"system export.passed " + passed.ID + " of " + boss, "system export.refused " + refused.ID + " of " + boss}; !slices.Equal(got, want) {
			t.Errorf("on record are %v, not %v", got, want)
		}
		return err
	}))
	s.must("audit", "verify")
}
