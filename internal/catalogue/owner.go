package catalogue

import (
	"cmp"
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

// spelling is how a receipt writes who bought.
type spelling struct{ member, phone string }

// hashed keeps what the spellings of a batch are looked up by: one person buys more
// than once.
type hashed map[spelling]owner

// hashOwner says by which hash the buyer of a receipt is looked up, and under which the
// receipt is kept while nobody has proved it to be hers. It names the field that cannot
// be a contact.
func (s *Shop) hashOwner(p *PurchaseForm, o *owner, known hashed) (bad string) {
	if p.CustomerID != "" || p.Member == "" && p.Phone == "" {
		return ""
	}
	how := spelling{p.Member, p.Phone}
	found, ok := known[how]
	if !ok {
		if found.kind, found.hash = customer.Member, s.MemberHash(p.Member); p.Member == "" {
			found.kind, found.hash = customer.Phone, s.PhoneHash(p.Phone)
		}
		known[how] = found
	}
	if *o = found; o.hash == "" {
		return string(o.kind)
	}
	return ""
}

// findOwners says whose the receipts are. It is asked in the transaction that stores
// them: a contact that is proved meanwhile finds the receipt waiting.
func (s *Shop) findOwners(tx *db.Tx, r *receipts) error {
	customers := map[string]string{} // customer id -> itself, if she is there
	hashes := map[customer.ContactKind]map[string]string{customer.Member: {}, customer.Phone: {}}
	for i := range r.forms {
		p, o := &r.forms[i], &r.owners[i]
		switch {
		case r.results[i].State != Added:
		case p.CustomerID != "":
			customers[p.CustomerID] = ""
		case o.hash != "":
			hashes[o.kind][o.hash] = ""
		}
	}
	if err := readCustomers(tx, customers); err != nil {
		return err
	}
	for kind, mine := range hashes {
		if err := readContacts(tx, kind, mine); err != nil {
			return err
		}
	}
	erased, err := s.erasedAmong(tx, hashes)
	if err != nil {
		return err
	}
	for i := range r.forms {
		p, o, res := &r.forms[i], &r.owners[i], &r.results[i]
		switch {
		case res.State != Added:
		case p.CustomerID != "":
			if o.customer = customers[p.CustomerID]; o.customer == "" {
				res.State, res.Field, res.Code = Bad, "customer", "unknown"
			}
		case o.hash != "":
			if o.customer = hashes[o.kind][o.hash]; o.customer != "" || erased[o.hash] {
				o.hash = ""
			}
		}
	}
	return nil
}

// erasedAmong tells which hashes nobody has any more because she had herself erased:
// her receipts are counted and wait for nobody.
func (s *Shop) erasedAmong(tx *db.Tx, hashes map[customer.ContactKind]map[string]string) (map[string]bool, error) {
	out := map[string]bool{}
	for kind, mine := range hashes {
		var waiting []string
		for hash, who := range mine {
			if who == "" {
				waiting = append(waiting, hash)
			}
		}
		found, err := s.Book.SuppressedHashes(tx, kind, waiting)
		if err != nil {
			return nil, err
		}
		for hash, why := range found {
			out[hash] = why == customer.SuppressErased
		}
	}
	return out, nil
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
func readContacts(tx *db.Tx, kind customer.ContactKind, hashes map[string]string) error {
	list := make([]string, 0, len(hashes))
	for h := range hashes {
		list = append(list, h)
	}
	person := map[string]string{}
	several := map[string]bool{}
	err := eachPart(list, func(part []string) error {
		marks, args := db.In(part, 2)
		rows, err := tx.Query(`SELECT k.hash, k.customer_id, CASE WHEN c.person_id = '' THEN c.id ELSE c.person_id END
			FROM contact k JOIN customer c ON c.id = k.customer_id
			WHERE k.kind = $1 AND k.hash IN (`+marks+`) AND k.ended_at IS NULL AND k.verified ORDER BY k.at, k.id`, append([]any{string(kind)}, args...)...)
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
	for _, kind := range []customer.ContactKind{customer.Member, customer.Phone} {
		mine := make(map[string]string, len(list))
		for _, h := range list {
			mine[h] = ""
		}
		if err := readContacts(tx, kind, mine); err != nil {
			return err
		}
		for h, who := range mine {
			hashes[h] = cmp.Or(who, hashes[h])
		}
	}
	for _, h := range list {
		if _, err := s.ClaimPurchases(tx, hashes[h], h); err != nil {
			return err
		}
	}
	return nil
}
