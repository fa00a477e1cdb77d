package customer

import (
	"fmt"

	"dingdong/internal/db"
)

// Erase removes every row of some records: the register forgets that they were
// ever there. Whose key it is, and what other rooms keep, is theirs. It may be
// called again, and then finds what another node wrote meanwhile.
//
// Whoever is erased is suppressed first, so that a file or a program which still
// has her cannot bring her back for marketing.
func (b *Book) Erase(tx *db.Tx, records []string) error {
	if len(records) == 0 {
		return nil
	}
	if err := b.Suppress(tx, records, SuppressErased); err != nil {
		return err
	}
	marks, args := db.In(records, 1)
	hers := ` IN (` + marks + `)`
	for _, q := range []string{
		`DELETE FROM wish_facet WHERE wish_id IN (SELECT id FROM wish WHERE customer_id` + hers + `)`,
		`DELETE FROM merge_member WHERE customer_id` + hers + ` OR merge_id IN (SELECT id FROM merge WHERE kept_id` + hers + ` OR lost_id` + hers + `)`,
		`DELETE FROM merge WHERE kept_id` + hers + ` OR lost_id` + hers,
		`DELETE FROM merge_refusal WHERE one_id` + hers + ` OR two_id` + hers,
	} {
		if _, err := tx.Exec(q, args...); err != nil {
			return fmt.Errorf("erase from the register: %w", err)
		}
	}
	for _, table := range []string{"wish", "promise", "note", "refusal", "customer_tag", "attribute", "contact", "binding",
		"customer_gram", "identity"} {
		if _, err := tx.Exec(`DELETE FROM `+table+` WHERE customer_id`+hers, args...); err != nil {
			return fmt.Errorf("erase %s: %w", table, err)
		}
	}
	if _, err := tx.Exec(`DELETE FROM customer WHERE id`+hers, args...); err != nil {
		return fmt.Errorf("erase customer: %w", err)
	}
	return nil
}
