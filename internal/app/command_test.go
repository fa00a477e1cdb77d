package app

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"dingdong/internal/channel/line/linefake"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
)

// outcome is what a command came to.
type outcome struct {
	status   int
	out, err string
}

// shell runs commands on one data folder.
type shell struct {
	t    *testing.T
	data string
}

func (s shell) run(args ...string) outcome { return s.runWith("", args...) }

func (s shell) runWith(in string, args ...string) outcome {
	s.t.Helper()
	var out, err bytes.Buffer
	args = append(args, "--data", s.data)
	status := Main(s.t.Context(), args, Streams{In: strings.NewReader(in), Out: &out, Err: &err})
	return outcome{status, out.String(), err.String()}
}

// must runs a command that has to succeed and returns what it printed.
func (s shell) must(args ...string) string {
	s.t.Helper()
	o := s.run(args...)
	if o.status != 0 || o.err != "" {
		s.t.Fatalf("%q ends with %d:\n%s%s", args, o.status, o.out, o.err)
	}
	return o.out
}

// id is the first word of what a command printed.
func (s shell) id(args ...string) string {
	s.t.Helper()
	id, _, _ := strings.Cut(strings.TrimSpace(s.must(args...)), "\t")
	return id
}

func TestAHouseIsFurnishedFromTheCommandLine(t *testing.T) {
	platform := newPlatform(t, linefake.Options{})
	s := shell{t, filepath.Join(dbtest.Folder(t), "house")} // is made
	store := s.id("admin", "store", "add", "--name", "Xinyi")
	brand := s.id("admin", "brand", "add", "--name", "Rosée")
	counter := s.id("admin", "counter", "add", "--store", store, "--brand", "Rosée")
	person := s.id("admin", "staff", "add", "--name", "Mei", "--email", advisorEmail, "--counter", counter)
	for id, prefix := range map[string]string{store: "sto_", brand: "brd_", counter: "cnt_", person: "stf_"} {
		if !strings.HasPrefix(id, prefix) {
			t.Errorf("the id %q does not begin with %s", id, prefix)
		}
	}
	if got := s.must("admin", "counter", "list"); got != counter+"\topen\tXinyi\tRosée\tRosée Xinyi\n" {
		t.Errorf("counters: %q", got)
	}
	if o := s.runWith(advisorPassword+"\n", "admin", "staff", "password", advisorEmail); o.status != 0 {
		t.Fatalf("password: %+v", o)
	}
	base := platformURL(platform)
	line := s.must("admin", "account", "add", "line", "--name", "LINE", "--channel-secret", lineSecret, "--access-token", lineToken,
		"--api-base", base, "--data-base", base)
	found := regexp.MustCompile(`^(acc_[a-z0-9]{26})\t(/in/acc_[a-z0-9]{26})\n$`).FindStringSubmatch(line)
	if found == nil || found[2] != "/in/"+found[1] {
		t.Fatalf("the account is told as %q", line)
	}
	token := strings.TrimSpace(s.must("admin", "token", "add", "--name", "echo", "--scope", "messages:read,messages:write", "--scope", "threads:read"))
	if strings.ContainsAny(token, " \t\n") || len(token) < 20 {
		t.Errorf("the token is told as %q", token)
	}

	// And it serves.
	h := newHouseWith(t, plan{dir: s.data, unsown: true, phone: platform})
	platform.SetWebhook(h.url+found[2], true)
	mei := h.signIn()
	platform.Befriend("U1")
	platform.Text("U1", "hello")
	eventually(t, func() string {
		if h.count("message") != 1 {
			return "nothing has come"
		}
		return ""
	})
	mei.say(h.text(`SELECT id FROM thread`), "k", "good morning")
	eventually(t, func() string {
		if len(platform.Sent("U1")) != 1 {
			return "nothing has gone out"
		}
		return ""
	})
	req, err := http.NewRequest(http.MethodGet, h.url+"/api/v1/threads", nil)
	must(t, err)
	req.Header.Set("Authorization", "Bearer "+token)
	if a, err := do(http.DefaultClient, req); err != nil || a.status != http.StatusOK {
		t.Errorf("the API answers %d, %v: %s", a.status, err, a.body)
	}
	// While it serves, the command line goes on working, and the house notices.
	s.must("admin", "account", "close", found[1])
	eventually(t, func() string {
		if a := h.knockAt(found[2]); a.status != http.StatusNotFound {
			return fmt.Sprint("the closed account answers ", a.status)
		}
		return ""
	})
	s.must("admin", "staff", "end", person)
	if a := mei.get("/inbox"); a.status == http.StatusOK {
		t.Error("who left still sees the inbox")
	}
	s.must("check")
	s.must("audit", "verify")
}

// knockAt posts an empty, well signed webhook.
func (h *home) knockAt(path string) answer {
	h.t.Helper()
	body := linefake.Body("U1")
	req, err := http.NewRequest(http.MethodPost, h.url+path, bytes.NewReader(body))
	must(h.t, err)
	req.Header.Set("X-Line-Signature", linefake.Sign(lineSecret, body))
	a, err := do(http.DefaultClient, req)
	must(h.t, err)
	return a
}

func TestCommandsInJSON(t *testing.T) {
	s := shell{t, dbtest.Folder(t)}
	s.must("admin", "store", "add", "--name", "Xinyi")
	s.must("admin", "brand", "add", "--name", "Rosée")
	counter := s.id("admin", "counter", "add", "--store", "Xinyi", "--brand", "Rosée", "--name", "Ground floor")
	for name, c := range map[string]struct {
		args []string
		want map[string]string // "*": anything that is there
	}{
		"a store": {[]string{"store", "add", "--name", "Banqiao"}, map[string]string{"id": "*", "name": "Banqiao"}},
		"counters": {[]string{"counter", "list"}, map[string]string{"id": counter, "state": "open", "store": "Xinyi", "brand": "Rosée", "name": "Ground floor",
			"store_id": "*", "brand_id": "*", "timezone": "Asia/Taipei", "stand_in": ""}},
		"an account": {[]string{"account", "add", "webchat", "--name", "Shop", "--origin", "https://shop.example"}, map[string]string{"id": "*", "path": "*", "channel": "webchat", "name": "Shop"}},
		"a token":    {[]string{"token", "add", "--name", "echo", "--scope", "events:read"}, map[string]string{"id": "*", "name": "echo", "token": "*"}},
		"a person":   {[]string{"staff", "add", "--name", "Mei", "--email", "MEI@Counter.example", "--role", "manager"}, map[string]string{"id": "*", "name": "Mei"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got map[string]string
			out := s.must(append([]string{"admin", "--json"}, c.args...)...)
			if err := json.Unmarshal([]byte(out), &got); err != nil {
				t.Fatalf("%v: %q", err, out)
			}
			for k, want := range c.want {
				if got[k] != want && (want != "*" || got[k] == "") {
					t.Errorf("%s is %q, not %q", k, got[k], want)
				}
			}
			if len(got) != len(c.want) {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestCommandsThatCannotBe(t *testing.T) {
	s := shell{t, dbtest.Folder(t)}
	s.must("admin", "store", "add", "--name", "Xinyi")
	s.must("admin", "brand", "add", "--name", "Rosée")
	s.must("admin", "brand", "add", "--name", "Lumi")
	s.must("admin", "counter", "add", "--store", "Xinyi", "--brand", "Rosée")
	s.must("admin", "counter", "add", "--store", "Xinyi", "--brand", "Lumi")
	s.must("admin", "staff", "add", "--name", "Mei", "--email", advisorEmail)
	nothing := filepath.Join(t.TempDir(), "nothing")
	for name, c := range map[string]struct {
		args   []string
		in     string
		status int
		says   string
	}{
		"no command":                     {args: []string{}, status: 2, says: "serve"},
		"an unknown command":             {args: []string{"frobnicate"}, status: 2, says: "frobnicate"},
		"an unknown flag":                {args: []string{"serve", "--frobnicate"}, status: 2, says: "--frobnicate"},
		"an unknown log level":           {args: []string{"version", "--log-level", "loud"}, status: 2, says: "log-level"},
		"a store without a name":         {args: []string{"admin", "store", "add"}, status: 2, says: "--name"},
		"a name that is taken":           {args: []string{"admin", "store", "add", "--name", "Xinyi"}, status: 1, says: "taken"},
		"a name of spaces":               {args: []string{"admin", "store", "add", "--name", "  "}, status: 1, says: "name"},
		"a time zone that is none":       {args: []string{"admin", "store", "add", "--name", "Y", "--timezone", "Mars/Base"}, status: 1, says: "timezone"},
		"a counter in no store":          {args: []string{"admin", "counter", "add", "--store", "nowhere", "--brand", "Rosée"}, status: 1, says: "store"},
		"a role that is none":            {args: []string{"admin", "staff", "add", "--name", "A", "--email", "a@b.example", "--role", "queen"}, status: 2, says: "role"},
		"an e-mail that is none":         {args: []string{"admin", "staff", "add", "--name", "A", "--email", "nobody"}, status: 1, says: "email"},
		"an e-mail that is taken":        {args: []string{"admin", "staff", "add", "--name", "A", "--email", strings.ToUpper(advisorEmail)}, status: 1, says: "email"},
		"a counter nobody knows":         {args: []string{"admin", "staff", "add", "--name", "A", "--email", "a@b.example", "--counter", "nowhere"}, status: 1, says: "nowhere"},
		"a password that is too short":   {args: []string{"admin", "staff", "password", advisorEmail}, in: "short\n", status: 1, says: "password"},
		"no password":                    {args: []string{"admin", "staff", "password", advisorEmail}, status: 1, says: "standard input"},
		"a password for nobody":          {args: []string{"admin", "staff", "password", "nobody@x.example"}, in: advisorPassword, status: 1, says: "nobody@x.example"},
		"an account of which counter":    {args: []string{"admin", "account", "add", "line", "--name", "L", "--channel-secret", "s", "--access-token", "t"}, status: 1, says: "2 counters"},
		"an account without a secret":    {args: []string{"admin", "account", "add", "line", "--name", "L", "--access-token", "t"}, status: 2, says: "--channel-secret"},
		"an account with a mad base":     {args: []string{"admin", "account", "add", "line", "--counter", "Rosée Xinyi", "--name", "L", "--channel-secret", "s", "--access-token", "t", "--api-base", "gopher://x"}, status: 1, says: "--api-base: not an address"},
		"an account that is not there":   {args: []string{"admin", "account", "close", "acc_nothing"}, status: 1, says: "not found"},
		"checking one that is not there": {args: []string{"admin", "account", "check", "acc_nothing"}, status: 1, says: "not found"},
		"a scope that is none":           {args: []string{"admin", "token", "add", "--name", "T", "--scope", "everything"}, status: 1, says: "--scope: not one of threads:read"},
		"ending no token":                {args: []string{"admin", "token", "end", "tok_nothing"}, status: 1, says: "not found"},
		"ending nobody":                  {args: []string{"admin", "staff", "end", "stf_nothing"}, status: 1, says: "not found"},
		"a database of another make":     {args: []string{"check", "--db", "mysql://x"}, status: 1, says: "postgres://"},
		"a public address that is none":  {args: []string{"serve", "--public-url", "counter.example"}, status: 1, says: "public-url"},
		"too many senders":               {args: []string{"serve", "--senders", "1000000"}, status: 1, says: "senders"},
		"a time zone of no place":        {args: []string{"serve", "--listen", "127.0.0.1:0", "--metrics", "off", "--default-timezone", "Mars/Base"}, status: 1, says: "time zone"},
		"restoring over a house":         {args: []string{"restore", "/nowhere"}, status: 1, says: "holds a database already"},
		"restoring into PostgreSQL":      {args: []string{"restore", "/nowhere", "--db", "postgres://x"}, status: 1, says: "dingdong copy"},
		"copying to nowhere":             {args: []string{"copy", "--to", "sqlite:" + nothing + "/x.db"}, status: 1, says: nothing},
		"copying to itself":              {args: []string{"copy", "--to", "sqlite:" + filepath.Join(s.data, "dingdong.db")}, status: 1, says: "already"},
		"a backup into no folder":        {args: []string{"backup", nothing + "/b.tar"}, status: 1, says: nothing},
	} {
		t.Run(name, func(t *testing.T) {
			o := shell{t, s.data}.runWith(c.in, c.args...)
			if o.status != c.status || !strings.Contains(o.err, c.says) {
				t.Errorf("ends with %d, not %d, and says %q instead of %q", o.status, c.status, o.err, c.says)
			}
			if o.out != "" {
				t.Errorf("the fault is told on standard output: %q", o.out)
			}
			if strings.Contains(o.err, "goroutine") || strings.Contains(o.err, "0x") {
				t.Errorf("no words for a person: %q", o.err)
			}
		})
	}
}

// TestLookingMakesNothing: a mistyped folder must not become an empty house that
// is then found sound, or backed up.
func TestLookingMakesNothing(t *testing.T) {
	for _, args := range [][]string{{"check"}, {"audit", "verify"}, {"backup", filepath.Join(t.TempDir(), "b.tar")}, {"copy", "--to", "sqlite:" + filepath.Join(t.TempDir(), "x.db")}} {
		t.Run(args[0], func(t *testing.T) {
			s := shell{t, filepath.Join(t.TempDir(), "mistyped")}
			o := s.run(args...)
			if o.status != 1 || !strings.Contains(o.err, "no database") {
				t.Errorf("ends with %d: %s%s", o.status, o.out, o.err)
			}
			if _, err := os.Stat(s.data); err == nil {
				t.Error("it made a house")
			}
		})
	}
}

func TestSmallCommands(t *testing.T) {
	s := shell{t, dbtest.Folder(t)}
	if got := s.must("version"); !strings.HasPrefix(got, "dingdong ") {
		t.Errorf("version: %q", got)
	}
	if got := s.must("--help"); !strings.Contains(got, "DINGDONG_LISTEN") || !strings.Contains(got, "backup") {
		t.Errorf("help tells too little:\n%s", got)
	}
	for range 2 {
		if got := s.must("migrate"); got != "database is up to date\n" {
			t.Errorf("migrate: %q", got)
		}
	}
	t.Setenv("DINGDONG_DATA", t.TempDir())
	var out bytes.Buffer
	if status := Main(t.Context(), []string{"admin", "store", "list"}, Streams{In: strings.NewReader(""), Out: &out, Err: &out}); status != 0 || out.Len() > 0 {
		t.Errorf("in the folder of the environment: %d, %q", status, &out)
	}
	if _, err := os.Stat(filepath.Join(os.Getenv("DINGDONG_DATA"), "dingdong.db")); err != nil {
		t.Errorf("the environment was not heard: %v", err)
	}
}

func TestServeIsStoppedAndStartsAgain(t *testing.T) {
	s := shell{t, dbtest.Folder(t)}
	address := freeAddress(t)
	for range 2 {
		ctx, cancel := context.WithCancel(t.Context())
		ended, log := make(chan int, 1), &record{}
		go func() {
			ended <- Main(ctx, []string{"serve", "--data", s.data, "--listen", address, "--metrics", "off", "--log-format", "json"},
				Streams{In: strings.NewReader(""), Out: log, Err: log})
		}()
		eventually(t, func() string {
			res, err := http.Get("http://" + address + "/readyz")
			if err != nil {
				return err.Error()
			}
			defer res.Body.Close()
			return map[bool]string{false: res.Status}[res.StatusCode == http.StatusOK]
		})
		occupied := s.run("serve", "--listen", address, "--metrics", "off")
		if occupied.status != 1 || !strings.Contains(occupied.err, "address already in use") {
			t.Errorf("a second house on the address ends with %d: %s", occupied.status, occupied.err)
		}
		cancel()
		if status := <-ended; status != 0 {
			t.Errorf("serve ends with %d:\n%s", status, log)
		}
		for line := range strings.Lines(log.String()) {
			if !json.Valid([]byte(line)) {
				t.Errorf("a line of the log is no JSON: %q", line)
			}
		}
	}
}

func TestADatabaseOfANewerProgramIsRefused(t *testing.T) {
	s := shell{t, dbtest.Folder(t)}
	s.must("migrate")
	d, err := db.Open(t.Context(), "sqlite:"+filepath.Join(s.data, "dingdong.db"), db.Options{})
	must(t, err)
	must(t, d.Write(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(`INSERT INTO migration (name, at) VALUES ('209901010000_tomorrow.sql', 0)`)
		return err
	}))
	must(t, d.Close())
	for _, args := range [][]string{{"serve", "--listen", "127.0.0.1:0", "--metrics", "off"}, {"check"}, {"admin", "store", "list"}} {
		if o := s.run(args...); o.status != 1 || !strings.Contains(o.err, "newer") {
			t.Errorf("%q ends with %d: %s", args, o.status, o.err)
		}
	}
}

func TestCheckFindsWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct{ harm, says string }{
		"a tampered audit log":    {`UPDATE audit SET actor = 'somebody else' WHERE seq = 2`, "broken at 2"},
		"a removed entry":         {`DELETE FROM audit WHERE seq = 2`, "broken at"},
		"a draft of no thread":    {`INSERT INTO draft (thread_id, staff_id, body, updated_at) VALUES ('thr_x', 'stf_x', X'00', 0)`, "drafts without thread"},
		"a thread of nobody":      {`INSERT INTO thread (id, customer_id, counter_id, identity_id, account_id, last_at, created_at) VALUES ('thr_x', 'x', 'x', 'x', 'x', 0, 0)`, "threads without customer"},
		"a key of nobody":         {`INSERT INTO vault_key (customer_id, sealed, created_at) VALUES ('cus_x', X'00', 0)`, "keys without customer"},
		"a stranded message":      {`INSERT INTO message (id, thread_id, customer_id, account_id, identity_id, author, type, at, arrived_at, status) VALUES ('msg_x', 't', 'c', 'a', 'i', 'staff', 'text', 0, 0, 'queued')`, "queued messages without a job"},
		"a picture that is gone":  {`INSERT INTO message (id, thread_id, customer_id, account_id, identity_id, author, type, at, arrived_at, status, blob) VALUES ('msg_x', 't', 'c', 'a', 'i', 'customer', 'image', 0, 0, 'received', 'm/msg_x')`, "media are missing"},
		"a customer without keys": {`INSERT INTO customer (id, kind, created_at) VALUES ('cus_x', 'person', 0)`, "customers without key"},
	} {
		t.Run(name, func(t *testing.T) {
			s := shell{t, dbtest.Folder(t)}
			for _, store := range []string{"A", "B", "C"} {
				s.must("admin", "store", "add", "--name", store)
			}
			s.must("check")
			d, err := db.Open(t.Context(), "sqlite:"+filepath.Join(s.data, "dingdong.db"), db.Options{})
			must(t, err)
			must(t, d.Write(t.Context(), func(tx *db.Tx) error { _, err := tx.Exec(c.harm); return err }))
			must(t, d.Close())
			o := s.run("check")
			if o.status != 1 || !strings.Contains(o.out+o.err, c.says) {
				t.Errorf("check ends with %d and does not say %q:\n%s%s", o.status, c.says, o.out, o.err)
			}
		})
	}
}

func TestAccountCheckSaysWhatIsWrong(t *testing.T) {
	h := newHouse(t)
	s := shell{t, h.dir}
	if o := s.run("admin", "account", "check", h.account.ID, "--public-url", h.url); o.status != 0 || !strings.Contains(o.out, "ok\t") || strings.Contains(o.out, "wrong\t") {
		t.Errorf("a sound account: %+v", o)
	}
	h.phone.SetWebhook("http://127.0.0.1:1/elsewhere", true)
	if o := s.run("admin", "account", "check", h.account.ID, "--public-url", h.url); o.status != 1 || !strings.Contains(o.out, "wrong\t") {
		t.Errorf("a webhook that leads elsewhere: %+v", o)
	}
}

func TestRestoreTrustsNoArchive(t *testing.T) {
	dir := t.TempDir()
	type entry struct {
		name, content string
		kind          byte
	}
	write := func(name string, entries ...entry) string {
		var out bytes.Buffer
		w := tar.NewWriter(&out)
		for _, e := range entries {
			h := &tar.Header{Name: e.name, Mode: 0o600, Size: int64(len(e.content)), Typeflag: tar.TypeReg}
			if e.kind != 0 {
				h.Typeflag, h.Linkname, h.Size = e.kind, e.content, 0
				e.content = ""
			}
			must(t, w.WriteHeader(h))
			_, err := w.Write([]byte(e.content))
			must(t, err)
		}
		must(t, w.Close())
		file := filepath.Join(dir, name+".tar")
		must(t, os.WriteFile(file, out.Bytes(), 0o600))
		return file
	}
	must(t, os.WriteFile(filepath.Join(dir, "text.tar"), []byte(strings.Repeat("no archive ", 200)), 0o600))
	for name, file := range map[string]string{
		"no archive":              filepath.Join(dir, "text.tar"),
		"nothing in it":           write("empty"),
		"no database in it":       write("nodb", entry{name: "blobs/m/x", content: "x"}),
		"a name that leads out":   write("out", entry{name: "../evil", content: "x"}),
		"a blob that leads out":   write("blobout", entry{name: "blobs/../../evil", content: "x"}),
		"a list of erasures":      write("list", entry{name: "blobs/m/x", content: "x"}, entry{name: "blobs/../erasures.jsonl", content: ""}, entry{name: "dingdong.db", content: "x"}),
		"an absolute name":        write("absolute", entry{name: "/evil", content: "x"}),
		"a link to somewhere":     write("link", entry{name: "blobs/m", content: "/etc", kind: tar.TypeSymlink}),
		"something it is not for": write("more", entry{name: "dingdong.db", content: "x"}, entry{name: "authorized_keys", content: "x"}),
		"the same name twice":     write("twice", entry{name: "dingdong.db", content: "x"}, entry{name: "dingdong.db", content: "y"}),
	} {
		t.Run(name, func(t *testing.T) {
			parent := t.TempDir()
			s := shell{t, filepath.Join(parent, "one", "house")}
			if o := s.run("restore", file); o.status != 1 || !strings.Contains(o.err, "restore") {
				t.Errorf("ends with %d: %s%s", o.status, o.out, o.err)
			}
			for name := range files(t, parent) {
				if filepath.Base(name) == "dingdong.db" || filepath.Base(name) == erasureList || strings.Contains(name, "evil") || strings.Contains(name, "authorized_keys") {
					t.Errorf("it wrote %s", name)
				}
			}
		})
	}
}

// TestRestoreMindsWhatIsLeft: whoever removed only the database file would have
// the log beside it played into the restored one.
func TestRestoreMindsWhatIsLeft(t *testing.T) {
	s := shell{t, dbtest.Folder(t)}
	s.must("admin", "store", "add", "--name", "Xinyi")
	file := filepath.Join(t.TempDir(), "b.tar")
	s.must("backup", file)
	for _, left := range []string{"dingdong.db", "dingdong.db-wal", "dingdong.db-shm"} {
		other := shell{t, dbtest.Folder(t)}
		must(t, os.WriteFile(filepath.Join(other.data, left), []byte("old"), 0o600))
		if o := other.run("restore", file); o.status != 1 || !strings.Contains(o.err, left) {
			t.Errorf("beside %s it ends with %d: %s%s", left, o.status, o.out, o.err)
		}
		if got, err := os.ReadFile(filepath.Join(other.data, left)); err != nil || string(got) != "old" {
			t.Errorf("it touched %s", left)
		}
	}
}
