package main

import (
	"fmt"
	"time"
)

// idle measures the start on a database that is there, and the memory of a
// house that nobody uses.
func (r *run) idle() error {
	h, err := newHouse(r.ctx, r.o.binary, "", "http://127.0.0.1:9")
	if err != nil {
		return err
	}
	defer h.raze()
	// The first start fills the database with what the product ships.
	if _, err := h.start(r.ctx); err != nil {
		return err
	}
	if err := h.quiet(); err != nil {
		return err
	}
	time.Sleep(3 * time.Second)
	if err := h.halt(); err != nil {
		return fmt.Errorf("stop: %w", err)
	}
	var starts []time.Duration
	for range 5 {
		took, err := h.start(r.ctx)
		if err != nil {
			return err
		}
		starts = append(starts, took)
		if err := h.halt(); err != nil {
			return fmt.Errorf("stop: %w", err)
		}
	}
	if _, err := h.start(r.ctx); err != nil {
		return err
	}
	time.Sleep(12 * time.Second) // it gives memory back when nothing happened for five
	mb, err := h.memory()
	if err != nil {
		return err
	}
	// A first message brings the lexicons into memory.
	if err := (&webhooks{customers: 1, salt: "ID"}).post(r.ctx, client(1), "http://"+h.address+"/in/"+h.account); err != nil {
		return err
	}
	time.Sleep(12 * time.Second)
	after, err := h.memory()
	if err != nil {
		return err
	}
	start := percentile(starts, 0.5)
	r.note("Start on an existing database, until ready", ms(start)+" (median of 5)", "300 ms", start < 300*time.Millisecond)
	r.note("Memory, idle", fmt.Sprintf("%.0f MB resident", mb), "60 MB", mb < 60)
	r.note("Memory, idle, once messages were read", fmt.Sprintf("%.0f MB resident", after), "60 MB", after < 60)
	return nil
}
