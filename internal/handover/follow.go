package handover

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"dingdong/internal/customer"
	"dingdong/internal/db"
)

// follow finds what of a customer's bindings holds now, where who took over was handed
// over herself since, and whether that came back. It changes the pieces, and to whom the
// customer has come.
func (r *Room) follow(tx *db.Tx, s *stride, pieces []piece) error {
	history, err := r.Desk.Book.Bindings(tx, s.records)
	if err != nil {
		return err
	}
	for i, p := range pieces {
		at := slices.IndexFunc(history, func(b customer.Binding) bool { return b.ID == p.object })
		if p.kind != pieceBinding || at < 0 {
			continue
		}
		b, over := history[at], map[string]bool{}
		for !b.EndedAt.IsZero() {
			ours, err := handedOn(tx, b, over)
			if err != nil {
				return err
			}
			if !ours {
				break
			}
			next, found := nextOf(history, b)
			if !found { // nobody took over
				pieces[i], s.to = piece{pieceUnbound, b.ID}, ""
				break
			}
			b = next
			pieces[i], s.to = piece{pieceBinding, b.ID}, b.AdvisorID
		}
	}
	return nil
}

// handedOn tells whether a later handover ended a binding, or the way back of one that is
// over already: what went back by the way of an earlier one is gone for good.
func handedOn(tx *db.Tx, b customer.Binding, over map[string]bool) (bool, error) {
	id, is := strings.CutPrefix(b.EndedBy, "handover/")
	if !is {
		return false, nil
	}
	var leaver string
	err := db.NotFound(tx.QueryRow(`SELECT leaver_id FROM handover WHERE id = $1`, id).Scan(&leaver))
	if errors.Is(err, db.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("who was handed over: %w", err)
	}
	if b.AdvisorID == leaver {
		over[id] = true
	}
	return over[id], nil
}

// nextOf is the binding that a handover made of one that it ended.
func nextOf(history []customer.Binding, b customer.Binding) (next customer.Binding, found bool) {
	for _, x := range history {
		if x.CustomerID == b.CustomerID && x.CounterID == b.CounterID && x.How == customer.HowHandover && x.By == b.EndedBy && x.At.Equal(b.EndedAt) &&
			x.ID > b.ID && (!found || x.ID < next.ID) {
			next, found = x, true
		}
	}
	return next, found
}
