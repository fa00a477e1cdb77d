package job

import (
	"fmt"

	"dingdong/internal/db"
)

// Forgetting names jobs that have lost their reason, because whom they were for
// was erased.
type Forgetting struct {
	Lanes   []string // every job that waits in them
	Kinds   []string // and of these kinds
	Keys    []string // what has one of these keys
	IDs     []string // these jobs
	Mention []string // ids: dead jobs with one of them in their args go as well
}

// Forget removes jobs with the commit of tx. One that is being run at this moment
// ends by itself: its handler finds nothing to do.
func Forget(tx *db.Tx, f Forgetting) { tx.Defer(changes, &f) }

func (f *flushing) forget(w *Forgetting) error {
	err := inChunks(w.Lanes, 1, func(marks string, args []any) error {
		_, err := f.tx.Exec("DELETE FROM job WHERE claim = 0 AND lane <> '' AND lane IN ("+marks+")", args...)
		return err
	})
	if err != nil {
		return fmt.Errorf("forget lanes: %w", err)
	}
	for _, kind := range w.Kinds {
		err := inChunks(w.Keys, 2, func(marks string, args []any) error {
			_, err := f.tx.Exec("DELETE FROM job WHERE claim = 0 AND lane = '' AND kind = $1 AND key IN ("+marks+")", append([]any{kind}, args...)...)
			return err
		})
		if err != nil {
			return fmt.Errorf("forget jobs: %w", err)
		}
	}
	err = inChunks(w.IDs, 1, func(marks string, args []any) error {
		_, err := f.tx.Exec("DELETE FROM job WHERE claim = 0 AND lane = '' AND id IN ("+marks+")", args...)
		return err
	})
	if err != nil {
		return fmt.Errorf("forget jobs: %w", err)
	}
	for _, id := range w.Mention {
		// Dead jobs are few, and of the living ones nobody but their handler reads the args.
		if _, err := f.tx.Exec("DELETE FROM job WHERE dead_at IS NOT NULL AND (lane = $1 OR key = $1 OR args LIKE $2)", id, "%"+id+"%"); err != nil {
			return fmt.Errorf("forget dead jobs: %w", err)
		}
	}
	return nil
}
