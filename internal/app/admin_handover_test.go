package app

import (
	"strings"
	"testing"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
)

// furnished is a folder with one counter and two advisors.
func furnished(t *testing.T) shell {
	s := shell{t, dbtest.Folder(t)}
	s.admin("store", "add", "--name", "Xinyi")
	s.admin("brand", "add", "--name", "Rosée")
	counter := s.id("admin", "counter", "add", "--store", "Xinyi", "--brand", "Rosée")
	for _, name := range []string{"mei", "lan"} {
		s.admin("staff", "add", "--name", name, "--email", name+"@counter.example", "--role", "advisor", "--counter", counter)
	}
	return s
}

func TestHandoversFromTheCommandLine(t *testing.T) {
	s := furnished(t)
	day := time.Now().AddDate(0, 0, 9).Format(time.DateOnly)
	made := s.object("handover", "propose", "mei@counter.example", "--ends", day+"T18:00", "--by", "load")
	id, _ := made["id"].(string)
	shows(t, made, map[string]any{"state": "draft", "kind": "leaves", "name": "mei", "customers": 0, "ends": day + "T10:00:00Z"}) // the clock of Taipei
	shows(t, s.object("handover", "list"), map[string]any{"id": id, "state": "draft"})
	if preview := s.objects("handover", "preview", id); len(preview) != 1 || preview[0]["name"] != "lan" || len(s.objects("handover", "customers", id)) != 0 {
		t.Errorf("preview: %v", preview)
	}
	shows(t, s.object("handover", "begin", id), map[string]any{"state": "waiting"})
	shows(t, s.object("handover", "progress", id), map[string]any{"total": 0, "coming": 0})
	if text := s.admin("handover", "progress", id); !strings.Contains(text, "coming\t0") {
		t.Errorf("progress: %q", text)
	}
	s.admin("handover", "pause", id)
	s.admin("handover", "resume", id)
	shows(t, s.object("handover", "cancel", id), map[string]any{"state": "cancelling"})
	draft := s.object("handover", "propose", "lan@counter.example", "--kind", "away", "--ends", day+"T09:00:00+08:00")["id"].(string)
	s.admin("handover", "drop", draft)
	for args, says := range map[string]string{
		"handover|begin|hov_x":                                         `handover "hov_x": not found`,
		"handover|propose|nobody|--ends|" + day + "T10:00":             `staff "nobody": not found`,
		"handover|propose|lan@counter.example|--ends|soon":             "--ends: not a day and time",
		"handover|propose|lan@counter.example|--ends|2001-01-01T10:00": "--ends: over already",
		"handover|return|" + id:                                        "cannot change any more",
		"handover|propose|mei@counter.example|--ends|" + day + "T10:00|--begins|" + day + "T11:00|--kind|away": "",
	} {
		if o := s.run(append([]string{"admin"}, strings.Split(args, "|")...)...); o.status != 1 || !strings.Contains(o.err, says) {
			t.Errorf("%s: %+v", args, o)
		}
	}
}

// Single sign-on was all there was, and it broke: whoever has the machine lets passwords
// count again.
func TestPasswordsAreSwitchedOnAgain(t *testing.T) {
	s := furnished(t)
	shows(t, s.object("sign-in", "show"), map[string]any{"passwords": "on", "provider": "off"})
	if o := s.run("admin", "sign-in", "passwords", "off"); o.status != 1 || !strings.Contains(o.err, "no administrator could sign in") {
		t.Errorf("the last way in was closed: %+v", o)
	}
	if o := s.run("admin", "sign-in", "provider", "on"); o.status != 1 || !strings.Contains(o.err, "no provider") {
		t.Errorf("no provider: %+v", o)
	}
	h, err := openStores(&call{ctx: t.Context(), config: Config{Data: s.data}, log: silent()})
	must(t, err)
	must(t, h.DB.Write(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(`INSERT INTO setting (name, value) VALUES ('sign_in', '{"idle_hours":12,"max_days":30,"moves":"network","no_passwords":true}')
			ON CONFLICT (name) DO UPDATE SET value = excluded.value`)
		return err
	}))
	h.close()
	shows(t, s.object("sign-in", "show"), map[string]any{"passwords": "off"})
	shows(t, s.object("sign-in", "passwords", "on"), map[string]any{"passwords": "on"})
}
