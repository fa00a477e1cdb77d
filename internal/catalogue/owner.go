package catalogue

import (
	"database/sql"
	"fmt"
	"time"

	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/event"
)

// A receipt names her by the member number or the phone number the till has of her.
// Where that is a contact she was proved to have, the receipt is hers; else its keyed
// hash is kept, and the receipt becomes hers when the contact is proved.

// MemberHash is the look-up hash of a member number; empty when it cannot be one.
func (s *Shop) MemberHash(member string) string {
	hash, err := s.Book.ContactHash(customer.Member, member, "")
	if err != nil {
		return ""
	}
	return hash
}

// PhoneHash is the look-up hash of a phone number; empty when it cannot be one.
func (s *Shop) PhoneHash(phone string) string {
	hash, err := s.Book.ContactHash(customer.Phone, phone, "")
	if err != nil {
		return ""
	}
	return hash
}

// hashOf is what a contact of the form is looked up by, and under which the receipt is
// kept while nobody has proved it to be hers. It is empty when the field cannot be one.
func (s *Shop) hashOf(p *PurchaseForm) (hash, field string) {
	if p.Member != "" {
		return s.MemberHash(p.Member), "member"
	}
	return s.PhoneHash(p.Phone), "phone"
}

// findOwners says whose the receipts are.
func (s *Shop) findOwners(tx *db.Tx, r *receipts) error {
	known := map[string]string{} // customer id -> itself, if she is there
	hashes := map[string]string{}
	bySpelling := map[string]string{} // one person buys more than once in a batch
	for i := range r.forms {
		p, o := &r.forms[i], &r.owners[i]
		if r.results[i].State != Added {
			continue
		}
		switch {
		case p.CustomerID != "":
			known[p.CustomerID] = ""
		case p.Member != "" || p.Phone != "":
			spelling := p.Member + "\x00" + p.Phone
			hash, ok := bySpelling[spelling]
			if !ok {
				var field string
				if hash, field = s.hashOf(p); hash == "" {
					r.results[i].State, r.results[i].Field, r.results[i].Code = Bad, field, "malformed"
					continue
				}
				bySpelling[spelling] = hash
			}
			o.hash = hash
			hashes[hash] = ""
		}
	}
	if err := readCustomers(tx, known); err != nil {
		return err
	}
	if err := readContacts(tx, hashes); err != nil {
		return err
	}
	for i := range r.forms {
		o := &r.owners[i]
		if o.customer = hashes[o.hash]; r.forms[i].CustomerID != "" {
			o.customer = known[r.forms[i].CustomerID]
		}
		if o.customer != "" {
			o.hash = ""
		}
	}
	return nil
}

func readCustomers(tx *db.Tx, known map[string]string) error {
	ids := make([]string, 0, len(known))
	for id := range known {
		ids = append(ids, id)
	}
	return eachPart(ids, func(part []string) error {
		marks, args := db.In(part, 1)
		rows, err := tx.Query(`SELECT id FROM customer WHERE id IN (`+marks+`)`, args...)
		_, err = db.Collect(rows, err, func(r *sql.Rows) (none struct{}, err error) {
			var id string
			err = r.Scan(&id)
			known[id] = id
			return none, err
		})
		if err != nil {
			return fmt.Errorf("customers of receipts: %w", err)
		}
		return nil
	})
}

// readContacts finds whose proved contacts the hashes are. A number that several
// persons have is nobody's.
func readContacts(tx *db.Tx, hashes map[string]string) error {
	list := make([]string, 0, len(hashes))
	for h := range hashes {
		list = append(list, h)
	}
	person := map[string]string{}
	several := map[string]bool{}
	err := eachPart(list, func(part []string) error {
		marks, args := db.In(part, 1)
		rows, err := tx.Query(`SELECT k.hash, k.customer_id, CASE WHEN c.person_id = '' THEN c.id ELSE c.person_id END
			FROM contact k JOIN customer c ON c.id = k.customer_id
			WHERE k.kind IN ('member', 'phone') AND k.hash IN (`+marks+`) AND k.ended_at IS NULL AND k.verified ORDER BY k.at, k.id`, args...)
		_, err = db.Collect(rows, err, func(r *sql.Rows) (none struct{}, err error) {
			var hash, customer, who string
			if err := r.Scan(&hash, &customer, &who); err != nil {
				return none, err
			}
			if person[hash] == "" {
				person[hash], hashes[hash] = who, customer
			}
			several[hash] = several[hash] || person[hash] != who
			return none, nil
		})
		return err
	})
	if err != nil {
		return fmt.Errorf("contacts of receipts: %w", err)
	}
	for h, yes := range several {
		if yes {
			hashes[h] = ""
		}
	}
	return nil
}

// ClaimPurchases gives her the receipts of a contact that was proved to be hers, by its
// hash, and tells how many they were.
func (s *Shop) ClaimPurchases(tx *db.Tx, customerID, memberHash string) (int64, error) {
	if customerID == "" || memberHash == "" {
		return 0, nil
	}
	// That the hash is not empty is said in words too: only then the partial index serves.
	n, err := tx.Exec(`UPDATE purchase SET customer_id = $1 WHERE member_hash = $2 AND member_hash <> '' AND customer_id = ''`, customerID, memberHash)
	if err != nil {
		return 0, fmt.Errorf("claim purchases: %w", err)
	}
	if n == 0 {
		return 0, nil
	}
	return n, s.changed(tx, event.Event{Customer: customerID})
}

// claimFor is how far back claimProved looks for contacts that were proved.
const claimFor = 48 * time.Hour

// claimProved claims for every contact that was proved of late, whichever door it came
// through.
func (s *Shop) claimProved(tx *db.Tx) error {
	rows, err := tx.Query(`SELECT DISTINCT k.hash FROM contact k WHERE k.verified AND k.ended_at IS NULL AND k.at >= $1
		AND EXISTS (SELECT 1 FROM purchase p WHERE p.member_hash = k.hash AND p.member_hash <> '' AND p.customer_id = '') LIMIT 1000`,
		db.Micro(tx.Now.Add(-claimFor)))
	list, err := db.Collect(rows, err, func(r *sql.Rows) (h string, err error) { return h, r.Scan(&h) })
	if err != nil {
		return fmt.Errorf("proved contacts: %w", err)
	}
	hashes := make(map[string]string, len(list))
	for _, h := range list {
		hashes[h] = ""
	}
	if err := readContacts(tx, hashes); err != nil {
		return err
	}
	for _, h := range list {
		if _, err := s.ClaimPurchases(tx, hashes[h], h); err != nil {
			return err
		}
	}
	return nil
}
