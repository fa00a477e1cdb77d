package main

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"dingdong/internal/app"
	"dingdong/internal/channel"
	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
)

const storedCustomers = 100_000

// large measures with a full house: pages, and whether the rate stays flat.
func (r *run) large() error {
	h, err := newHouse(r.ctx, r.o.binary, "", "http://127.0.0.1:9")
	if err != nil {
		return err
	}
	defer h.raze()
	empty, err := r.rate(h)
	if err != nil {
		return err
	}
	if err := r.fill(h); err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	full, err := r.rate(h)
	if err != nil {
		return err
	}
	// Once more at the end, because a shared machine drifts meanwhile.
	what := fmt.Sprintf("%d messages", r.o.stored)
	r.note("Inbound with "+what+" stored", fmt.Sprintf("%.0f events/s, %.0f %% of the rate with none", full, 100*full/empty), "85 %", full >= 0.85*empty)
	return r.pages(h, what)
}

func (r *run) rate(h *house) (float64, error) {
	if _, err := h.start(r.ctx); err != nil {
		return 0, err
	}
	defer h.halt()
	w := &webhooks{customers: 2000, salt: fmt.Sprintf("R%d", time.Now().UnixNano()%1_000_000)}
	url := "http://" + h.address + "/in/" + h.account
	if _, err := w.flood(r.ctx, url, 64, 2*time.Second); err != nil {
		return 0, err
	}
	return w.flood(r.ctx, url, 64, r.o.seconds)
}

var family, given = []rune("林陳黃張李王吳劉蔡楊許鄭謝郭洪曾邱廖賴周"), []rune("怡君雅婷美惠淑芬佳穎欣儀詩涵宜庭筱涵思妤")

// fill stores messages through the rooms, as they would have come.
func (r *run) fill(h *house) error {
	return h.inside(r.ctx, func(a *app.App) error {
		var account conversation.Account
		if err := a.DB.Read(r.ctx, func(tx *db.Tx) (err error) {
			account, err = a.Desk.AccountByID(tx, h.account)
			return err
		}); err != nil {
			return err
		}
		each := r.o.stored / storedCustomers
		began := time.Now().Add(-30 * 24 * time.Hour)
		var next atomic.Int64
		var failed atomic.Pointer[error]
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() {
				for failed.Load() == nil {
					n := int(next.Add(1)) - 1
					if n >= storedCustomers {
						return
					}
					if n%10_000 == 0 {
						fmt.Fprintf(os.Stderr, "   %d customers\n", n)
					}
					if err := a.DB.Write(r.ctx, func(tx *db.Tx) error { return fillOne(tx, a.Desk, account, n, each, began) }); err != nil {
						failed.Store(&err)
					}
				}
			})
		}
		wg.Wait()
		if err := failed.Load(); err != nil {
			return *err
		}
		// Most have been answered; a few hundred wait.
		return a.DB.Write(r.ctx, func(tx *db.Tx) error {
			if _, err := tx.Exec(`UPDATE thread SET waiting_since = 0, unread = 0 WHERE id NOT IN (SELECT id FROM thread ORDER BY last_at DESC LIMIT 300)`); err != nil {
				return err
			}
			if _, err := tx.Exec(`DELETE FROM job WHERE kind = 'profile'`); err != nil {
				return err
			}
			_, err := tx.Exec(`UPDATE tally SET n = (SELECT e.n FROM tally e WHERE e.name = 'event') WHERE name = 'react'`)
			return err
		})
	})
}

func fillOne(tx *db.Tx, desk *conversation.Desk, a conversation.Account, n, each int, began time.Time) error {
	user := fmt.Sprintf("F%032d", n)
	var events []channel.Inbound
	for i := range each {
		events = append(events, channel.Inbound{EventID: fmt.Sprintf("f-%d-%d", n, i), ExternalID: fmt.Sprintf("f%d-%d", n, i), Kind: channel.Message,
			At: began.Add(time.Duration(n*each+i) * 2 * time.Millisecond), Peer: channel.Peer{Type: channel.Person, ID: user},
			Body: channel.Body{Type: channel.Text, Text: "上次那支 #214 豆沙色還有嗎?"}})
	}
	if _, err := desk.Receive(tx, a, events); err != nil {
		return err
	}
	who, err := desk.Book.Find(tx, a.ID, user)
	if err != nil {
		return err
	}
	name := string([]rune{family[n%len(family)], given[n/7%len(given)], given[n/3%len(given)]})
	return desk.Book.SetProfile(tx, customer.Profile{IdentityID: who.ID, Name: name})
}

// pages measures what an advisor waits for.
func (r *run) pages(h *house, stored string) error {
	// What the rates have left is done first: a page is measured, not what the night does.
	if err := h.inside(r.ctx, func(a *app.App) error {
		return a.DB.Write(r.ctx, func(tx *db.Tx) error {
			_, err := tx.Exec(`DELETE FROM job WHERE kind = 'profile'`) // of a platform that is not there
			return err
		})
	}); err != nil {
		return err
	}
	if _, err := h.start(r.ctx); err != nil {
		return err
	}
	if err := h.until(5*time.Minute, func() (bool, error) {
		behind, err := h.gauge("dingdong_reactions_behind")
		return behind == 0, err
	}); err != nil {
		return err
	}
	c := client(2)
	get := func(path string) ([]byte, error) { return h.get(r.ctx, c, path) }
	inbox, err := get("/inbox?box=all")
	if err != nil {
		return err
	}
	found := regexp.MustCompile(`/inbox/(thr_[a-z0-9]+)`).FindSubmatch(inbox)
	if found == nil {
		return errors.New("no thread in the inbox")
	}
	thread := "/inbox/" + string(found[1])
	for _, page := range []struct{ name, path string }{
		{"Inbox", "/inbox?box=all"}, {"Thread", thread}, {"Search by name", "/inbox?box=all&q=" + "%E6%80%A1%E5%90%9B"},
	} {
		for range 20 { // warm
			if _, err := get(page.path); err != nil {
				return fmt.Errorf("%s: %w", page.name, err)
			}
		}
		loaded, stolen, err := calm(12, func() (l loads, err error) {
			before, err := h.processor()
			if err != nil {
				return l, err
			}
			for range 200 {
				began := time.Now()
				if _, err := get(page.path); err != nil {
					return l, fmt.Errorf("%s: %w", page.name, err)
				}
				l.delays = append(l.delays, time.Since(began))
			}
			after, err := h.processor()
			l.processor = (after - before) / time.Duration(len(l.delays))
			return l, err
		})
		if err != nil {
			return err
		}
		p95 := percentile(loaded.delays, 0.95)
		r.note(fmt.Sprintf("%s page, 100,000 customers, %s, p95", page.name, stored), fmt.Sprintf("%s (median %s, %s of processor, %s)", ms(p95),
			ms(percentile(loaded.delays, 0.5)), ms(loaded.processor), stolen), "15 ms", p95 < 15*time.Millisecond)
	}
	weight, err := h.weight(r.ctx, c, thread)
	if err != nil {
		return err
	}
	r.note("Script and style of the thread page, gzipped", fmt.Sprintf("%.1f KB", weight), "60 KB", weight < 60)
	return nil
}

// loads is what asking for one page took, each time, and of the program on average.
type loads struct {
	delays    []time.Duration
	processor time.Duration
}

// processor is how much processor time the program has used.
func (h *house) processor() (time.Duration, error) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", h.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(raw), ") ") // the name of the program may hold anything
	f := strings.Fields(rest)
	var user, system int64
	if len(f) < 13 {
		return 0, errors.New("no processor time in /proc")
	}
	if _, err := fmt.Sscan(f[11]+" "+f[12], &user, &system); err != nil {
		return 0, fmt.Errorf("processor time: %w", err)
	}
	return time.Duration(user+system) * 10 * time.Millisecond, nil // in hundredths of a second
}

func (h *house) get(ctx context.Context, c *http.Client, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+h.address+path, nil)
	if err != nil {
		return nil, err
	}
	req.AddCookie(&http.Cookie{Name: "dingdong", Value: h.cookies[0]})
	req.Header.Set("Accept", "text/html")
	res, err := c.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("answered %d", res.StatusCode)
	}
	return body, err
}

var (
	linked   = regexp.MustCompile(`(?:src|href)="(/static/[^"]+\.(?:js|css))"`)
	imported = regexp.MustCompile(`"(/static/[^"]+\.js)"|from\s*"([^"]+\.js)"`)
)

// weight adds up scripts and styles of a page, with what they import.
func (h *house) weight(ctx context.Context, c *http.Client, path string) (kb float64, err error) {
	page, err := h.get(ctx, c, path)
	if err != nil {
		return 0, err
	}
	todo := []string{}
	for _, m := range linked.FindAllSubmatch(page, -1) {
		todo = append(todo, string(m[1]))
	}
	seen := map[string]bool{}
	for len(todo) > 0 {
		name := todo[0]
		todo = todo[1:]
		if seen[name] {
			continue
		}
		seen[name] = true
		body, err := h.get(ctx, c, name)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", name, err)
		}
		var small strings.Builder
		z, _ := gzip.NewWriterLevel(&small, gzip.BestCompression)
		z.Write(body)
		z.Close()
		kb += float64(small.Len()) / 1024
		if strings.HasSuffix(name, ".js") {
			for _, m := range imported.FindAllSubmatch(body, -1) {
				next := string(m[1]) + string(m[2])
				if strings.HasPrefix(next, "./") {
					next = name[:strings.LastIndex(name, "/")+1] + next[2:]
				}
				todo = append(todo, next)
			}
		}
	}
	return kb, nil
}
