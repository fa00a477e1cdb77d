package app

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"dingdong/internal/audit"
	"dingdong/internal/db"
)

type checkCommand struct{}

// orphans are rows whose owner is gone. Foreign keys cover what stands in one
// room; these cross rooms.
var orphans = []struct{ what, query string }{
	{"threads without customer", `SELECT COUNT(*) FROM thread t WHERE NOT EXISTS (SELECT 1 FROM customer c WHERE c.id = t.customer_id)`},
	{"threads without counter", `SELECT COUNT(*) FROM thread t WHERE NOT EXISTS (SELECT 1 FROM counter c WHERE c.id = t.counter_id)`},
	{"threads without account", `SELECT COUNT(*) FROM thread t WHERE NOT EXISTS (SELECT 1 FROM account a WHERE a.id = t.account_id)`},
	{"messages without thread", `SELECT COUNT(*) FROM message m WHERE NOT EXISTS (SELECT 1 FROM thread t WHERE t.id = m.thread_id)`},
	{"messages of another customer than their thread", `SELECT COUNT(*) FROM message m JOIN thread t ON t.id = m.thread_id
		JOIN customer c ON c.id = m.customer_id WHERE t.customer_id <> CASE WHEN c.person_id = '' THEN c.id ELSE c.person_id END OR t.folded_id <> ''`},
	{"customers without key", `SELECT COUNT(*) FROM customer c WHERE NOT EXISTS (SELECT 1 FROM vault_key k WHERE k.customer_id = c.id)`},
	{"keys without customer", `SELECT COUNT(*) FROM vault_key k WHERE k.customer_id <> '' AND NOT EXISTS (SELECT 1 FROM customer c WHERE c.id = k.customer_id)
		AND NOT EXISTS (SELECT 1 FROM import i WHERE i.id = k.customer_id AND i.blob <> '')
		AND NOT EXISTS (SELECT 1 FROM export x WHERE x.id = k.customer_id AND x.blob <> '')`},
	{"drafts without thread", `SELECT COUNT(*) FROM draft d WHERE NOT EXISTS (SELECT 1 FROM thread t WHERE t.id = d.thread_id)`},
	{"queued messages without a job", `SELECT COUNT(*) FROM message m WHERE m.status = 'queued'
		AND NOT EXISTS (SELECT 1 FROM job j WHERE j.kind = 'deliver' AND j.key = m.thread_id AND j.dead_at IS NULL)`},
}

// Run checks everything that can be checked without reading a customer's words.
func (checkCommand) Run(c *call) error {
	h, err := existingStores(c)
	if err != nil {
		return err
	}
	defer h.close()
	var wrong []string
	report := func(what string, problem string) {
		mark := "ok"
		if problem != "" {
			mark = problem
			wrong = append(wrong, what)
		}
		fmt.Fprintf(c.Out, "%-48s %s\n", what, mark)
	}
	if err := h.DB.Integrity(c.ctx); err != nil {
		report("database integrity", err.Error())
	} else {
		report("database integrity", "")
	}
	err = h.DB.Read(c.ctx, func(tx *db.Tx) error {
		for _, o := range orphans {
			var n int
			if err := tx.QueryRow(o.query).Scan(&n); err != nil {
				return fmt.Errorf("%s: %w", o.what, err)
			}
			problem := ""
			if n > 0 {
				problem = fmt.Sprint(n)
			}
			report(o.what, problem)
		}
		checked, broken, err := audit.Verify(tx)
		if err != nil {
			return err
		}
		problem := ""
		if broken > 0 {
			problem = fmt.Sprintf("broken at %d", broken)
		}
		report(fmt.Sprintf("audit chain (%d entries)", checked), problem)
		return nil
	})
	if err != nil {
		return err
	}
	missing, err := missingBlobs(c.ctx, h)
	if err != nil {
		return err
	}
	problem := ""
	if missing > 0 {
		problem = fmt.Sprint(missing)
	}
	report("people or messages whose media are missing", problem)
	if len(wrong) > 0 {
		return errors.New("found wrong: " + strings.Join(wrong, "; "))
	}
	return nil
}

// missingBlobs compares the files that messages and customers name with those there are.
func missingBlobs(ctx context.Context, h *App) (int, error) {
	there := map[string]bool{}
	if err := h.Desk.Blobs.Walk(func(key string, _ int64) error {
		there[key] = true
		return nil
	}); err != nil {
		return 0, fmt.Errorf("read the media folder: %w", err)
	}
	missing := 0
	err := h.DB.Read(ctx, func(tx *db.Tx) error {
		rows, err := tx.Query(`SELECT blob FROM message WHERE blob <> '' UNION ALL SELECT picture FROM identity WHERE picture <> ''`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var key string
			if err := rows.Scan(&key); err != nil {
				return err
			}
			if !there[key] {
				missing++
			}
		}
		return rows.Err()
	})
	return missing, err
}

type copyCommand struct {
	To string `required:"" help:"Address of the empty database: postgres://... or sqlite:/path/file.db"`
}

// Run copies every row. The key and the media stay where they are.
func (f copyCommand) Run(c *call) error {
	h, err := existingStores(c)
	if err != nil {
		return err
	}
	defer h.close()
	to, err := db.Open(c.ctx, f.To, db.Options{})
	if err != nil {
		return err
	}
	defer to.Close()
	if err := to.Migrate(c.ctx); err != nil {
		return err
	}
	if err := noteCommand(c.ctx, h.DB, "copy.made"); err != nil {
		return err
	}
	return h.DB.CopyTo(c.ctx, to, func(table string, rows int64) {
		fmt.Fprintf(c.Out, "%-24s %d\n", table, rows)
	})
}
