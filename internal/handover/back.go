package handover

import (
	"fmt"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// back gives one customer back to the leaver, with what of hers had moved. What she has
// chosen herself meanwhile stays as she wants it.
func (r *Room) back(tx *db.Tx, itemID string) error {
	s, err := r.take(tx, itemID, ItemMoved)
	if err != nil || s.item.ID == "" || s.h.State != Returning && s.h.State != Cancelling {
		return err
	}
	s.to = s.item.ToID
	pieces, err := piecesOf(tx, itemID)
	if err != nil {
		return err
	}
	if err := r.follow(tx, &s, pieces); err != nil {
		return err
	}
	own, err := r.ownAdvisor(tx, s.person, s.item.CounterID)
	if err != nil {
		return err
	}
	there, err := staff.AnswersAt(tx, s.h.LeaverID, s.item.CounterID)
	if err != nil {
		return err
	}
	state := Back
	if !there || s.item.Answer == AnswerChose || wasBound(pieces) && own != s.to {
		state = Kept
	} else {
		for _, m := range movers() {
			if err := m.back(r, tx, s, pieces); err != nil {
				return err
			}
		}
		if s.item.Told == Coming { // what she has not heard yet she need not hear
			if _, err := r.Desk.CancelPlanned(tx, staff.System(), s.item.MessageID); err != nil {
				return err
			}
		}
		if s.h.State == Cancelling && s.item.Told == Told {
			if err := r.takeBackNews(tx, s); err != nil {
				return err
			}
		}
	}
	if _, err := tx.Exec(`UPDATE handover_item SET state = $2, back_at = $3 WHERE id = $1`, itemID, string(state), db.Micro(tx.Now)); err != nil {
		return fmt.Errorf("give a customer back: %w", err)
	}
	return nil
}

func wasBound(pieces []piece) bool {
	for _, p := range pieces {
		if p.kind == pieceBinding || p.kind == pieceUnbound {
			return true
		}
	}
	return false
}

// takeBackNews tells who was told that her advisor stays after all. She who said that
// she wants no messages is left in peace.
func (r *Room) takeBackNews(tx *db.Tx, s stride) error {
	if s.item.Answer == AnswerStop {
		return nil
	}
	p, why, err := r.silence(tx, s, true)
	if err != nil || why != "" {
		return err
	}
	_, err = r.say(tx, s, saying{place: p, kind: "handover.stays", body: words()[p.language]["stays"], key: "handover:" + s.item.ID + ":stays"})
	return err
}

// allBack closes a handover when nothing is left that could go back. Who was not moved
// yet stays where she is.
func (r *Room) allBack(tx *db.Tx, id string) error {
	if err := hold(tx, id); err != nil {
		return err
	}
	h, err := load(tx, id)
	if err != nil || h.State != Returning && h.State != Cancelling {
		return err
	}
	if _, err := tx.Exec(`UPDATE handover_item SET state = 'skipped' WHERE handover_id = $1 AND state = 'planned'`, h.ID); err != nil {
		return fmt.Errorf("all back: %w", err)
	}
	if h.State == Returning {
		return closeAs(tx, h, Returned)
	}
	return closeAs(tx, h, Cancelled)
}
