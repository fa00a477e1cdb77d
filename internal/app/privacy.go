package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"dingdong/internal/api"
	"dingdong/internal/privacy"
)

// erasureList is the file beside the database in which every erasure is noted. A
// backup does not hold it, so that restoring one cannot take it back.
const erasureList = "erasures.jsonl"

// parts is every room's answer to an erasure, from the bottom of the house to the
// top: who is found by another's rows comes before these go.
func (a *App) parts() []privacy.Part {
	return []privacy.Part{
		{Name: "api", Erase: api.Erase},
		{Name: "handover", Erase: a.Hands.Erase},
		{Name: "export", Erase: a.Files.Forget},
		{Name: "insight", Erase: a.Reader.Erase},
		{Name: "conversation", Erase: a.Desk.Erase},
		{Name: "consent", Erase: a.Consent.Erase},
		{Name: "catalogue", Erase: a.Shop.Erase},
		{Name: "customer", Erase: a.Desk.Book.Erase},
	}
}

func (a *App) openPrivacy() {
	a.Privacy = &privacy.Room{
		DB: a.DB, Vault: a.Vault, Book: a.Desk.Book, Desk: a.Desk, Shop: a.Shop, Consent: a.Consent, Reader: a.Reader, Blobs: a.Desk.Blobs,
		List: filepath.Join(a.Config.Data, erasureList), Parts: a.parts(),
	}
}

// eraseAgain erases what the list beside the database says and a restored backup
// has brought back. It comes before anybody can read.
func (a *App) eraseAgain(ctx context.Context) error {
	if _, err := os.Stat(a.Privacy.List); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	n, err := a.Privacy.Replay(ctx, a.Privacy.List)
	if err != nil {
		return fmt.Errorf("erasures: %w", err)
	}
	a.erasedAgain = n
	if n > 0 {
		a.Log.Warn("erased again what a backup had brought back", "records", n)
	}
	return nil
}
