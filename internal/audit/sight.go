package audit

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"dingdong/internal/db"
)

// Look is somebody who is about to be shown some customers.
type Look struct {
	Actor     string
	Action    string // "customer.shown", "api.read"
	Detail    string // where: "inbox", "find"
	Customers []string
}

// Sight puts looks on record once for an hour, viewer and customer, so that the record
// stays cheap enough to be complete: a page that is read again costs no write. Its memory
// is the process's own; after a restart, or on another node, a look is recorded again,
// and none is ever left out. The zero Sight is ready.
type Sight struct {
	mu    sync.Mutex
	until map[seen]time.Time
}

type seen struct{ actor, action, customer string }

const (
	// sightLasts is how long one line stands for all looks of a viewer at a customer.
	sightLasts = time.Hour
	maxSeen    = 200_000
)

// Record puts on record what is due, before it is shown: what cannot be recorded is not
// told. It waits for the commit.
func (s *Sight) Record(ctx context.Context, d *db.DB, l Look) error {
	now := d.Now()
	list := s.due(l, now)
	if len(list) == 0 {
		return nil
	}
	err := d.Write(ctx, func(tx *db.Tx) error {
		for _, id := range list {
			Record(tx, Entry{Actor: l.Actor, Action: l.Action, Customer: id, Detail: l.Detail})
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("record who was seen: %w", err)
	}
	s.done(l, list, now)
	return nil
}

// due gives the customers that must be recorded now.
func (s *Sight) due(l Look, now time.Time) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []string
	for _, c := range l.Customers {
		if c != "" && !now.Before(s.until[seen{l.Actor, l.Action, c}]) {
			list = append(list, c)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func (s *Sight) done(l Look, customers []string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.until == nil || len(s.until)+len(customers) > maxSeen {
		s.until = map[seen]time.Time{} // then some are recorded twice, none never
	}
	for _, c := range customers {
		s.until[seen{l.Actor, l.Action, c}] = now.Add(sightLasts)
	}
}
