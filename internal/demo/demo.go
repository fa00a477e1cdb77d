// Package demo is a store group to look at: an invented one in the database, a
// stand-in for LINE with its customers' phones, and a shop whose page has the web
// chat on it. What is written on a phone travels as a signed webhook through the
// real adapter, and comes back through the real client; only the platform is not
// real. Nothing here runs unless the demonstration is asked for.
package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"dingdong/internal/conversation"
	"dingdong/internal/db"
)

// Options say what the demonstration needs of the house.
type Options struct {
	Desk      *conversation.Desk
	Data      string // the house's data folder; the phones keep theirs in demo/ below it
	PublicURL string // how browsers reach the house; empty: the desk's
	Webhook   string // how the phones reach it, on this machine; empty: PublicURL
	Phone     string // address to listen on, "127.0.0.1:8081"
	Shop      string // address to listen on, "127.0.0.1:8082"
	Log       *slog.Logger
}

// Addresses are where the demonstration is to be seen.
type Addresses struct {
	PhoneURL, ShopURL string
	Seeded            Seeded
}

// Start seeds an empty database, and starts the phones and the shop. stop ends them
// and saves what the phones remember; call it before the house is closed.
func Start(ctx context.Context, o Options) (at Addresses, stop func() error, err error) {
	if o.PublicURL == "" {
		o.PublicURL = o.Desk.PublicURL
	}
	if o.Webhook == "" {
		o.Webhook = o.PublicURL
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	var open []net.Listener
	defer func() {
		if err != nil {
			for _, l := range open {
				l.Close()
			}
		}
	}()
	for _, place := range []struct {
		address string
		url     *string
	}{{o.Phone, &at.PhoneURL}, {o.Shop, &at.ShopURL}} {
		l, err := net.Listen("tcp", place.address)
		if err != nil {
			return at, nil, fmt.Errorf("demonstration: %w", err)
		}
		open = append(open, l)
		*place.url = "http://" + reached(l.Addr())
	}
	if at.Seeded, err = Seed(ctx, o.Desk, Places{PhoneURL: at.PhoneURL, ShopURL: at.ShopURL}); err != nil {
		return at, nil, fmt.Errorf("demonstration: %w", err)
	}
	phones, err := startPhones(ctx, phonesOptions{desk: o.Desk, folder: filepath.Join(o.Data, "demo"), url: at.PhoneURL,
		webhook: o.Webhook, public: o.PublicURL, pasts: at.Seeded.Pasts, log: o.Log})
	if err != nil {
		return at, nil, err
	}
	script, err := chatScript(ctx, o.Desk, o.PublicURL, at.ShopURL)
	if err != nil {
		return at, nil, errors.Join(err, phones.close())
	}
	shop, err := newShop(script)
	if err != nil {
		return at, nil, errors.Join(err, phones.close())
	}
	known, forget := context.WithCancel(ctx)
	end := serve(serving{open: open, phones: phones, shop: shop, meanwhile: func() { introduce(known, o) }})
	return at, func() error { forget(); return end() }, nil
}

// serving is what serve needs: the two servers, and what is done once they answer.
type serving struct {
	open      []net.Listener
	phones    *phones
	shop      http.Handler
	meanwhile func()
}

// introduce lets the house ask the stand-ins who its accounts are, as an
// administrator would: cards without a LIFF page need the account's id.
func introduce(ctx context.Context, o Options) {
	var accounts []conversation.Account
	err := o.Desk.DB.Read(ctx, func(tx *db.Tx) (err error) {
		accounts, err = o.Desk.Accounts(tx)
		return err
	})
	for _, a := range accounts {
		if _, ours := standIn(a); ours && a.BasicID == "" && err == nil {
			_, err = o.Desk.CheckAccount(ctx, a.ID)
		}
	}
	if err != nil && ctx.Err() == nil {
		o.Log.Warn("the demonstration's accounts are not checked", "error", err)
	}
}

// serve answers on both addresses until the returned function is called.
func serve(x serving) (stop func() error) {
	open, phones := x.open, x.phones
	servers := []*http.Server{plain(phones), plain(x.shop)}
	var serving errgroup.Group
	serving.Go(func() error { x.meanwhile(); return nil })
	for i, s := range servers {
		serving.Go(func() error {
			if err := s.Serve(open[i]); !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("demonstration: %w", err)
			}
			return nil
		})
	}
	return func() error {
		var err error
		for _, s := range servers {
			err = errors.Join(err, s.Close()) // phones hold their streams open as long as they live
		}
		return errors.Join(err, serving.Wait(), phones.close())
	}
}

func plain(h http.Handler) *http.Server {
	return &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute}
}

// reached is an address as a browser on this machine reaches it: a server that
// listens everywhere is reached on the loopback too.
func reached(a net.Addr) string {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return a.String()
	}
	host := tcp.IP.String()
	if tcp.IP.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, fmt.Sprint(tcp.Port))
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}
