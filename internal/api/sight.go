package api

import (
	"context"

	"dingdong/internal/audit"
	"dingdong/internal/db"
)

// saw puts on record that a token read of these customers, before it gets the
// answer: what cannot be recorded is not told.
func (s *server) saw(ctx context.Context, c caller, customers ...string) error {
	return s.sight.Record(ctx, s.DB, audit.Look{Actor: c.ID, Action: "api.read", Customers: customers})
}

// searched puts on record that a token looked for customers: how many it found, and
// never by which words.
func (s *server) searched(ctx context.Context, c caller, found string) error {
	return s.write(ctx, func(tx *db.Tx) error {
		audit.Record(tx, audit.Entry{Actor: c.ID, Action: "api.search", Detail: found})
		return nil
	})
}
