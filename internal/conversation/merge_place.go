package conversation

import (
	"cmp"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"dingdong/internal/db"
)

// arrangement is a person at a counter, and the thread that shows her there.
type arrangement struct {
	personAt
	shown   held     // ID empty: she has nothing here
	present []string // which of her records have
}

// arrange brings what a person has at a counter into one thread.
func (d *Desk) arrange(tx *db.Tx, p personAt) (arrangement, error) {
	a := arrangement{personAt: p}
	var own []held
	for _, t := range p.threads {
		if slices.Contains(p.records, t.home) {
			own = append(own, t)
		}
	}
	for _, r := range p.records {
		if _, ok := p.shares[spot{r, p.counter}]; ok {
			a.present = append(a.present, r)
		}
	}
	if len(a.present) == 0 {
		return a, nil
	}
	if len(own) == 0 { // the conversation began while she was one with another
		t, err := d.openAgain(tx, p, a.present[0])
		if err != nil {
			return a, err
		}
		own = []held{t}
	}
	// Her own thread shows it all; else the one that does already, or the oldest.
	slices.SortStableFunc(own, func(a, b held) int {
		return cmp.Or(-cmp.Compare(number(a.home == p.records[0]), number(b.home == p.records[0])),
			cmp.Compare(number(a.folded != ""), number(b.folded != "")), cmp.Compare(a.id, b.id))
	})
	a.shown = own[0]
	for _, t := range own[1:] {
		if err := d.fold(tx, t, a.shown); err != nil {
			return a, err
		}
	}
	return a, p.fetch(tx, a.shown)
}

// openAgain opens the thread of a record that has messages here and no thread.
func (d *Desk) openAgain(tx *db.Tx, p personAt, record string) (held, error) {
	from := p.threads[0]
	for _, t := range p.threads {
		if t.folded == "" {
			from = t
		}
	}
	t := held{id: tx.NewID("thr"), home: record, counter: p.counter, state: "open", kind: from.kind, lastAt: from.lastAt, createdAt: db.Micro(tx.Now)}
	for _, i := range p.identities {
		if t.identity == "" || i.record == record {
			t.identity, t.account = i.id, i.account
		}
	}
	_, err := tx.Exec(`INSERT INTO thread (id, customer_id, counter_id, kind, identity_id, account_id, last_at, created_at, home_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $2)`, t.id, record, p.counter, t.kind, t.identity, t.account, t.lastAt, t.createdAt)
	if err != nil {
		return t, fmt.Errorf("open thread again: %w", err)
	}
	return t, nil
}

// fold hides a thread behind the one that shows what was in it.
func (d *Desk) fold(tx *db.Tx, t, shown held) error {
	if _, err := tx.Exec(`UPDATE thread SET folded_id = $2, state = 'closed', waiting_since = 0, unread = 0, assignee_id = '', covers_id = '',
			reply_token = '', reply_until = 0, read_token = '', standby = FALSE WHERE id = $1`, t.id, shown.id); err != nil {
		return fmt.Errorf("fold thread: %w", err)
	}
	return d.foldDrafts(tx, t, shown)
}

// foldDrafts takes along what colleagues had begun to write. Who had begun in
// both finds the two below one another.
func (d *Desk) foldDrafts(tx *db.Tx, t, shown held) error {
	type draft struct {
		staff string
		body  []byte
		at    int64
	}
	rows, err := tx.Query(`SELECT staff_id, body, updated_at FROM draft WHERE thread_id = $1 ORDER BY staff_id`, t.id)
	drafts, err := db.Collect(rows, err, func(r *sql.Rows) (f draft, err error) { return f, r.Scan(&f.staff, &f.body, &f.at) })
	if err != nil {
		return fmt.Errorf("drafts of a thread: %w", err)
	}
	for _, f := range drafts {
		plain, err := d.Vault.Open(tx, t.home, labelDraft, f.body)
		if err != nil {
			return fmt.Errorf("open draft: %w", err)
		}
		var other []byte
		err = db.NotFound(tx.QueryRow(`SELECT body FROM draft WHERE thread_id = $1 AND staff_id = $2`, shown.id, f.staff).Scan(&other))
		if err == nil {
			first, err := d.Vault.Open(tx, shown.home, labelDraft, other)
			if err != nil {
				return fmt.Errorf("open draft: %w", err)
			}
			plain = append(append(first, '\n'), plain...)
		} else if !errors.Is(err, db.ErrNotFound) {
			return err
		}
		if utf8.RuneCount(plain) > MaxText {
			continue // it stays where it was, for the day of an unmerge
		}
		body, err := d.Vault.Seal(tx, shown.home, labelDraft, plain)
		if err != nil {
			return fmt.Errorf("seal draft: %w", err)
		}
		if _, err := tx.Exec(`INSERT INTO draft (thread_id, staff_id, body, updated_at) VALUES ($1, $2, $3, $4)
			ON CONFLICT (thread_id, staff_id) DO UPDATE SET body = excluded.body, updated_at = excluded.updated_at`, shown.id, f.staff, body, f.at); err != nil {
			return fmt.Errorf("move draft: %w", err)
		}
		if _, err := tx.Exec(`DELETE FROM draft WHERE thread_id = $1 AND staff_id = $2`, t.id, f.staff); err != nil {
			return fmt.Errorf("move draft: %w", err)
		}
	}
	return nil
}

// fetch brings the messages and notes of a person's records into the thread that
// shows them. A sender's key names one message of a thread: where two threads had
// the same key, the one that moves gets its id added until it moves back.
func (p personAt) fetch(tx *db.Tx, shown held) error {
	mine, args := db.In(p.records, 2)
	for _, t := range p.threads {
		if t.id == shown.id {
			continue
		}
		args := append([]any{t.id}, args...)
		to, more := fmt.Sprintf("$%d", len(args)+1), append(slices.Clone(args), shown.id)
		if _, err := tx.Exec(`UPDATE message SET client_key = client_key || '|' || id WHERE thread_id = $1 AND customer_id IN (`+mine+`)
			AND client_key IS NOT NULL AND EXISTS (SELECT 1 FROM message o WHERE o.thread_id = `+to+` AND o.client_key = message.client_key)`, more...); err != nil {
			return fmt.Errorf("keys of messages: %w", err)
		}
		if _, err := tx.Exec(`UPDATE message SET thread_id = `+to+` WHERE thread_id = $1 AND customer_id IN (`+mine+`)`, more...); err != nil {
			return fmt.Errorf("move messages: %w", err)
		}
		if _, err := tx.Exec(`UPDATE thread_note SET thread_id = `+to+` WHERE thread_id = $1 AND customer_id IN (`+mine+`)`, more...); err != nil {
			return fmt.Errorf("move notes: %w", err)
		}
	}
	return nil
}

// restoreKeys gives messages the sender's keys back that they had before they
// met their like. It runs when all have moved.
func restoreKeys(tx *db.Tx, threadIDs []string) error {
	for _, id := range threadIDs {
		if _, err := tx.Exec(`UPDATE message SET client_key = substr(client_key, 1, length(client_key) - length(id) - 1)
			WHERE thread_id = $1 AND client_key IS NOT NULL AND length(client_key) > length(id) + 1 AND substr(client_key, length(client_key) - length(id)) = '|' || id
			AND NOT EXISTS (SELECT 1 FROM message o WHERE o.thread_id = message.thread_id
				AND o.client_key = substr(message.client_key, 1, length(message.client_key) - length(message.id) - 1))`, id); err != nil {
			return fmt.Errorf("keys of messages: %w", err)
		}
	}
	return nil
}

// show makes a thread the one that shows a person at a counter.
func (p arrangement) show(tx *db.Tx) error {
	shown := p.shown
	sum := share{state: "closed"}
	for _, r := range append([]string{shown.home}, p.present...) {
		if s, ok := p.shares[spot{r, p.counter}]; ok && sum.assignee == "" {
			sum.assignee = s.assignee
		}
	}
	for _, r := range p.present {
		s := p.shares[spot{r, p.counter}]
		sum.unread += s.unread
		sum.waiting = earlier(sum.waiting, s.waiting)
		if s.state == "open" {
			sum.state = "open"
		}
	}
	to, err := p.answerTo(tx, shown)
	if err != nil {
		return err
	}
	covers := ""
	for _, t := range p.threads {
		if t.folded == "" && t.covers != "" && t.assignee == sum.assignee {
			covers = t.covers
		}
	}
	_, err = tx.Exec(`UPDATE thread SET customer_id = $2, folded_id = '', state = $3, assignee_id = $4, unread = $5, waiting_since = $6,
			identity_id = $7, account_id = $8, reply_token = $9, reply_until = $10, read_token = $11, standby = $12, covers_id = $13,
			last_message_id = COALESCE((SELECT m.id FROM message m WHERE m.thread_id = $1 ORDER BY m.at DESC, m.id DESC LIMIT 1), ''),
			last_at = COALESCE((SELECT m.at FROM message m WHERE m.thread_id = $1 ORDER BY m.at DESC, m.id DESC LIMIT 1), last_at),
			heard_at = COALESCE((SELECT MAX(m.at) FROM message m WHERE m.thread_id = $1 AND m.author = 'customer'), 0)
		WHERE id = $1`, shown.id, p.records[0], sum.state, sum.assignee, sum.unread, sum.waiting,
		to.identity, to.account, to.replyToken, to.replyUntil, to.readToken, to.standby, covers)
	if err != nil {
		return fmt.Errorf("show thread: %w", err)
	}
	return nil
}

// answerTo finds where she wrote last, and what the platform gave us for an
// answer there.
func (p personAt) answerTo(tx *db.Tx, shown held) (held, error) {
	var to held
	err := tx.QueryRow(`SELECT identity_id, account_id FROM message WHERE thread_id = $1 AND author = 'customer'
		ORDER BY arrived_at DESC, id DESC LIMIT 1`, shown.id).Scan(&to.identity, &to.account)
	if errors.Is(err, sql.ErrNoRows) { // she has only followed
		for _, t := range append([]held{shown}, p.threads...) {
			if i, ok := p.identities[t.identity]; ok && to.identity == "" {
				to.identity, to.account = i.id, i.account
			}
		}
		if to.identity == "" {
			to.identity, to.account = shown.identity, shown.account
		}
	} else if err != nil {
		return to, fmt.Errorf("where she wrote last: %w", err)
	}
	for _, t := range p.threads {
		if t.folded == "" && t.identity == to.identity {
			return t, nil
		}
	}
	return to, nil
}

// keepShares remembers what was whose, for the day of an unmerge.
func (p arrangement) keepShares(tx *db.Tx) error {
	marks, args := db.In(p.records, 2)
	if _, err := tx.Exec(`DELETE FROM thread_part WHERE counter_id = $1 AND customer_id IN (`+marks+`)`, append([]any{p.counter}, args...)...); err != nil {
		return fmt.Errorf("shares of a thread: %w", err)
	}
	if len(p.records) == 1 {
		return nil
	}
	type count struct {
		record string
		n      int64
	}
	rows, err := tx.Query(`SELECT customer_id, COUNT(*) FROM message WHERE thread_id = $1 AND author = 'customer' GROUP BY customer_id`, p.shown.id)
	counts, err := db.Collect(rows, err, func(r *sql.Rows) (c count, err error) { return c, r.Scan(&c.record, &c.n) })
	if err != nil {
		return fmt.Errorf("shares of a thread: %w", err)
	}
	heard := map[string]int64{}
	for _, c := range counts {
		heard[c.record] = c.n
	}
	values := make([]any, 0, 8*len(p.present))
	for _, r := range p.present {
		s := p.shares[spot{r, p.counter}]
		values = append(values, r, p.counter, s.state, s.assignee, s.unread, s.waiting, heard[r], db.Micro(tx.Now))
	}
	if err := tx.Insert(`INSERT INTO thread_part (customer_id, counter_id, state, assignee_id, unread, waiting_since, heard, at)`, 8, values, ""); err != nil {
		return fmt.Errorf("shares of a thread: %w", err)
	}
	return nil
}

// earlier is the first of two moments that are set.
func earlier(a, b int64) int64 {
	if a == 0 || (b != 0 && b < a) {
		return b
	}
	return a
}
