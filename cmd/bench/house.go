package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"dingdong/internal/app"
	"dingdong/internal/channel"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

const (
	secret = "8c570fa6dd201bb328f1c1eac23a96d8"
	token  = "bench-access-token"
)

// house is a Dingdong in a process of its own.
type house struct {
	dir, dbURL string
	binary     string
	address    string
	metrics    string
	account    string
	counters   []string
	cookies    []string // sessions of the advisors
	cmd        *exec.Cmd
	log        bytes.Buffer
}

// newHouse prepares a data folder with counters, advisors and a LINE account
// whose platform stands at api.
func newHouse(ctx context.Context, binary, dbURL, api string) (*house, error) {
	dir, err := os.MkdirTemp("", "dingdong-bench-")
	if err != nil {
		return nil, err
	}
	h := &house{dir: dir, dbURL: dbURL, binary: binary}
	err = h.inside(ctx, func(a *app.App) error {
		return a.DB.Write(ctx, func(tx *db.Tx) error { return h.furnish(tx, a, api) })
	})
	return h, err
}

func (h *house) config() app.Config {
	return app.Config{Data: h.dir, DB: h.dbURL, Listen: "127.0.0.1:0", Metrics: "off", LogLevel: "error"}
}

// inside opens the stores in this process, while the other does not run.
func (h *house) inside(ctx context.Context, fn func(a *app.App) error) error {
	a, err := app.New(ctx, h.config(), slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer a.Close()
	return fn(a)
}

func (h *house) furnish(tx *db.Tx, a *app.App, api string) error {
	system := staff.System()
	store, err := staff.SaveStore(tx, system, staff.StoreForm{Name: "Store", Timezone: "Asia/Taipei"})
	if err != nil {
		return err
	}
	for n := range 4 {
		brand, err := staff.SaveBrand(tx, system, staff.BrandForm{Name: fmt.Sprint("Brand ", n)})
		if err != nil {
			return err
		}
		c, err := staff.SaveCounter(tx, system, staff.CounterForm{StoreID: store.ID, BrandID: brand.ID, Name: fmt.Sprint("Counter ", n)})
		if err != nil {
			return err
		}
		h.counters = append(h.counters, c.ID)
	}
	for n := range 8 {
		p, err := staff.SaveStaff(tx, system, staff.StaffForm{Name: fmt.Sprint("Advisor ", n), Email: fmt.Sprintf("a%d@bench.example", n),
			Role: staff.Advisor, Counters: h.counters[:1]})
		if err != nil {
			return err
		}
		cookie, _, err := staff.SessionFor(tx, p.ID, staff.Meta{Address: "127.0.0.1"})
		if err != nil {
			return err
		}
		h.cookies = append(h.cookies, cookie)
	}
	acc, err := a.Desk.SaveAccount(tx, system, conversation.AccountForm{Channel: channel.LINE, Name: "Bench", CounterID: h.counters[0],
		Secret: secret, Token: token, APIBase: api, DataBase: api})
	if err != nil {
		return err
	}
	h.account = acc.ID
	// What comes in and what goes out are measured apart: nobody is greeted.
	_, err = a.Desk.SaveChatRules(tx, system, conversation.ChatRules{NoGreeting: true})
	return err
}

// start runs the program and waits until it is ready; it returns how long that took.
func (h *house) start(ctx context.Context) (time.Duration, error) {
	h.address, h.metrics = freeAddress(), freeAddress()
	h.log.Reset()
	h.cmd = exec.CommandContext(ctx, h.binary, "serve")
	h.cmd.Env = append(os.Environ(), "DINGDONG_DATA="+h.dir, "DINGDONG_DB="+h.dbURL, "DINGDONG_LISTEN="+h.address,
		"DINGDONG_METRICS="+h.metrics, "DINGDONG_LOG_LEVEL=error")
	h.cmd.Stderr = &h.log
	began := time.Now()
	if err := h.cmd.Start(); err != nil {
		return 0, err
	}
	for time.Since(began) < 30*time.Second {
		res, err := http.Get("http://" + h.address + "/readyz")
		if err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return time.Since(began), nil
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
	return 0, fmt.Errorf("the house did not get ready: %s", h.log.String())
}

func (h *house) halt() error {
	if h.cmd == nil {
		return nil
	}
	h.cmd.Process.Signal(os.Interrupt)
	err := h.cmd.Wait()
	h.cmd = nil
	return err
}

// raze ends the process and removes its folder.
func (h *house) raze() {
	if err := h.halt(); err != nil {
		fmt.Fprintln(os.Stderr, "   the house ended badly:", err, h.log.String())
	}
	os.RemoveAll(h.dir)
}

func freeAddress() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// gauge reads one figure of /metrics.
func (h *house) gauge(name string) (float64, error) {
	res, err := http.Get("http://" + h.metrics + "/metrics")
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(raw)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strconv.ParseFloat(strings.TrimSpace(value), 64)
		}
	}
	return 0, errors.New("no figure " + name)
}

// memory is the resident memory of the process, in MB.
func (h *house) memory() (float64, error) {
	raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(h.cmd.Process.Pid), "status"))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(raw)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseFloat(strings.Fields(value)[0], 64)
			return kb / 1024, err
		}
	}
	return 0, errors.New("no VmRSS")
}
