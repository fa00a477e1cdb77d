package app

import (
	"bytes"
	"context"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"dingdong/internal/channel/line/linefake"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// The kill test: a house in a process of its own, killed ten times under load.
const kills = 10

// program is the house as a child process.
type program struct {
	t      *testing.T
	binary string
	dir    string
	listen string
	log    *record
	cmd    *exec.Cmd
	ended  chan error
}

// build makes the binary once.
func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "dingdong")
	cmd := exec.Command("go", "build", "-o", binary, "dingdong/cmd/dingdong")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return binary
}

// freeAddress is an address that was free a moment ago.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().String()
}

func (p *program) start() {
	p.t.Helper()
	p.cmd = exec.Command(p.binary, "serve", "--data", p.dir, "--listen", p.listen, "--metrics", "off", "--log-level", "warn")
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	must(p.t, p.cmd.Start())
	cmd, ended := p.cmd, make(chan error, 1)
	p.ended = ended
	go func() { ended <- cmd.Wait() }()
	eventually(p.t, func() string {
		select {
		case err := <-ended:
			p.t.Fatalf("the house ended at its start: %v\n%s", err, p.log)
		default:
		}
		res, err := http.Get("http://" + p.listen + "/readyz")
		if err != nil {
			return err.Error()
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return res.Status
		}
		return ""
	})
}

// kill gives it no chance to say goodbye.
func (p *program) kill() {
	p.t.Helper()
	must(p.t, p.cmd.Process.Kill())
	if err := <-p.ended; err == nil {
		p.t.Fatal("the house ended by itself")
	}
}

// terminate asks it to stop and waits until it has.
func (p *program) terminate() {
	p.t.Helper()
	must(p.t, p.cmd.Process.Signal(os.Interrupt))
	select {
	case err := <-p.ended:
		if err != nil {
			p.t.Fatalf("stopping: %v\n%s", err, p.log)
		}
	case <-time.After(patience):
		p.t.Fatalf("the house does not stop\n%s", p.log)
	}
}

func TestKilledTenTimesUnderLoad(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	platform := newPlatform(t, linefake.Options{AutoFriend: true, Latency: 2 * time.Millisecond, Redeliver: 1000})
	p := &program{t: t, binary: build(t), dir: t.TempDir(), listen: freeAddress(t), log: &record{}}
	furnished := newHouseWith(t, plan{dir: p.dir, phone: platform})
	threads := furnished.greet()
	var token string
	furnished.write(func(tx *db.Tx) (err error) {
		token, _, err = staff.CreateToken(tx, staff.System(), "follower", []string{"events:read"})
		return err
	})
	must(t, furnished.stop())
	platform.SetWebhook("http://"+p.listen+furnished.account.WebhookPath(), true)
	platform.Befriend(photographerUser)
	picture := portrait(t)

	p.start()
	t.Cleanup(func() { p.cmd.Process.Kill() })
	base := "http://" + p.listen
	l := newLedger()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	at := scene{t: t, base: base, platform: platform, path: furnished.account.WebhookPath(), threads: threads}
	rest := l.load(ctx, at)
	following, unfollow := context.WithCancel(ctx)
	var side sync.WaitGroup
	defer side.Wait()
	defer unfollow()
	events, photos := &follower{}, 0
	side.Go(func() { events.follow(following, base, token) })
	enough := make(chan struct{})
	var camera sync.WaitGroup
	camera.Go(func() { photos = photographer(ctx, enough, platform, picture) })
	for range kills {
		l.work(ctx, at, 12, 3)
		pause(ctx, time.Duration(rand.IntN(600))*time.Millisecond)
		p.kill()
		p.start()
	}
	l.work(ctx, at, 12, 3)
	close(enough)
	camera.Wait()
	rest()
	must(t, platform.Settle(ctx)) // every picture was taken in, or given up
	if ctx.Err() != nil {
		t.Fatalf("the load did not come to its end\n%s", p.log)
	}
	for _, f := range l.faults {
		t.Error(f)
	}
	l.awaitPhones(t, platform)
	eventuallyIn(t, 3*time.Minute, func() string { // nothing happens any more, and the follower knows it all
		before := events.upTo()
		pause(ctx, 1500*time.Millisecond)
		if after := events.upTo(); after != before || after == 0 {
			return "events are still coming"
		}
		return ""
	})
	p.terminate()
	unfollow()
	side.Wait()

	l.checkPhones(t, platform)
	after := newHouseWith(t, plan{dir: p.dir, unsown: true, phone: platform})
	l.checkHouse(t, after)
	events.check(t)
	if last := after.number(`SELECT MAX(seq) FROM event`); int64(last) != events.upTo() {
		t.Errorf("the follower saw %d events of %d", events.upTo(), last)
	}
	if n := after.number(`SELECT COUNT(*) FROM message WHERE type = 'image' AND media_state = 'ready'`); n != photos || photos < 20 {
		t.Errorf("%d pictures were sent and %d are there", photos, n)
	}
	blobs := 0
	must(t, after.Desk.Blobs.Walk(func(string, int64) error { blobs++; return nil }))
	if blobs != 2*photos {
		t.Errorf("%d files for %d pictures and their previews", blobs, photos)
	}
	must(t, after.stop())
	var out bytes.Buffer
	if status := Main(t.Context(), []string{"check", "--data", p.dir}, Streams{In: strings.NewReader(""), Out: &out, Err: &out}); status != 0 {
		t.Errorf("check ends with %d:\n%s", status, &out)
	}
	l.tell(t)
	if len(l.arrived) < 100 {
		t.Error("there was hardly any load: the test says nothing")
	}
}
