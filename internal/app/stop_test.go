package app

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"dingdong/internal/channel/line/linefake"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// follow opens a stream and tells when it has ended.
func (h *home) follow(c *http.Client, path, bearer string) <-chan error {
	h.t.Helper()
	req, err := http.NewRequest(http.MethodGet, h.url+path, nil)
	must(h.t, err)
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	stream := *c
	stream.Timeout = 0
	res, err := stream.Do(req)
	must(h.t, err)
	if res.StatusCode != http.StatusOK {
		h.t.Fatalf("%s answers %d", path, res.StatusCode)
	}
	ended := make(chan error, 1)
	go func() {
		defer res.Body.Close()
		_, err := io.Copy(io.Discard, res.Body)
		ended <- err
	}()
	return ended
}

func TestStopsWithEverythingInFlight(t *testing.T) {
	platform := newPlatform(t, linefake.Options{AutoFriend: true, Latency: 300 * time.Millisecond})
	dir, address := t.TempDir(), freeAddress(t)
	sameAddress := func(c *Config) { c.Listen = address }
	h := newHouseWith(t, plan{dir: dir, phone: platform, config: sameAddress})
	threads := h.greet()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	var token string
	h.write(func(tx *db.Tx) (err error) {
		token, _, err = staff.CreateToken(tx, staff.System(), "follower", []string{"events:read"})
		return err
	})
	streams := map[string]<-chan error{
		"/live":              h.follow(h.signIn().http, "/live", ""),
		"/api/v1/events":     h.follow(http.DefaultClient, "/api/v1/events", token),
		"/live of a thread":  h.follow(h.signIn().http, "/live?thread="+threads[writerUser(0, 0)], ""),
		"/live, from before": h.follow(h.signIn().http, "/live?after=1", ""),
	}
	l := newLedger()
	rest := l.load(ctx, scene{t: t, base: h.url, platform: platform, path: h.account.WebhookPath(), threads: threads})
	pause(ctx, 500*time.Millisecond)

	// A webhook that is half-way in when the house is told to stop.
	body := string(linefake.Body("U1", linefake.TextEvent(linefake.Meta{User: person(99), At: eventTime}, "half-way")))
	conn, err := net.Dial("tcp", address)
	must(t, err)
	defer conn.Close()
	must(t, conn.SetDeadline(h.DB.Now().Add(10*time.Second)))
	_, err = fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: %s\r\nX-Line-Signature: %s\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", h.account.WebhookPath(), address,
		linefake.Sign(lineSecret, []byte(body)), len(body))
	must(t, err)
	answers := bufio.NewReader(conn)
	if line, err := answers.ReadString('\n'); !strings.Contains(line, "100 Continue") { // now it is being read
		t.Fatalf("%q, %v", line, err)
	}
	_, err = io.WriteString(conn, body[:len(body)/2])
	must(t, err)

	began, stopped := time.Now(), make(chan error, 1)
	go func() { stopped <- h.stop() }()
	for name, ended := range streams {
		select {
		case <-ended:
		case <-time.After(patience):
			t.Errorf("the stream %s does not end", name)
		}
	}
	_, err = io.WriteString(conn, body[len(body)/2:])
	must(t, err)
	answered, _ := io.ReadAll(answers)
	if !strings.HasPrefix(strings.TrimSpace(string(answered)), "HTTP/1.1 200 ") {
		t.Errorf("the request that was half-way in was answered %.100q", answered)
	}
	must(t, <-stopped)
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("stopping took %v", took)
	}
	if strings.Contains(h.log.String(), "cut off") || strings.Contains(h.log.String(), "cannot be stored") {
		t.Errorf("it was no peaceful end:\n%s", h.log)
	}

	next := newHouseWith(t, plan{dir: dir, phone: platform, config: sameAddress, unsown: true})
	if n := next.number(`SELECT COUNT(*) FROM job WHERE claim <> 0 AND kind = 'deliver' AND attempt > 1`); n != 0 {
		t.Errorf("%d deliveries were left in the middle", n)
	}
	platform.SetLatency(time.Millisecond)
	rest()
	for _, f := range l.faults {
		t.Error(f)
	}
	l.awaitPhones(t, platform)
	l.checkHouse(t, next)
	for user, said := range l.said {
		var got []string
		for _, m := range platform.Sent(user) {
			got = append(got, m.Text)
		}
		if strings.Join(got, "|") != strings.Join(said, "|") {
			t.Errorf("%s: %s", user, firstDifference(said, got))
		}
	}
	if got := next.said(`WHERE event_id IS NOT NULL AND customer_id = (SELECT customer_id FROM identity WHERE external_hash = $1)`,
		next.Desk.Book.ExternalHash(next.accountIn(t), person(99))); len(got) != 1 || got[0] != "half-way" {
		t.Errorf("what was half-way in is stored as %q", got)
	}
	l.tell(t)
}

func TestStopsAtOnceWhenIdle(t *testing.T) {
	h := newHouse(t)
	began := time.Now()
	must(t, h.stop())
	if took := time.Since(began); took > grace/2 { // it did not wait for what nobody sends
		t.Errorf("stopping took %v", took)
	}
	if _, err := http.Get(h.url + "/healthz"); err == nil {
		t.Error("it still answers")
	}
}

func TestTwoHousesOnOneAddress(t *testing.T) {
	h := newHouse(t)
	_, err := New(t.Context(), Config{Data: t.TempDir(), Listen: h.Address(), Metrics: "off"}, silent())
	if err == nil || !strings.Contains(err.Error(), "listen") {
		t.Errorf("the second house started, or did not say why not: %v", err)
	}
}
