package demo

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"dingdong/internal/channel"
	"dingdong/internal/channel/line/linefake"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

//go:embed phones
var phoneFiles embed.FS

// phones are the stand-ins for LINE, one for every account of the demonstration,
// each in a folder of the same server.
type phones struct {
	list  []phone
	names map[string]*linefake.Platform
	page  *template.Template
}

type phone struct {
	Key, Name string
	platform  *linefake.Platform
}

// phonesOptions say what the phones need to know of the house.
type phonesOptions struct {
	desk    *conversation.Desk
	folder  string // where they keep what was said
	url     string // where they are reached
	webhook string // where the house is reached
	public  string // where browsers reach it
	pasts   map[string][]linefake.Past
	log     *slog.Logger
}

// startPhones starts a stand-in for each LINE account that a demonstration made.
func startPhones(ctx context.Context, o phonesOptions) (*phones, error) {
	p := &phones{names: map[string]*linefake.Platform{}}
	var err error
	if p.page, err = template.ParseFS(phoneFiles, "phones/index.html"); err != nil {
		return nil, fmt.Errorf("phones: %w", err)
	}
	if err := os.MkdirAll(o.folder, 0o700); err != nil {
		return nil, fmt.Errorf("phones: %w", err)
	}
	accounts, err := demoAccounts(ctx, o.desk, o.url)
	if err != nil {
		return nil, err
	}
	for _, c := range counters {
		a, ok := accounts[c.key]
		if !ok {
			continue
		}
		made, err := linefake.New(linefake.Options{
			Secret: a.Secret, Token: a.Token, Name: a.Name, BasicID: c.basicID, Webhook: o.webhook + a.WebhookPath(), AllowHTTP: true,
			LIFF:         linefake.LIFF{ID: a.LIFF.ID, Page: o.public + "/liff/" + a.ID, Channel: a.LIFF.LoginChannel},
			Cards:        func() []linefake.Card { return cardsOf(o.desk, a.ID) },
			Portrait:     func(user string) string { return portraitOf(o.url, user) },
			MonthlyLimit: 3000, StateFile: filepath.Join(o.folder, c.key+".json"), Log: o.log,
		})
		if err != nil {
			return nil, errors.Join(fmt.Errorf("phone of %s: %w", c.key, err), p.close())
		}
		for _, past := range o.pasts[c.key] {
			made.Remember(past)
		}
		p.names[c.key] = made
		p.list = append(p.list, phone{c.key, c.name, made})
	}
	return p, nil
}

// demoAccounts finds the LINE accounts that point at a stand-in of ours, and points
// them at its present address, which may have another port than last time.
func demoAccounts(ctx context.Context, desk *conversation.Desk, base string) (map[string]conversation.Account, error) {
	found := map[string]conversation.Account{}
	err := desk.DB.Write(ctx, func(tx *db.Tx) error {
		clear(found)
		all, err := desk.Accounts(tx)
		if err != nil {
			return err
		}
		for _, a := range all {
			key, ours := standIn(a)
			if !ours {
				continue
			}
			here := base + "/" + key
			if liff := liffOf(key, here); a.APIBase != here || a.LIFF != liff {
				if a, err = desk.SaveAccount(tx, staff.System(), conversation.AccountForm{ID: a.ID, Name: a.Name, CounterID: a.CounterID,
					APIBase: here, DataBase: here, Greeting: a.Greeting, LIFF: &liff}); err != nil {
					return err
				}
			}
			found[key] = a
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("accounts of the demonstration: %w", err)
	}
	return found, nil
}

// standIn tells whether an account talks to a stand-in on this machine, and which.
func standIn(a conversation.Account) (key string, ours bool) {
	u, err := url.Parse(a.APIBase)
	if err != nil || a.Kind != channel.LINE || !loopback(u.Hostname()) {
		return "", false
	}
	key = path.Base(u.Path)
	for _, c := range counters {
		if c.key == key {
			return key, true
		}
	}
	return "", false
}

// ServeHTTP gives the page with all the phones, or what belongs to one of them.
func (p *phones) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	key, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if one := p.names[key]; one != nil {
		if rest == "" { // the stand-in would send her to its own root
			http.Redirect(w, r, "/"+key+"/phone/", http.StatusFound)
			return
		}
		http.StripPrefix("/"+key, one).ServeHTTP(w, r)
		return
	}
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if user, ok := strings.CutPrefix(r.URL.Path, portraitPath); ok {
		servePortrait(w, strings.TrimSuffix(user, ".jpg"))
		return
	}
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	switch r.URL.Path {
	case "/":
		p.index(w, r)
	case "/phones.css":
		http.ServeFileFS(w, r, phoneFiles, "phones/phones.css")
	default:
		http.NotFound(w, r)
	}
}

// index shows one phone, and the accounts to choose another by.
func (p *phones) index(w http.ResponseWriter, r *http.Request) {
	data := struct {
		Phones []phone
		Chosen string
	}{Phones: p.list}
	if len(p.list) > 0 {
		data.Chosen = p.list[0].Key
	}
	if asked := r.URL.Query().Get("account"); p.names[asked] != nil {
		data.Chosen = asked
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_ = p.page.Execute(w, data) // she went away
}

// close saves what the phones remember.
func (p *phones) close() error {
	var err error
	for _, one := range p.list {
		err = errors.Join(err, one.platform.Close())
	}
	return err
}
