package app

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/staff"
)

// object is the one JSON object that a command prints.
func (s shell) object(args ...string) map[string]any {
	s.t.Helper()
	all := s.objects(args...)
	if len(all) != 1 {
		s.t.Fatalf("%q prints %d lines", args, len(all))
	}
	return all[0]
}

// objects are what a command prints with --json; each begins with its id.
func (s shell) objects(args ...string) (all []map[string]any) {
	s.t.Helper()
	for line := range strings.Lines(s.must(append([]string{"admin", "--json"}, args...)...)) {
		if !strings.HasPrefix(line, `{"id":"`) {
			s.t.Fatalf("%q prints %q", args, line)
		}
		var o map[string]any
		must(s.t, json.Unmarshal([]byte(line), &o))
		all = append(all, o)
	}
	return all
}

// admin runs an admin command that has to succeed.
func (s shell) admin(args ...string) string {
	s.t.Helper()
	return s.must(append([]string{"admin"}, args...)...)
}

// shows compares some of what was told.
func shows(t *testing.T, got map[string]any, want map[string]any) {
	t.Helper()
	for k, v := range want {
		if fmt.Sprint(got[k]) != fmt.Sprint(v) {
			t.Errorf("%s is %v, not %v", k, got[k], v)
		}
	}
}

func TestPlacesFromTheCommandLine(t *testing.T) {
	s := shell{t, dbtest.Folder(t)}
	store := s.id("admin", "store", "add", "--name", "Xinyi")
	brand := s.id("admin", "brand", "add", "--name", "Rosée")
	counter := s.id("admin", "counter", "add", "--store", "Xinyi", "--brand", brand)
	s.admin("store", "edit", "Xinyi", "--timezone", "Asia/Tokyo")
	s.admin("store", "edit", store, "--name", "Xinyi A8")
	shows(t, s.object("store", "list"), map[string]any{"id": store, "name": "Xinyi A8", "timezone": "Asia/Tokyo", "state": "open", "closed_at": nil})
	s.admin("brand", "edit", "Rosée", "--name", "Rosée & Co")
	shows(t, s.object("brand", "list"), map[string]any{"id": brand, "name": "Rosée & Co"})
	s.admin("counter", "edit", "Rosée Xinyi", "--name", "Ground floor")
	if o := s.run("admin", "store", "close", "Xinyi A8"); o.status != 1 || o.err != "dingdong: store: close its counters first\n" {
		t.Errorf("closing a store with a counter: %+v", o)
	}
	for _, noun := range []string{"counter", "store", "brand"} {
		key := map[string]string{"counter": "Ground floor", "store": store, "brand": "Rosée & Co"}[noun]
		s.admin(noun, "close", key)
		shows(t, s.object(noun, "list"), map[string]any{"state": "closed"})
	}
	if o := s.run("admin", "counter", "reopen", counter); o.status != 1 || o.err != "dingdong: store: closed; reopen it first\n" {
		t.Errorf("reopening a counter of a closed store: %+v", o)
	}
	for _, noun := range []string{"store", "brand", "counter"} {
		s.admin(noun, "reopen", map[string]string{"counter": counter, "store": store, "brand": brand}[noun])
	}
	shows(t, s.object("counter", "list"), map[string]any{"id": counter, "name": "Ground floor", "state": "open", "store": "Xinyi A8", "timezone": "Asia/Tokyo"})
}

func TestStaffFromTheCommandLine(t *testing.T) {
	h := newHouse(t)
	s := shell{t, h.dir}
	mei := h.signIn()
	store := h.text(`SELECT id FROM store`)
	s.admin("staff", "edit", advisorEmail, "--role", "manager", "--store", "Xinyi")
	shows(t, s.object("staff", "list"), map[string]any{"id": h.advisor, "name": "Mei", "email": advisorEmail, "role": "manager", "state": "active",
		"counters": []any{h.counter}, "stores": []any{store}, "has_password": true})
	s.admin("staff", "edit", h.advisor, "--name", "Mei Lin", "--no-counter", "--no-store", "--role", "advisor", "--language", "zh-TW")
	shows(t, s.object("staff", "list"), map[string]any{"name": "Mei Lin", "email": advisorEmail, "counters": []any{}, "stores": []any{}, "language": "zh-TW"})
	s.admin("staff", "edit", h.advisor, "--counter", "Rosée Xinyi", "--email", "lin@counter.example")
	shows(t, s.object("staff", "list"), map[string]any{"email": "lin@counter.example", "counters": []any{h.counter}})

	other := h.signInAs("lin@counter.example")
	sessions := s.objects("staff", "sessions", "list", "lin@counter.example")
	if len(sessions) != 2 {
		t.Fatalf("%d sessions", len(sessions))
	}
	s.admin("staff", "sessions", "end", h.advisor, sessions[0]["id"].(string)) // the newest comes first
	if a := other.get("/inbox"); a.status == http.StatusOK {
		t.Error("the session that was ended goes on")
	}
	if a := mei.get("/inbox"); a.status != http.StatusOK {
		t.Errorf("the other one answers %d", a.status)
	}
	s.admin("staff", "sessions", "end", h.advisor, "--all")
	if a := mei.get("/inbox"); a.status == http.StatusOK {
		t.Error("a session goes on after all were ended")
	}

	h.phone.Befriend("U1")
	h.phone.Text("U1", "hello")
	thread := h.thread("U1")
	h.write(func(tx *db.Tx) error {
		v, err := staff.ViewerByID(tx, h.advisor)
		if err != nil {
			return err
		}
		return h.Desk.Take(tx, v, thread)
	})
	s.admin("staff", "end", "lin@counter.example")
	if n := h.number(`SELECT COUNT(*) FROM thread WHERE assignee_id <> ''`); n != 0 {
		t.Error("her thread waits for somebody who is gone")
	}
	shows(t, s.object("staff", "list"), map[string]any{"state": "left", "has_password": false})
	s.admin("staff", "return", "lin@counter.example")
	shows(t, s.object("staff", "list"), map[string]any{"state": "active", "left_at": nil})
	for _, action := range []string{"staff_saved", "session_ended", "staff_ended", "staff_returned"} {
		if n := h.number(`SELECT COUNT(*) FROM audit WHERE actor = 'system' AND action = $1`, action); n == 0 {
			t.Errorf("%s is not in the audit", action)
		}
	}
}

// signInAs is signIn for an address that has changed.
func (h *home) signInAs(email string) *browser {
	h.t.Helper()
	b := newBrowser(h.t, h.url)
	if a := b.post("/sign-in", map[string][]string{"email": {email}, "password": {advisorPassword}}); a.status != http.StatusSeeOther {
		h.t.Fatalf("sign-in answered %d", a.status)
	}
	return b
}

func TestAccountsFromTheCommandLine(t *testing.T) {
	s := shell{t, dbtest.Folder(t)}
	h, err := openStores(&call{ctx: t.Context(), config: Config{Data: s.data}, log: silent()})
	must(t, err)
	defer h.close()
	id := s.id("admin", "account", "add", "line", "--name", "LINE", "--channel-secret", lineSecret, "--access-token", lineToken,
		"--api-base", "https://api.example", "--data-base", "https://data.example")
	now := func() (a conversation.Account) {
		t.Helper()
		must(t, h.DB.Read(t.Context(), func(tx *db.Tx) (err error) {
			a, err = h.Desk.AccountByID(tx, id)
			return err
		}))
		return a
	}
	for name, c := range map[string]struct {
		args []string
		env  map[string]string
		want func(*conversation.Account)
	}{
		"name":   {args: []string{"--name", "New name"}, want: func(a *conversation.Account) { a.Name = "New name" }},
		"secret": {args: []string{"--channel-secret", "another-secret"}, want: func(a *conversation.Account) { a.OldSecret, a.Secret = a.Secret, "another-secret" }},
		"token":  {args: []string{"--access-token", "another-token"}, want: func(a *conversation.Account) { a.Token = "another-token" }},
		"secrets, from env": {env: map[string]string{"DINGDONG_CHANNEL_SECRET": "environs-secret", "DINGDONG_ACCESS_TOKEN": "environs-token"}, want: func(a *conversation.Account) {
			a.OldSecret, a.Secret, a.Token = a.Secret, "environs-secret", "environs-token"
		}},
		"base":           {args: []string{"--api-base", "https://stand-in.example/"}, want: func(a *conversation.Account) { a.APIBase = "https://stand-in.example" }},
		"base, the real": {args: []string{"--data-base", ""}, want: func(a *conversation.Account) { a.DataBase = "" }},
	} {
		t.Run(name, func(t *testing.T) {
			for k, v := range c.env {
				t.Setenv(k, v)
			}
			want := now()
			c.want(&want)
			// The platform of this account is out of reach, which a command that enters a token says.
			if o := s.run(append([]string{"admin", "account", "edit", id}, c.args...)...); o.status != 0 {
				t.Fatal(o)
			}
			got := now()
			if (got.OldSecret == "") != got.OldSecretUntil.IsZero() {
				t.Errorf("an old secret counts until %v", got.OldSecretUntil)
			}
			want.OldSecretUntil = got.OldSecretUntil
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
	chat := s.id("admin", "account", "add", "webchat", "--name", "Shop", "--origin", "https://shop.example", "--greeting", "Hi")
	s.admin("account", "edit", chat, "--greeting", "", "--origin", "https://a.example,https://b.example")
	must(t, h.DB.Write(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(`UPDATE account SET quota_limit = 200, quota_used = 150, quota_at = $2, halted = 'over_quota', halted_until = $3 WHERE id = $1`,
			id, db.Micro(tx.Now), db.Micro(tx.Now)+3_600_000_000)
		return err
	}))
	list := map[string]map[string]any{}
	for _, a := range s.objects("account", "list") {
		list[a["id"].(string)] = a
	}
	shows(t, list[chat], map[string]any{"name": "Shop", "greeting": "", "origins": []any{"https://a.example", "https://b.example"}, "quota": "", "path": "/chat/" + chat, "state": "open"})
	shows(t, list[id], map[string]any{"channel": "line", "quota": "150/200", "quota_used": 150, "quota_limit": 200, "state": "halted", "halted": "over_quota", "api_base": "https://stand-in.example"})
	text := s.admin("account", "list")
	if !regexp.MustCompile(`(?m)^` + id + `\t/in/` + id + `\tline\thalted\t150/200\tNew name$`).MatchString(text) {
		t.Errorf("the list: %s", text)
	}
	if all := text + fmt.Sprint(list); strings.Contains(all, "-secret") || strings.Contains(all, "-token") {
		t.Error("the list tells secrets")
	}
	s.admin("account", "edit", chat, "--no-origin")
	s.admin("account", "close", chat)
	if n := len(s.objects("account", "list")); n != 1 {
		t.Errorf("%d accounts are left", n)
	}
	for name, args := range map[string][]string{
		"a secret for a web chat": {chat, "--access-token", "t"},
		"a greeting for LINE":     {id, "--greeting", "Hi"},
		"a counter that is none":  {id, "--counter", "nowhere"},
	} {
		if o := s.run(append([]string{"admin", "account", "edit"}, args...)...); o.status != 1 || !strings.Contains(o.err, "--") {
			t.Errorf("%s: %+v", name, o)
		}
	}
}

func TestSecretsComeFromTheEnvironment(t *testing.T) {
	s := shell{t, dbtest.Folder(t)}
	t.Setenv("DINGDONG_CHANNEL_SECRET", lineSecret)
	t.Setenv("DINGDONG_ACCESS_TOKEN", lineToken)
	if out := s.admin("account", "add", "line", "--name", "L"); !strings.HasPrefix(out, "acc_") {
		t.Errorf("it prints %q", out)
	}
}

func TestRepliesFromTheCommandLine(t *testing.T) {
	s := shell{t, dbtest.Folder(t)}
	s.admin("store", "add", "--name", "Xinyi")
	s.admin("brand", "add", "--name", "Rosée")
	counter := s.id("admin", "counter", "add", "--store", "Xinyi", "--brand", "Rosée")
	first := s.id("admin", "reply", "add", "--title", "Thanks", "--text", "Dear {customer},\nthank you!")
	second := s.id("admin", "reply", "add", "--title", "Hours", "--text", "11 to 22")
	list := s.objects("reply", "list")
	shows(t, list[0], map[string]any{"id": first, "counter": "", "position": 1, "title": "Thanks", "text": "Dear {customer},\nthank you!"})
	shows(t, list[1], map[string]any{"id": second, "position": 2})
	s.admin("reply", "edit", second, "--counter", "Rosée Xinyi", "--text", "11 to 21")
	s.admin("reply", "edit", first, "--title", "Thank you", "--position", "7")
	list = s.objects("reply", "list")
	shows(t, list[0], map[string]any{"id": second, "counter": counter, "position": 1, "title": "Hours", "text": "11 to 21"})
	shows(t, list[1], map[string]any{"id": first, "counter": "", "position": 7, "title": "Thank you"})
	if got := s.admin("reply", "list"); strings.Count(got, "\n") != 2 || strings.Contains(got, "Dear") {
		t.Errorf("the list: %q", got)
	}
	s.admin("reply", "delete", first)
	s.admin("reply", "edit", second, "--every-counter")
	shows(t, s.object("reply", "list"), map[string]any{"id": second, "counter": ""})
}
