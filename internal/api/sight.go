package api

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"dingdong/internal/audit"
	"dingdong/internal/db"
)

// sight remembers which token has been put on record for which customer.
type sight struct {
	mu    sync.Mutex
	until map[look]time.Time
}

type look struct{ token, customer string }

const (
	// lookTime is how long one record stands for all reads of a customer by a token.
	lookTime = time.Hour
	maxLooks = 200_000
)

// due gives the customers that must be recorded now.
func (s *sight) due(token string, customers []string, now time.Time) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []string
	for _, c := range customers {
		if c != "" && !now.Before(s.until[look{token, c}]) {
			list = append(list, c)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func (s *sight) recorded(token string, customers []string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.until == nil || len(s.until)+len(customers) > maxLooks {
		s.until = map[look]time.Time{} // then some are recorded twice, none never
	}
	for _, c := range customers {
		s.until[look{token, c}] = now.Add(lookTime)
	}
}

// saw puts on record that a token read of these customers, before it gets the
// answer: what cannot be recorded is not told.
func (s *server) saw(ctx context.Context, c caller, customers ...string) error {
	now := s.DB.Now()
	list := s.sight.due(c.token.ID, customers, now)
	if len(list) == 0 {
		return nil
	}
	err := s.DB.Write(ctx, func(tx *db.Tx) error {
		for _, id := range list {
			audit.Record(tx, audit.Entry{Actor: c.ID, Action: "api.read", Customer: id})
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("record who was seen: %w", err)
	}
	s.sight.recorded(c.token.ID, list, now)
	return nil
}
