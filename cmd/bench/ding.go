package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// arrival is when a page was told of everything up to an event.
type arrival struct {
	id int64
	at time.Time
}

// ding measures from the webhook to the advisors' open pages.
func (r *run) ding() error {
	const pages, perSecond = 200, 200
	h, err := newHouse(r.ctx, r.o.binary, "", "http://127.0.0.1:9")
	if err != nil {
		return err
	}
	defer h.raze()
	if _, err := h.start(r.ctx); err != nil {
		return err
	}
	url := "http://" + h.address + "/in/" + h.account
	w := &webhooks{customers: 300, salt: "DI", texts: []string{"好的"}} // says nothing of her: one event for each, so that they can be counted
	c := client(8)
	for range w.customers { // everybody has written once
		if err := w.post(r.ctx, c, url); err != nil {
			return err
		}
	}
	if err := h.quiet(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(r.ctx)
	defer cancel()
	var mu sync.Mutex
	told := make([][]arrival, pages)
	for n := range pages {
		ready := h.page(ctx, h.cookies[n%len(h.cookies)], func(id int64, at time.Time) {
			mu.Lock()
			told[n] = append(told[n], arrival{id, at})
			mu.Unlock()
		})
		if err := <-ready; err != nil {
			return fmt.Errorf("page %d: %w", n, err)
		}
	}
	first, err := h.gauge("dingdong_events_total")
	if err != nil {
		return err
	}
	// One post after the other, and nothing else happens: the n-th makes event first+n.
	total := int(r.o.seconds.Seconds() * perSecond)
	posted := make([]time.Time, total)
	began := time.Now()
	for n := range posted {
		time.Sleep(time.Until(began.Add(time.Duration(n) * time.Second / perSecond)))
		posted[n] = time.Now()
		if err := w.post(ctx, c, url); err != nil {
			return err
		}
	}
	last := int64(first) + int64(total)
	if err := h.until(10*time.Second, func() (bool, error) {
		mu.Lock()
		defer mu.Unlock()
		for _, page := range told {
			if len(page) == 0 || page[len(page)-1].id < last {
				return false, nil
			}
		}
		return true, nil
	}); err != nil {
		return fmt.Errorf("not every page was told of everything: %w", err)
	}
	var delays []time.Duration
	for _, page := range told {
		for n, at := range posted {
			seq := int64(first) + int64(n) + 1
			i, _ := slices.BinarySearchFunc(page, seq, func(a arrival, seq int64) int { return int(a.id - seq) })
			delays = append(delays, page[i].at.Sub(at))
		}
	}
	p99 := percentile(delays, 0.99)
	r.note("Ding, 200 pages, 200 webhooks/s, p99", fmt.Sprintf("%s (median %s)", ms(p99), ms(percentile(delays, 0.5))), "150 ms", p99 < 150*time.Millisecond)
	return nil
}

// until waits for something to become true.
func (h *house) until(limit time.Duration, ok func() (bool, error)) error {
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		done, err := ok()
		if err != nil || done {
			return err
		}
		if time.Since(began) > limit {
			return fmt.Errorf("not within %s", limit)
		}
	}
}

// quiet waits until the house has nothing left to do that makes events.
func (h *house) quiet() error {
	last := -1.0
	return h.until(30*time.Second, func() (bool, error) {
		events, err := h.gauge("dingdong_events_total")
		if err != nil {
			return false, err
		}
		if events != last {
			last = events
			time.Sleep(500 * time.Millisecond)
			return false, nil
		}
		return true, nil
	})
}
