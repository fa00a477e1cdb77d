package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"time"

	"dingdong/internal/db"
)

// floorMain is the least that a webhook receiver can do: signature, JSON, one
// durable row an event.
func floorMain(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: floor DATABASE ADDRESS")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	d, err := db.Open(ctx, args[0], db.Options{})
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(`CREATE TABLE floor (id TEXT PRIMARY KEY, body TEXT NOT NULL)`)
		return err
	}); err != nil {
		return err
	}
	l, err := net.Listen("tcp", args[1])
	if err != nil {
		return err
	}
	s := &http.Server{Handler: floorHandler(d)}
	go func() { <-ctx.Done(); s.Close() }()
	if err := s.Serve(l); err != http.ErrServerClosed {
		return err
	}
	return nil
}

func floorHandler(d *db.DB) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
		if err != nil {
			http.Error(w, "body", http.StatusBadRequest)
			return
		}
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(body)
		if base64.StdEncoding.EncodeToString(mac.Sum(nil)) != r.Header.Get("X-Line-Signature") {
			http.Error(w, "signature", http.StatusForbidden)
			return
		}
		var b struct {
			Events []struct {
				ID string `json:"webhookEventId"`
			} `json:"events"`
		}
		if err := json.Unmarshal(body, &b); err != nil || len(b.Events) == 0 {
			http.Error(w, "json", http.StatusBadRequest)
			return
		}
		err = d.Write(r.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec(`INSERT INTO floor (id, body) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING`, b.Events[0].ID, string(body))
			return err
		})
		if err != nil {
			http.Error(w, "store", http.StatusServiceUnavailable)
		}
	})
}

// floor measures the floor in a process of its own.
func (r *run) floor(url string, d time.Duration) (float64, error) {
	dir, err := os.MkdirTemp("", "dingdong-floor-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	if url == "" {
		url = "sqlite:" + filepath.Join(dir, "floor.db")
	}
	self, err := os.Executable()
	if err != nil {
		return 0, err
	}
	address := freeAddress()
	cmd := exec.CommandContext(r.ctx, self, "floor", url, address)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer func() { cmd.Process.Signal(os.Interrupt); cmd.Wait() }()
	w := &webhooks{customers: 2000, salt: "FL"}
	for began := time.Now(); ; {
		if err := w.post(r.ctx, http.DefaultClient, "http://"+address); err == nil {
			break
		} else if time.Since(began) > 10*time.Second {
			return 0, err
		}
		time.Sleep(10 * time.Millisecond)
	}
	return w.flood(r.ctx, "http://"+address, 64, d)
}
