package handover

import (
	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
)

// Kinds of pieces.
const (
	pieceBinding = "binding" // the new one
	pieceUnbound = "unbound" // the old one: nobody took over
	pieceThread  = "thread"
	piecePromise = "promise"
)

func moveBindings(r *Room, tx *db.Tx, s stride) ([]piece, error) {
	passed, err := r.Desk.Book.PassBindings(tx, s.passing())
	var out []piece
	for _, p := range passed {
		if p.New != "" {
			out = append(out, piece{pieceBinding, p.New})
		} else {
			out = append(out, piece{pieceUnbound, p.Old})
		}
	}
	return out, err
}

// backBindings gives back who is still bound as we bound her; what she chose since holds.
func backBindings(r *Room, tx *db.Tx, s stride, pieces []piece) error {
	for _, p := range pieces {
		var was customer.Passed
		switch p.kind {
		case pieceBinding:
			was.New = p.object
		case pieceUnbound:
			was.Old = p.object
		default:
			continue
		}
		if _, err := r.Desk.Book.ReturnBinding(tx, was, s.passing()); err != nil {
			return err
		}
	}
	return nil
}

func (s stride) threadPassing() conversation.Passing {
	return conversation.Passing{PersonID: s.person, CounterID: s.item.CounterID, Records: s.records, From: s.h.LeaverID, To: s.to, By: s.h.by()}
}

func moveThread(r *Room, tx *db.Tx, s stride) ([]piece, error) {
	id, err := r.Desk.PassThread(tx, s.threadPassing())
	if err != nil || id == "" {
		return nil, err
	}
	return []piece{{pieceThread, id}}, nil
}

// backThread brings the thread back from who took it over, and from nobody else. Where
// that was nobody, only the thread that was the leaver's goes back.
func backThread(r *Room, tx *db.Tx, s stride, pieces []piece) error {
	p := s.threadPassing()
	p.From, p.To = p.To, p.From
	for _, x := range pieces {
		if x.kind == pieceThread {
			p.ThreadID = x.object
		}
	}
	_, err := r.Desk.PassThread(tx, p)
	return err
}

// movePromises lets the colleague keep them. Where nobody takes over they stay with the
// leaver's name on the customer's card: a promise that is nobody's would be lost.
func movePromises(r *Room, tx *db.Tx, s stride) ([]piece, error) {
	if s.to == "" {
		return nil, nil
	}
	ids, err := r.Desk.Book.PassPromises(tx, s.passing(), nil)
	var out []piece
	for _, id := range ids {
		out = append(out, piece{piecePromise, id})
	}
	return out, err
}

func backPromises(r *Room, tx *db.Tx, s stride, pieces []piece) error {
	var ids []string
	for _, p := range pieces {
		if p.kind == piecePromise {
			ids = append(ids, p.object)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	p := s.passing()
	p.From, p.To = p.To, p.From
	_, err := r.Desk.Book.PassPromises(tx, p, ids)
	return err
}
