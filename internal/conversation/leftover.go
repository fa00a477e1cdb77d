package conversation

import (
	"context"
	"fmt"
	"strings"
	"time"

	"dingdong/internal/db"
)

// leftoverTime is how long an upload may wait to be sent.
const leftoverTime = 48 * time.Hour

// DropLeftovers destroys uploads that were never sent, and tells how many.
func (d *Desk) DropLeftovers(ctx context.Context) (int, error) {
	newest := db.IDAt("upl", d.DB.Now().Add(-leftoverTime))
	var old []string
	err := d.Blobs.Walk(func(key string, _ int64) error {
		if _, id, _ := strings.Cut(key, "/"); strings.HasPrefix(id, "upl_") && id < newest {
			old = append(old, key)
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("leftover uploads: %w", err)
	}
	dropped := 0
	for _, key := range old {
		used := 0
		err := d.DB.Read(ctx, func(tx *db.Tx) error {
			// A preview is kept as long as the picture it belongs to.
			_, id, _ := strings.Cut(key, "/")
			return tx.QueryRow(`SELECT COUNT(*) FROM message WHERE blob = $1 AND blob <> ''`, blobKey(id)).Scan(&used)
		})
		if err != nil {
			return dropped, fmt.Errorf("leftover uploads: %w", err)
		}
		if used > 0 {
			continue
		}
		if err := d.Blobs.Delete(ctx, key); err != nil {
			return dropped, fmt.Errorf("leftover uploads: %w", err)
		}
		dropped++
	}
	return dropped, nil
}
