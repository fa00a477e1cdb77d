package demo

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"slices"

	"dingdong/internal/channel"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

//go:embed shop
var shopFiles embed.FS

// newShop serves the page of an invented shop, with the chat on it in one line as
// on any site: it knows nothing of the house but that line's address.
func newShop(script string) (http.Handler, error) {
	page, err := template.ParseFS(shopFiles, "shop/index.html")
	if err != nil {
		return nil, fmt.Errorf("shop: %w", err)
	}
	var body bytes.Buffer
	if err := page.Execute(&body, struct{ ChatScript string }{script}); err != nil {
		return nil, fmt.Errorf("shop: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write(body.Bytes())
	})
	mux.HandleFunc("GET /shop.css", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, shopFiles, "shop/shop.css")
	})
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent) // browsers ask, and an error in their console would look like ours
	})
	return mux, nil
}

// chatScript finds the demonstration's web chat, lets the shop embed it where it
// is now, and gives the address of the chat's script; empty when there is none.
func chatScript(ctx context.Context, desk *conversation.Desk, public, shop string) (string, error) {
	script := ""
	err := desk.DB.Write(ctx, func(tx *db.Tx) error {
		script = ""
		all, err := desk.Accounts(tx)
		if err != nil {
			return err
		}
		for _, a := range all {
			if a.Kind != channel.WebChat || a.Name != webName {
				continue
			}
			script = public + "/chat/" + a.ID + "/widget.js"
			if slices.Contains(a.Origins, shop) {
				return nil
			}
			_, err := desk.SaveAccount(tx, staff.System(), conversation.AccountForm{ID: a.ID, Name: a.Name, CounterID: a.CounterID,
				Origins: append(a.Origins, shop), Greeting: a.Greeting})
			return err
		}
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("web chat of the demonstration: %w", err)
	}
	return script, nil
}
