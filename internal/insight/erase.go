package insight

import (
	"fmt"

	"dingdong/internal/db"
)

// Erase forgets what some records were heard to say. It comes before their
// conversations go: a mention is found by its message.
func (r *Room) Erase(tx *db.Tx, records []string) error {
	if len(records) == 0 {
		return nil
	}
	marks, args := db.In(records, 1)
	if _, err := tx.Exec(`DELETE FROM mention WHERE message_id IN (SELECT m.id FROM message m JOIN thread t ON t.id = m.thread_id
		WHERE t.customer_id IN (`+marks+`))`, args...); err != nil {
		return fmt.Errorf("erase mentions: %w", err)
	}
	return nil
}

// ForgetThreads removes what was heard in some threads: they go.
func ForgetThreads(tx *db.Tx, threadIDs []string) error {
	if len(threadIDs) == 0 {
		return nil
	}
	marks, args := db.In(threadIDs, 1)
	if _, err := tx.Exec(`DELETE FROM mention WHERE message_id IN (SELECT id FROM message WHERE thread_id IN (`+marks+`))`, args...); err != nil {
		return fmt.Errorf("forget mentions: %w", err)
	}
	return nil
}
