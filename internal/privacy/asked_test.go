package privacy

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
)

// She confirms in her chat; the copy is made at once and is hers alone, the erasure
// waits for an officer.
func TestWhatSheAsksInHerChat(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		lin := h.hears("Ulin", "hello", nil)
		other := h.hears("Uother", "hello", nil)
		taps := func(what string) {
			t.Helper()
			h.hears("Ulin", "", func(in *channel.Inbound) {
				in.Kind, in.Body = channel.Postback, channel.Body{Type: channel.Button, Data: conversation.DataOwn + ":" + what}
			})
			h.works(conversation.JobAsked)
		}
		taps("export")
		taps("export")
		taps("erase")
		open := func() (out []Request) {
			h.read(func(tx *db.Tx) (err error) {
				out, err = h.OpenRequests(tx, lin)
				return err
			})
			return out
		}
		all := open()
		if len(all) != 2 || all[0].Origin != FromChat || all[0].By != "" || !all[0].Due.After(h.clock.Now()) {
			t.Fatalf("open: %+v", all)
		}
		var files []File
		h.read(func(tx *db.Tx) (err error) {
			files, err = h.FilesOf(tx, lin)
			return err
		})
		if len(files) != 1 || files[0].State != FileMaking {
			t.Fatalf("files: %+v", files)
		}
		h.works(JobFile)
		if _, _, err := h.FetchOwn(context.Background(), other, files[0].ID); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("somebody else's: %v", err)
		}
		for range 2 {
			in, _, err := h.FetchOwn(context.Background(), lin, files[0].ID)
			check(t, err)
			if n, err := io.Copy(io.Discard, in); n == 0 || err != nil {
				t.Errorf("%d bytes, %v", n, err)
			}
			in.Close()
		}
		if left := open(); len(left) != 1 || left[0].Kind != AskErase {
			t.Errorf("still open: %+v", left)
		}
		if n := h.number(`SELECT COUNT(*) FROM customer WHERE id = $1`, lin); n != 1 {
			t.Error("a tap erased her")
		}
		h.clock.Advance(365 * 24 * time.Hour)
		if _, _, err := h.FetchOwn(context.Background(), lin, files[0].ID); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("a year later: %v", err)
		}
	})
}
