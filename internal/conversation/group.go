package conversation

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"dingdong/internal/db"
	"dingdong/internal/vault"
)

// A group chat is kept as a customer of its own kind: what is said in it is sealed under
// the group's key, and who of them said it stands inside. So what one person said there
// is found by reading all of it. Such chats are few.

// groupPage is how many messages of a group are opened at once.
const groupPage = 1000

// saidInGroups returns the messages that some records wrote in group chats.
func (d *Desk) saidInGroups(tx *db.Tx, records []string) (ids []string, err error) {
	rows, err := tx.Query(`SELECT id FROM thread WHERE kind <> 'person' ORDER BY id`)
	groups, err := db.Collect(rows, err, func(r *sql.Rows) (id string, err error) { return id, r.Scan(&id) })
	if err != nil || len(groups) == 0 {
		return nil, err
	}
	hers := map[string]bool{}
	for _, record := range records {
		identities, err := d.Book.Identities(tx, record)
		if err != nil {
			return nil, err
		}
		for _, i := range identities {
			external, err := d.Book.External(tx, i.ID)
			if err != nil && !errors.Is(err, vault.ErrErased) {
				return nil, err
			}
			hers[external] = true
		}
	}
	delete(hers, "")
	if len(hers) == 0 {
		return nil, nil
	}
	for _, group := range groups {
		some, err := d.saidInGroup(tx, group, hers)
		if err != nil {
			return nil, fmt.Errorf("what she said in a group: %w", err)
		}
		ids = append(ids, some...)
	}
	return ids, nil
}

func (d *Desk) saidInGroup(tx *db.Tx, threadID string, hers map[string]bool) (ids []string, err error) {
	type said struct {
		id, customer string
		at           int64
		body         []byte
	}
	for last := (said{at: -1}); ; {
		rows, err := tx.Query(`SELECT id, customer_id, at, body FROM message WHERE thread_id = $1 AND (at > $2 OR at = $2 AND id > $3)
			AND author = 'customer' AND body IS NOT NULL ORDER BY at, id LIMIT $4`, threadID, last.at, last.id, groupPage)
		page, err := db.Collect(rows, err, func(r *sql.Rows) (m said, err error) { return m, r.Scan(&m.id, &m.customer, &m.at, &m.body) })
		if err != nil {
			return nil, err
		}
		for _, m := range page {
			plain, err := d.Vault.Open(tx, m.customer, labelBody, m.body)
			if errors.Is(err, vault.ErrErased) || errors.Is(err, vault.ErrTampered) { // nobody can tell whose it is
				continue
			}
			if err != nil {
				return nil, err
			}
			var s stored
			if err := json.Unmarshal(plain, &s); err != nil {
				return nil, err
			}
			if hers[s.Sender] {
				ids = append(ids, m.id)
			}
		}
		if len(page) < groupPage {
			return ids, nil
		}
		last = page[len(page)-1]
	}
}

// eraseInGroups removes what some records wrote in group chats; what others said there stays.
func (d *Desk) eraseInGroups(tx *db.Tx, records []string) error {
	ids, err := d.saidInGroups(tx, records)
	for len(ids) > 0 && err == nil {
		n := min(len(ids), 200)
		err = d.ForgetMessages(tx, ids[:n])
		ids = ids[n:]
	}
	return err
}
