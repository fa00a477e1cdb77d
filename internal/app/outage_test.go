package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"dingdong/internal/channel/line/linefake"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
)

func TestPostgresCrashesUnderLoad(t *testing.T) {
	server := dbtest.NewServer(t)
	platform := newPlatform(t, linefake.Options{AutoFriend: true, Latency: 2 * time.Millisecond})
	h := newHouseWith(t, plan{phone: platform, config: func(c *Config) { c.DB = server.URL() }})
	threads := h.greet()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	l := newLedger()
	at := scene{t: t, base: h.url, platform: platform, path: h.account.WebhookPath(), threads: threads}
	rest := l.load(ctx, at)
	body := linefake.Body("U1", linefake.TextEvent(linefake.Meta{User: person(1), At: h.DB.Now()}, "during the night"))
	for range 2 {
		l.work(ctx, at, 40, 8)
		server.Stop(t)
		if a := h.knock(body, linefake.Sign(lineSecret, body)); a.status < 500 {
			t.Errorf("without a database the door answers %d", a.status)
		}
		ready := newBrowser(t, h.url).get("/readyz")
		if ready.status != http.StatusServiceUnavailable {
			t.Errorf("without a database /readyz answers %d", ready.status)
		}
		if a := newBrowser(t, h.url).get("/healthz"); a.status != http.StatusOK {
			t.Errorf("without a database /healthz answers %d: the process lives", a.status)
		}
		server.Start(t)
		eventually(t, func() string {
			if a := newBrowser(t, h.url).get("/readyz"); a.status != http.StatusOK {
				return fmt.Sprint("the database is back, and /readyz answers ", a.status)
			}
			return ""
		})
	}
	l.work(ctx, at, 40, 8)
	rest()
	if ctx.Err() != nil {
		t.Fatal("the load did not come to its end")
	}
	for _, f := range l.faults {
		t.Error(f)
	}
	l.awaitPhones(t, platform)
	l.checkPhones(t, platform)
	l.checkHouse(t, h)
	l.tell(t)
}

// disk is one that can be filled to the brim and emptied again.
type disk struct {
	dir  string
	fill func(h *home)
	free func(h *home)
}

// smallDisk mounts one where it may; elsewhere the database is told how large it
// may grow, which is the same error by another way.
func smallDisk(t *testing.T) disk {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=24m"); err != nil {
		pages := func(limit int) func(h *home) {
			return func(h *home) {
				h.write(func(tx *db.Tx) error {
					_, err := tx.Exec(fmt.Sprintf("PRAGMA max_page_count = %d", limit))
					return err
				})
			}
		}
		return disk{dir: dir, fill: func(h *home) { pages(h.number("PRAGMA page_count") + 40)(h) }, free: pages(1 << 30)}
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	ballast := filepath.Join(dir, "ballast")
	return disk{dir: dir,
		fill: func(*home) {
			f, err := os.Create(ballast)
			must(t, err)
			defer f.Close()
			if _, err := io.Copy(f, zeros{}); !errors.Is(err, syscall.ENOSPC) {
				t.Fatalf("fill the disk: %v", err)
			}
		},
		free: func(*home) { must(t, os.Remove(ballast)) },
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestTheDiskIsFull(t *testing.T) {
	d := smallDisk(t)
	h := newHouseWith(t, plan{dir: d.dir})
	t.Cleanup(func() { must(t, h.stop()) }) // before the disk goes
	mei := h.signIn()
	h.phone.Befriend("U1")
	h.deliver(linefake.TextEvent(linefake.Meta{User: "U1", At: eventTime}, "before"))
	thread := h.thread("U1")
	mei.say(thread, "before", "answer before")
	mei.get("/inbox/" + thread) // puts on record that she looks: without room for that she is shown nothing
	h.quiet()
	d.fill(h)
	// It says that it is ready, on purpose: what is there can be read, and a node that is taken out makes no room.
	if a := newBrowser(t, h.url).get("/readyz"); a.status != http.StatusOK {
		t.Errorf("with a full disk /readyz answers %d", a.status)
	}

	kept, refused := 1, []byte(nil)
	for n := 0; refused == nil; n++ {
		var events []linefake.Event
		for k := range 50 {
			at := eventTime.Add(time.Duration(n*50+k+1) * time.Millisecond)
			events = append(events, linefake.TextEvent(linefake.Meta{User: "U1", At: at}, strings.Repeat("x", 1000)))
		}
		body := linefake.Body("U1", events...)
		switch a := h.knock(body, linefake.Sign(lineSecret, body)); {
		case a.status == http.StatusOK:
			kept += 50
		case a.status >= 500:
			refused = body
		default:
			t.Fatalf("on a full disk the door answers %d: the platform would not come again", a.status)
		}
		if n > 2000 {
			t.Fatal("the disk does not get full")
		}
	}
	t.Logf("%d messages found room", kept)
	if n := h.number(`SELECT COUNT(*) FROM message WHERE author = 'customer'`); n != kept {
		t.Errorf("%d messages are stored, %d were acknowledged", n, kept)
	}
	// What was there can be read; what is refused is told.
	if a := mei.get("/inbox/" + thread); a.status != http.StatusOK || !strings.Contains(a.body, "answer before") {
		t.Errorf("on a full disk her thread answers %d", a.status)
	}
	if a, err := mei.tryPost("/inbox/"+thread+"/messages", map[string][]string{"key": {"during"}, "text": {strings.Repeat("y", 4000)}}); err != nil || (a.status != http.StatusOK && a.status < 500) {
		t.Errorf("on a full disk an answer gets %d, %v", a.status, err)
	}
	if !strings.Contains(h.log.String(), "the disk of the database is full") {
		t.Error("the log does not say that the disk is full")
	}

	d.free(h)
	eventually(t, func() string {
		if a := h.knock(refused, linefake.Sign(lineSecret, refused)); a.status != http.StatusOK {
			return fmt.Sprintf("there is room again and the door answers %d", a.status)
		}
		return ""
	})
	if n := h.number(`SELECT COUNT(*) FROM message WHERE author = 'customer'`); n != kept+50 {
		t.Errorf("%d messages are stored, not %d", n, kept+50)
	}
	mei.say(thread, "during", strings.Repeat("y", 4000))
	mei.say(thread, "after", "answer after")
	eventually(t, func() string {
		sent := h.phone.Sent("U1")
		if len(sent) != 3 || sent[2].Text != "answer after" {
			return fmt.Sprintf("%d answers on her phone", len(sent))
		}
		return ""
	})
	h.quiet()
	must(t, h.DB.Integrity(t.Context()))
}
