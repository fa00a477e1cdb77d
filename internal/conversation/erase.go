package conversation

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/event"
	"dingdong/internal/job"
)

// JobDropBlobs destroys bytes whose rows are gone.
const JobDropBlobs = "drop_blobs"

type blobArgs struct {
	Keys []string `json:"keys"`
}

// blobsAtOnce is how many keys one job destroys.
const blobsAtOnce = 100

// Erase removes the conversations of some records, all records of a person: what
// was said, drafts, notes of colleagues, what is queued, and with the commit the
// jobs that destroy the bytes. A call that is on its way to a platform at this
// moment ends by itself. Erase may be called again, and then finds what another
// node wrote meanwhile. It comes before the register forgets the records.
func (d *Desk) Erase(tx *db.Tx, records []string) error {
	if len(records) == 0 {
		return nil
	}
	if err := customer.LockMerges(tx); err != nil {
		return err
	}
	if err := d.Book.Hold(tx, records); err != nil {
		return err
	}
	threads, err := hold(tx, records)
	if err != nil {
		return err
	}
	ids := make([]string, len(threads))
	for i, t := range threads {
		ids[i] = t.id
	}
	if err := d.eraseBytes(tx, records, ids); err != nil {
		return err
	}
	if err := d.eraseInGroups(tx, records); err != nil {
		return err
	}
	marks, args := db.In(records, 1)
	hers := ` IN (` + marks + `)`
	// The page of the day notes what was put aside by the ids of what it showed.
	for _, q := range []string{
		`DELETE FROM today_dismissal WHERE ref` + hers,
		`DELETE FROM today_dismissal WHERE ref IN (SELECT id FROM wish WHERE customer_id` + hers + `)`,
		`DELETE FROM today_dismissal WHERE ref IN (SELECT id FROM promise WHERE customer_id` + hers + `)`,
		`DELETE FROM today_dismissal WHERE ref IN (SELECT id FROM purchase WHERE customer_id <> '' AND customer_id` + hers + `)`,
		`DELETE FROM notice WHERE identity_id <> '' AND identity_id IN (SELECT id FROM identity WHERE customer_id` + hers + `)`,
		`DELETE FROM card_visit WHERE customer_id` + hers,
		`DELETE FROM thread_part WHERE customer_id` + hers,
	} {
		if _, err := tx.Exec(q, args...); err != nil {
			return fmt.Errorf("erase what lies beside a conversation: %w", err)
		}
	}
	for _, t := range threads {
		event.Append(tx, event.Event{Kind: event.ThreadChanged, Customer: t.home, Thread: t.id, Counter: t.counter, By: "privacy",
			Data: map[string]string{"act": "erased"}})
	}
	return eraseThreads(tx, ids)
}

func eraseThreads(tx *db.Tx, ids []string) error {
	for len(ids) > 0 {
		n := min(len(ids), 200)
		marks, args := db.In(ids[:n], 1)
		these := ` IN (` + marks + `)`
		for _, q := range []string{
			`DELETE FROM notice WHERE (account_id, external_id) IN (SELECT account_id, external_id FROM message
				WHERE thread_id` + these + ` AND external_id IS NOT NULL)`,
			`DELETE FROM delivery WHERE thread_id` + these,
			`DELETE FROM draft WHERE thread_id` + these,
			`DELETE FROM thread_note WHERE thread_id` + these,
			`DELETE FROM message WHERE thread_id` + these,
			`DELETE FROM thread WHERE id` + these,
		} {
			if _, err := tx.Exec(q, args...); err != nil {
				return fmt.Errorf("erase conversations: %w", err)
			}
		}
		ids = ids[n:]
	}
	return nil
}

// eraseBytes ends the jobs of some conversations and begins those that destroy
// their pictures, voice notes and files.
func (d *Desk) eraseBytes(tx *db.Tx, records, threads []string) error {
	gone := job.Forgetting{Kinds: []string{JobFetch, JobProfile, JobPortrait, JobMerge, JobRelease, JobAsked}, Mention: append([]string{}, records...)}
	gone.Lanes = append(gone.Lanes, records...)
	gone.Keys = append(gone.Keys, records...)
	for _, t := range threads {
		gone.Lanes = append(gone.Lanes, deliverLane(t))
		gone.Mention = append(gone.Mention, t)
	}
	type picture struct{ id, key string }
	var pictures []picture
	if len(records) > 0 {
		marks, args := db.In(records, 1)
		rows, err := tx.Query(`SELECT id, picture FROM identity WHERE customer_id IN (`+marks+`)`, args...)
		pictures, err = db.Collect(rows, err, func(r *sql.Rows) (p picture, err error) { return p, r.Scan(&p.id, &p.key) })
		if err != nil {
			return fmt.Errorf("pictures of a person: %w", err)
		}
	}
	var keys []string
	for _, p := range pictures {
		gone.Keys, gone.Mention = append(gone.Keys, p.id), append(gone.Mention, p.id)
		if p.key != "" {
			keys = append(keys, p.key)
		}
	}
	type bytes struct {
		id, blob, preview string
		state             MediaState
	}
	for rest := threads; len(rest) > 0; {
		n := min(len(rest), 200)
		marks, args := db.In(rest[:n], 1)
		rows, err := tx.Query(`SELECT id, blob, preview, media_state FROM message WHERE thread_id IN (`+marks+`) AND (blob <> '' OR preview <> '' OR media_state <> '')`, args...)
		found, err := db.Collect(rows, err, func(r *sql.Rows) (b bytes, err error) { return b, r.Scan(&b.id, &b.blob, &b.preview, &b.state) })
		if err != nil {
			return fmt.Errorf("media of a person: %w", err)
		}
		for _, b := range found {
			if b.state == MediaPending {
				gone.Keys, gone.Mention = append(gone.Keys, b.id), append(gone.Mention, b.id)
			}
			for _, key := range []string{b.blob, b.preview} {
				if key != "" {
					keys = append(keys, key)
				}
			}
		}
		rest = rest[n:]
	}
	job.Forget(tx, gone)
	return dropBlobs(tx, keys)
}

func dropBlobs(tx *db.Tx, keys []string) error {
	for len(keys) > 0 {
		n := min(len(keys), blobsAtOnce)
		if err := job.Enqueue(tx, job.New{Kind: JobDropBlobs, Args: blobArgs{Keys: keys[:n]}}); err != nil {
			return err
		}
		keys = keys[n:]
	}
	return nil
}

// DropBlobs is the job handler that destroys bytes whose rows are gone.
func (d *Desk) DropBlobs(ctx context.Context, j job.Job) (job.Outcome, error) {
	var args blobArgs
	if err := j.Decode(&args); err != nil {
		return nil, job.Fatal(err)
	}
	for _, key := range args.Keys {
		if strings.TrimSpace(key) == "" {
			continue
		}
		if err := d.Blobs.Delete(ctx, key); err != nil {
			return nil, fmt.Errorf("drop blobs: %w", err)
		}
	}
	return nil, nil
}
