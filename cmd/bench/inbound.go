package main

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"
	"time"
)

// inbound measures how many webhooks a second are committed, beside the floor.
func (r *run) inbound() error {
	floor, err := r.floor("", r.o.seconds)
	if err != nil {
		return fmt.Errorf("floor: %w", err)
	}
	committed, told, err := r.receive("", chat)
	if err != nil {
		return err
	}
	_, rich, err := r.receive("", []string{rich})
	if err != nil {
		return err
	}
	r.note("Floor, SQLite", fmt.Sprintf("%.0f events/s", floor), "", true)
	r.note("Inbound, committed, SQLite", fmt.Sprintf("%.0f events/s, %.0f %% of the floor", committed, 100*committed/floor), "25 % of the floor", committed >= 0.25*floor)
	r.note("Inbound, with reactions and page, SQLite", fmt.Sprintf("%.0f events/s, %.0f %% of the floor", told, 100*told/floor), "15 % of the floor", told >= 0.15*floor)
	r.note("The same, where every message says four things of her", fmt.Sprintf("%.0f events/s, %.0f %% of the floor", rich, 100*rich/floor), "reported", true)
	return nil
}

// receive floods a new house, and returns the rate until the commit, and the
// rate until reactions and an open page have caught up.
func (r *run) receive(dbURL string, texts []string) (committed, told float64, err error) {
	platform, err := startPlatform(0)
	if err != nil {
		return 0, 0, err
	}
	defer platform.stop()
	h, err := newHouse(r.ctx, r.o.binary, dbURL, platform.url)
	if err != nil {
		return 0, 0, err
	}
	defer h.raze()
	if _, err := h.start(r.ctx); err != nil {
		return 0, 0, err
	}
	url := "http://" + h.address + "/in/" + h.account
	w := &webhooks{customers: 2000, salt: "IN", texts: texts}
	if _, err := w.flood(r.ctx, url, 64, 2*time.Second); err != nil { // customers are made here
		return 0, 0, err
	}
	if committed, err = w.flood(r.ctx, url, 64, r.o.seconds); err != nil {
		return 0, 0, err
	}
	if err := h.quiet(); err != nil {
		return 0, 0, err
	}
	told, err = r.followed(h, w, url)
	return committed, told, err
}

// followed floods while an advisor's page is open.
func (r *run) followed(h *house, w *webhooks, url string) (float64, error) {
	ctx, cancel := context.WithCancel(r.ctx)
	defer cancel()
	var seen atomic.Int64
	if err := <-h.page(ctx, h.cookies[0], func(id int64, _ time.Time) { seen.Store(max(seen.Load(), id)) }); err != nil {
		return 0, fmt.Errorf("page: %w", err)
	}
	before := w.n.Load()
	began := time.Now()
	if _, err := w.flood(ctx, url, 64, r.o.seconds); err != nil {
		return 0, err
	}
	sent := w.n.Load() - before
	err := h.until(time.Minute, func() (bool, error) {
		events, err := h.gauge("dingdong_events_total")
		if err != nil {
			return false, err
		}
		behind, err := h.gauge("dingdong_reactions_behind")
		return behind == 0 && float64(seen.Load()) >= events, err
	})
	if err != nil {
		return 0, fmt.Errorf("reactions or page did not catch up: %w", err)
	}
	return float64(sent) / time.Since(began).Seconds(), nil
}

// latency measures the acknowledgement under an open load.
func (r *run) latency() error {
	platform, err := startPlatform(0)
	if err != nil {
		return err
	}
	defer platform.stop()
	h, err := newHouse(r.ctx, r.o.binary, "", platform.url)
	if err != nil {
		return err
	}
	defer h.raze()
	if _, err := h.start(r.ctx); err != nil {
		return err
	}
	w := &webhooks{customers: 2000, salt: "LA"}
	url := "http://" + h.address + "/in/" + h.account
	if _, err := w.paced(r.ctx, url, 1000, 2*time.Second); err != nil {
		return err
	}
	delays, stolen, err := calm(3, func() ([]time.Duration, error) { return w.paced(r.ctx, url, 2000, r.o.seconds) })
	if err != nil {
		return err
	}
	p99 := percentile(delays, 0.99)
	r.note("Acknowledgement at 2,000 events/s, p99", fmt.Sprintf("%s (median %s, %s)", ms(p99), ms(percentile(delays, 0.5)), stolen), "50 ms", p99 < 50*time.Millisecond)
	return nil
}

// postgres measures the same on PostgreSQL, where one is to be had.
func (r *run) postgres() error {
	pg, err := startPostgres(r.ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, "   no PostgreSQL:", err)
		return nil
	}
	defer pg.stop()
	floorURL, err := pg.database(r.ctx, "floor")
	if err != nil {
		return err
	}
	floor, err := r.floor(floorURL, r.o.seconds)
	if err != nil {
		return err
	}
	url, err := pg.database(r.ctx, "house")
	if err != nil {
		return err
	}
	committed, told, err := r.receive(url, chat)
	if err != nil {
		return err
	}
	r.note("Floor, PostgreSQL", fmt.Sprintf("%.0f events/s", floor), "reported", true)
	r.note("Inbound, committed, PostgreSQL", fmt.Sprintf("%.0f events/s, %.0f %% of its floor", committed, 100*committed/floor), "reported", true)
	r.note("Inbound, with reactions and page, PostgreSQL", fmt.Sprintf("%.0f events/s, %.0f %% of its floor", told, 100*told/floor), "reported", true)
	return nil
}
