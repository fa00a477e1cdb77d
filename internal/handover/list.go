package handover

import (
	"database/sql"
	"fmt"
	"slices"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// List returns the handovers that the viewer may see, open ones first, the latest first.
func (r *Room) List(tx *db.Tx, v staff.Viewer) ([]Handover, error) {
	if !v.May(staff.HandOver) {
		return nil, staff.ErrForbidden
	}
	rows, err := tx.Query(`SELECT ` + columns + from + `ORDER BY CASE WHEN h.closed_at IS NULL THEN 0 ELSE 1 END, h.created_at DESC, h.id DESC LIMIT 500`)
	all, err := db.Collect(rows, err, func(r *sql.Rows) (Handover, error) { return scan(r) })
	if err != nil {
		return nil, fmt.Errorf("handovers: %w", err)
	}
	var out []Handover
	for _, h := range all {
		if h.Counters, err = countersOf(tx, h); err != nil {
			return nil, err
		}
		p, err := staff.GetStaff(tx, h.LeaverID)
		if err != nil {
			return nil, err
		}
		if mayHandOver(v, p, h.Counters) == nil {
			out = append(out, h)
		}
	}
	return out, nil
}

// Leavers returns whose customers the viewer may hand over, by name: who has no open
// handover yet.
func (r *Room) Leavers(tx *db.Tx, v staff.Viewer) ([]staff.Person, error) {
	if !v.May(staff.HandOver) {
		return nil, staff.ErrForbidden
	}
	all, err := staff.ListStaff(tx)
	if err != nil {
		return nil, err
	}
	busy, err := leaving(tx, "")
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(p staff.Person) bool {
		chats := p.Role == staff.Advisor || p.Role == staff.Manager || p.Role == staff.Admin
		return !p.LeftAt.IsZero() || !chats || busy[p.ID] || len(p.Counters) == 0 || mayHandOver(v, p, p.Counters) != nil
	}), nil
}

// leaving lists who has an open handover, but for one.
func leaving(tx *db.Tx, except string) (map[string]bool, error) {
	rows, err := tx.Query(`SELECT leaver_id FROM handover WHERE closed_at IS NULL AND id <> $1`, except)
	ids, err := texts(rows, err)
	if err != nil {
		return nil, fmt.Errorf("who is leaving: %w", err)
	}
	out := map[string]bool{}
	for _, id := range ids {
		out[id] = true
	}
	return out, nil
}

// countersOf lists the counters that a handover is about.
func countersOf(tx *db.Tx, h Handover) ([]string, error) {
	rows, err := tx.Query(`SELECT counter_id FROM staff_counter WHERE staff_id = $1
		UNION SELECT counter_id FROM handover_item WHERE handover_id = $2 ORDER BY 1`, h.LeaverID, h.ID)
	ids, err := texts(rows, err)
	if err != nil {
		return nil, fmt.Errorf("counters of a handover: %w", err)
	}
	return ids, nil
}

func texts(rows *sql.Rows, err error) ([]string, error) {
	return db.Collect(rows, err, func(r *sql.Rows) (s string, err error) { return s, r.Scan(&s) })
}

// Progress counts how far a handover is. A customer at two counters is counted twice.
type Progress struct {
	Total, Planned, Moved, Skipped, Failed, Back, Kept int
	Told, Coming, Silent, Refused                      int // of those that were moved
	Fine, Chose, Stop                                  int // what they answered
}

// Settled is how many need nothing more, of Total.
func (p Progress) Settled() int { return p.Total - p.Planned }

// Progress counts how far a handover is.
func (r *Room) Progress(tx *db.Tx, h Handover) (Progress, error) {
	var p Progress
	rows, err := tx.Query(`SELECT i.state, `+toldNow+`, i.answer, COUNT(*) FROM handover_item i LEFT JOIN message m ON m.id = i.message_id AND i.message_id <> ''
		WHERE i.handover_id = $1 GROUP BY 1, 2, 3`, h.ID)
	_, err = db.Collect(rows, err, func(r *sql.Rows) (none struct{}, err error) {
		var state ItemState
		var told, answer string
		var n int
		if err := r.Scan(&state, &told, &answer, &n); err != nil {
			return none, err
		}
		p.Total += n
		switch state {
		case Planned:
			p.Planned += n
		case ItemMoved:
			p.Moved += n
		case Skipped:
			p.Skipped += n
		case Failed:
			p.Failed += n
		case Back:
			p.Back += n
		case Kept:
			p.Kept += n
		}
		switch told {
		case Told:
			p.Told += n
		case Coming:
			p.Coming += n
		case Silent:
			p.Silent += n
		case Refused:
			p.Refused += n
		}
		switch answer {
		case AnswerFine:
			p.Fine += n
		case AnswerChose:
			p.Chose += n
		case AnswerStop:
			p.Stop += n
		}
		return none, nil
	})
	if err != nil {
		return p, fmt.Errorf("progress of a handover: %w", err)
	}
	return p, nil
}

// Share is how many of the customers go to one colleague.
type Share struct {
	CounterID   string
	ColleagueID string // empty: whoever is free at the counter
	Name        string
	Has         int // customers of her own, without these
	Gets        int
}

// Shares counts who gets how many, by counter and name: everybody who may get some, and
// whoever does.
func (r *Room) Shares(tx *db.Tx, h Handover) ([]Share, error) {
	rows, err := tx.Query(`SELECT counter_id, to_id, COUNT(*) FROM handover_item WHERE handover_id = $1 AND state NOT IN ('skipped', 'back')
		GROUP BY counter_id, to_id ORDER BY counter_id, to_id`, h.ID)
	out, err := db.Collect(rows, err, func(r *sql.Rows) (s Share, err error) { return s, r.Scan(&s.CounterID, &s.ColleagueID, &s.Gets) })
	if err != nil {
		return nil, fmt.Errorf("shares of a handover: %w", err)
	}
	people, err := candidates(tx, h)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, counter := range h.Counters {
		for _, c := range people[counter] {
			if !slices.ContainsFunc(out, func(s Share) bool { return s.CounterID == counter && s.ColleagueID == c.ID }) {
				out = append(out, Share{CounterID: counter, ColleagueID: c.ID})
			}
		}
	}
	for i, s := range out {
		ids = append(ids, s.ColleagueID)
		// Also of who is no candidate: what she gets by hand, or keeps, comes to what she has.
		if out[i].Has, err = loadOf(tx, s.ColleagueID, s.CounterID); err != nil {
			return nil, err
		}
	}
	names, err := staff.StaffNames(tx, ids)
	for i := range out {
		out[i].Name = names[out[i].ColleagueID]
	}
	slices.SortStableFunc(out, func(a, b Share) int {
		if a.CounterID != b.CounterID {
			return slices.Index(h.Counters, a.CounterID) - slices.Index(h.Counters, b.CounterID)
		}
		return b.Gets - a.Gets
	})
	return out, err
}
