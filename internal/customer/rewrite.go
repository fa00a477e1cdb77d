package customer

import (
	"fmt"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// EditWish changes the words of an open wish; the old ones are gone.
func (b *Book) EditWish(tx *db.Tx, v staff.Viewer, id, body string) (Wish, error) {
	if err := b.rewrite(tx, v, rewriting{"wish", id, labelWish, body, MaxWish, "ended_at IS NULL"}); err != nil {
		return Wish{}, err
	}
	return b.WishByID(tx, v, id)
}

// EditPromise changes the words of an open promise; the old ones are gone.
func (b *Book) EditPromise(tx *db.Tx, v staff.Viewer, id, body string) (Promise, error) {
	if err := b.rewrite(tx, v, rewriting{"promise", id, labelPromise, body, MaxPromise, "done_at IS NULL AND ended_at IS NULL"}); err != nil {
		return Promise{}, err
	}
	return b.PromiseByID(tx, v, id)
}

// rewriting is a text of a table that a viewer wants to change.
type rewriting struct {
	table, id   string
	label, body string
	max         int
	open        string // the condition under which it can still be changed
}

func (b *Book) rewrite(tx *db.Tx, v staff.Viewer, r rewriting) error {
	w, err := b.writtenFor(tx, v, r.table, r.id)
	switch {
	case err != nil:
		return err
	case !w.mayRewrite(v):
		return staff.ErrForbidden
	}
	sealed, err := b.write(tx, v, script{w.customerID, w.counterID, r.label, r.body, r.max})
	if err != nil {
		return err
	}
	n, err := tx.Exec(`UPDATE `+r.table+` SET body = $2 WHERE id = $1 AND `+r.open, r.id, sealed)
	if err != nil {
		return fmt.Errorf("edit %s: %w", r.table, err)
	}
	if n == 0 {
		return db.ErrConflict
	}
	return b.tell(tx, news{w.customerID, w.counterID, v.ID, r.table})
}
