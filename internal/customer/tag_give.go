package customer

import (
	"cmp"
	"database/sql"
	"fmt"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

const labelTagCause = "customer_tag.cause"

// gift is a tag on its way to a card.
type gift struct {
	Proof
	tag        Tag
	customerID string
	expires    time.Time // zero: never
}

// GiveTag gives a customer a tag and tells whether her card changed. A repeated
// proof renews it: the newest one says why she has it and when it expires. What
// an advisor took from her is not concluded again from her words. The caller has
// checked that whoever enters this may.
func (b *Book) GiveTag(tx *db.Tx, customerID, name string, p Proof) (bool, error) {
	p, err := p.checked(tx.Now)
	if err != nil {
		return false, err
	}
	t, err := b.openTag(tx, name)
	if err != nil {
		return false, err
	}
	records, err := b.recordsOf(tx, customerID)
	if err != nil {
		return false, err
	}
	if refused, err := b.refuse(tx, refusal{records, tagAbout(t.ID), p}); err != nil || refused {
		return false, err
	}
	repeated, err := b.readBefore(tx, "customer_tag", p, customerID, t.ID)
	if err != nil || repeated {
		return false, err
	}
	worn, err := b.worn(tx, t.ID, records)
	if err != nil {
		return false, err
	}
	given, err := b.give(tx, gift{Proof: p, tag: t, customerID: customerID, expires: t.expiry(p)}, worn)
	if err != nil || !given {
		return false, err
	}
	return true, b.tell(tx, news{customerID, p.CounterID, p.By, "tag"}, p.MessageID)
}

// expiry is until when a proof makes a tag hold; zero: for good.
func (t Tag) expiry(p Proof) time.Time {
	days := cmp.Or(p.Days, t.Days)
	if days == 0 {
		return time.Time{}
	}
	return p.At.AddDate(0, 0, days)
}

// GiveTagByHand is GiveTag for what a viewer enters. Whether she may see the
// customer is the caller's to check: see conversation.Desk.Visible.
func (b *Book) GiveTagByHand(tx *db.Tx, v staff.Viewer, h ByHand) (bool, error) {
	p, err := h.proof(tx, v)
	if err != nil {
		return false, err
	}
	t, err := b.openTag(tx, h.Name)
	if err != nil {
		return false, err
	}
	s, err := b.Sight(tx, v)
	if err != nil {
		return false, err
	}
	if !s.Brand(t.BrandID) {
		return false, db.Invalid{Field: "tag", Code: "unknown"}
	}
	return b.GiveTag(tx, h.CustomerID, t.Name, p)
}

// wornTag is an open row of one tag.
type wornTag struct {
	id, customerID string
	source         Source
	at, expires    int64
}

func (b *Book) worn(tx *db.Tx, tagID string, records []string) ([]wornTag, error) {
	marks, args := db.In(records, 2)
	rows, err := tx.Query(`SELECT id, customer_id, source, at, expires_at FROM customer_tag
		WHERE tag_id = $1 AND customer_id IN (`+marks+`) AND ended_at IS NULL`, append([]any{tagID}, args...)...)
	found, err := db.Collect(rows, err, func(r *sql.Rows) (w wornTag, err error) {
		return w, r.Scan(&w.id, &w.customerID, &w.source, &w.at, &w.expires)
	})
	if err != nil {
		return nil, fmt.Errorf("tags she has: %w", err)
	}
	return found, nil
}

// give stores a proof beside the open rows of the same tag and tells whether the
// card shows a tag that it did not show before.
func (b *Book) give(tx *db.Tx, g gift, worn []wornTag) (bool, error) {
	now, at, expires := db.Micro(tx.Now), db.Micro(g.At), db.Micro(g.expires)
	shown := false
	var own *wornTag
	for i, w := range worn {
		shown = shown || w.expires == 0 || w.expires > now
		if w.customerID == g.customerID {
			own = &worn[i]
		}
	}
	switch {
	case own != nil && own.at > at, expires != 0 && expires <= now:
		return false, b.insertTag(tx, g, Renewed) // late: it enters the history only
	case own != nil && own.source == g.Source && g.Source != SourceSaid:
		cause, err := b.sealText(tx, g.customerID, labelTagCause, g.Cause)
		if err != nil {
			return false, err
		}
		_, err = tx.Exec(`UPDATE customer_tag SET counter_id = $2, by = $3, message_id = $4, rule = $5, cause = $6, at = $7, expires_at = $8 WHERE id = $1`,
			own.id, g.CounterID, g.By, g.MessageID, g.Rule, cause, at, expires)
		if err != nil {
			return false, fmt.Errorf("renew tag: %w", err)
		}
		return !shown, nil
	case own != nil:
		if _, err := tx.Exec(`UPDATE customer_tag SET ended_at = $2, ended_by = $3 WHERE id = $1`, own.id, now, Renewed); err != nil {
			return false, fmt.Errorf("renew tag: %w", err)
		}
	}
	return !shown, b.insertTag(tx, g, "")
}

func (b *Book) insertTag(tx *db.Tx, g gift, endedBy string) error {
	cause, err := b.sealText(tx, g.customerID, labelTagCause, g.Cause)
	if err != nil {
		return err
	}
	ended := sql.NullInt64{Int64: db.Micro(tx.Now), Valid: endedBy != ""}
	// Another node may have given it to her at this moment: one is enough.
	_, err = tx.Exec(`INSERT INTO customer_tag (id, customer_id, tag_id, counter_id, source, by, message_id, rule, cause, at, expires_at, ended_at, ended_by)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING`,
		tx.NewID("ctg"), g.customerID, g.tag.ID, g.CounterID, string(g.Source), g.By, g.MessageID, g.Rule, cause, db.Micro(g.At),
		db.Micro(g.expires), ended, endedBy)
	if err != nil {
		return fmt.Errorf("give tag: %w", err)
	}
	return nil
}
