package app

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dingdong/internal/channel/line/linefake"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
)

func TestWebhooksFromTheCommandLine(t *testing.T) {
	heard := make(chan string, 16)
	var ill atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ill.Load() {
			w.WriteHeader(http.StatusGone) // it is paused at once
			return
		}
		heard <- r.Header.Get("webhook-id")
	}))
	defer server.Close()
	listener := server.URL + "/hook"
	h := newHouseWith(t, plan{config: func(c *Config) { c.AllowLocal = true }})
	s := shell{t, h.dir}
	t.Setenv("DINGDONG_ALLOW_LOCAL", "true")
	made := s.object("webhook", "add", "--name", "Till", "--url", listener, "--kind", "message.received")
	id := made["id"].(string)
	renewed := s.object("webhook", "secret", id, "--overlap", "1h")
	if renewed["secret"] == made["secret"] || renewed["old_secret_until"] == nil || s.objects("webhook", "list")[0]["old_secret_until"] == nil {
		t.Errorf("renewed: %v", renewed)
	}
	s.admin("webhook", "secret", id, "--end-old")
	if o := s.run("admin", "webhook", "secret", id, "--end-old"); o.status != 1 {
		t.Errorf("ended twice: %+v", o)
	}
	if !strings.HasPrefix(made["secret"].(string), "whsec_") || strings.Contains(s.admin("webhook", "list")+s.admin("webhook", "list", "--json"), "whsec_") {
		t.Error("the secret is not shown exactly once")
	}
	next := func() string {
		t.Helper()
		select {
		case id := <-heard:
			return id
		case <-time.After(patience):
			t.Fatal("nothing is heard")
			return ""
		}
	}
	pause(t.Context(), 1100*time.Millisecond) // what another process changes is seen within a second
	h.phone.Befriend("U1")
	h.phone.Text("U1", "hello")
	delivery := next()
	eventually(t, func() string {
		if all := s.objects("webhook", "deliveries", id); len(all) != 1 || all[0]["state"] != "sent" {
			return fmt.Sprint("the log shows ", all)
		}
		return ""
	})
	d := s.object("webhook", "deliveries", id)
	shows(t, d, map[string]any{"kind": "message.received", "status": 200, "attempts": 1})
	s.admin("webhook", "retry", d["id"].(string))
	if again := next(); again != delivery {
		t.Errorf("it was sent again as %q, not %q", again, delivery)
	}
	s.admin("webhook", "pause", id)
	shows(t, s.object("webhook", "list"), map[string]any{"state": "paused", "kinds": []any{"message.received"}, "url": listener, "name": "Till"})
	s.admin("webhook", "resume", id)
	s.admin("webhook", "edit", id, "--name", "Tills", "--every-kind")
	shows(t, s.object("webhook", "list"), map[string]any{"state": "on", "kinds": []any{}, "url": listener, "name": "Tills"})
	ill.Store(true)
	pause(t.Context(), 1100*time.Millisecond)
	h.phone.Text("U1", "hello again")
	eventually(t, func() string {
		return map[bool]string{false: "it is not paused"}[s.object("webhook", "list")["state"] == "paused"]
	})
	s.admin("webhook", "end", id)
	if got := s.admin("webhook", "list"); got != "" {
		t.Errorf("after its end: %q", got)
	}
	if o := s.run("admin", "webhook", "deliveries", id); o.status != 1 || !strings.Contains(o.err, "not found") {
		t.Errorf("the log of an ended one: %+v", o)
	}
}

func TestFailedMessagesFromTheCommandLine(t *testing.T) {
	h := newHouse(t)
	s := shell{t, h.dir}
	mei := h.signIn()
	h.phone.Person("U1", "Chen Mei-Ling")
	h.phone.Befriend("U1")
	h.phone.Text("U1", "hello")
	thread := h.thread("U1")
	var ill atomic.Bool
	ill.Store(true)
	h.phone.Fail(func(r *http.Request) (f linefake.Fault) {
		if ill.Load() && strings.HasPrefix(r.URL.Path, "/v2/bot/message/") {
			f.Status, f.Message = http.StatusBadRequest, "not like this"
		}
		return f
	})
	mei.say(thread, "k", "a confidential answer")
	eventually(t, func() string {
		if h.number(`SELECT COUNT(*) FROM message WHERE status = 'failed'`) != 1 {
			return "it has not failed"
		}
		return ""
	})
	ill.Store(false)
	failed := s.object("failure", "list")
	shows(t, failed, map[string]any{"status": "failed", "account": h.account.ID, "reason": "rejected", "thread": thread})
	both := s.admin("failure", "list") + s.admin("failure", "list", "--json")
	for _, word := range []string{"confidential", "hello", "Chen", "U1"} {
		if strings.Contains(both, word) {
			t.Errorf("the list tells %q: %s", word, both)
		}
	}
	shows(t, s.object("failure", "resend", failed["id"].(string)), map[string]any{"id": failed["id"], "status": "queued"})
	eventually(t, func() string {
		if sent := h.phone.Sent("U1"); len(sent) != 1 || sent[0].Text != "a confidential answer" {
			return fmt.Sprint("her phone shows ", sent)
		}
		return ""
	})
	if got := s.admin("failure", "list"); got != "" {
		t.Errorf("still listed: %q", got)
	}
	if n := h.number(`SELECT COUNT(*) FROM audit WHERE actor = 'system' AND action = 'message.resend'`); n != 1 {
		t.Errorf("%d lines in the audit", n)
	}
}

func TestDeadJobsFromTheCommandLine(t *testing.T) {
	s := shell{t, dbtest.Folder(t)}
	s.must("migrate")
	d, err := db.Open(t.Context(), "sqlite:"+filepath.Join(s.data, "dingdong.db"), db.Options{})
	must(t, err)
	defer d.Close()
	must(t, d.Write(t.Context(), func(tx *db.Tx) error {
		for _, id := range []string{"job_a", "job_b", "job_c"} {
			if _, err := tx.Exec(`INSERT INTO job (id, kind, run_at, dead_at, attempt, error) VALUES ($1, 'fetch_media', 0, 1000000, 20, $2)`, id, "disk\x1b[2J\nfull"); err != nil {
				return err
			}
		}
		return nil
	}))
	if got := s.admin("job", "list"); !strings.Contains(got, "job_a\tfetch_media\t20\t1970-01-01T00:00:01Z\tdisk [2J full\n") || strings.Count(got, "\n") != 3 {
		t.Errorf("the list: %q", got)
	}
	if o := s.run("admin", "job", "retry", "job_a", "job_x"); o.status != 1 || !strings.Contains(o.err, `job "job_x": not found`) {
		t.Errorf("one of two is not there: %+v", o)
	}
	if n := len(s.objects("job", "list")); n != 3 {
		t.Errorf("half of it was done: %d are left", n)
	}
	s.admin("job", "retry", "job_a", "job_b")
	s.admin("job", "discard", "job_c")
	if got := s.admin("job", "list"); got != "" {
		t.Errorf("still listed: %q", got)
	}
	var open, noted int
	must(t, d.Read(t.Context(), func(tx *db.Tx) error {
		return tx.QueryRow(`SELECT (SELECT COUNT(*) FROM job WHERE dead_at IS NULL), (SELECT COUNT(*) FROM audit WHERE action IN ('job.retry', 'job.discard'))`).Scan(&open, &noted)
	}))
	if open != 2 || noted != 3 {
		t.Errorf("%d jobs are open, %d lines are in the audit", open, noted)
	}
}

// TestCommandsBesideARunningHouse: the house writes without a pause while
// several commands write into the same file, and none of them is turned away.
func TestCommandsBesideARunningHouse(t *testing.T) {
	h := newHouse(t)
	stop, written := make(chan struct{}), make(chan int)
	go func() {
		n := 0
		defer func() { written <- n }()
		for {
			select {
			case <-stop:
				return
			default:
			}
			event := linefake.TextEvent(linefake.Meta{User: person(1), At: eventTime.Add(time.Duration(n) * time.Second)}, fmt.Sprint("line ", n))
			body := linefake.Body("U1", event)
			req, err := http.NewRequest(http.MethodPost, h.url+h.account.WebhookPath(), bytes.NewReader(body))
			if err != nil {
				t.Error(err)
				return
			}
			req.Header.Set("X-Line-Signature", linefake.Sign(lineSecret, body))
			if a, err := do(http.DefaultClient, req); err != nil || a.status != http.StatusOK {
				t.Errorf("the door answers %d, %v", a.status, err)
				return
			}
			n++
		}
	}()
	var all sync.WaitGroup
	for worker := range 3 {
		all.Go(func() {
			s := shell{t, h.dir}
			for n := range 5 {
				name := fmt.Sprintf("store %d of %d", n, worker)
				for _, args := range [][]string{{"store", "add", "--name", name}, {"store", "edit", name, "--timezone", "Asia/Tokyo"}, {"store", "list"}} {
					if o := s.run(append([]string{"admin"}, args...)...); o.status != 0 {
						t.Errorf("%q ends with %d: %s", args, o.status, o.err)
					}
				}
			}
		})
	}
	all.Wait()
	close(stop)
	lines := <-written
	if n := h.number(`SELECT COUNT(*) FROM message WHERE author = 'customer' AND type = 'text'`); n != lines || n == 0 {
		t.Errorf("%d of %d lines are stored", n, lines)
	}
	if n := h.number(`SELECT COUNT(*) FROM store WHERE timezone = 'Asia/Tokyo'`); n != 15 {
		t.Errorf("%d stores", n)
	}
	shell{t, h.dir}.must("audit", "verify")
}
