package web

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/staff"
	"dingdong/internal/vault"
)

// house is a server with a small store group, for the tests of every page.
type house struct {
	*Server
	Admin, Manager, Advisor, Privacy, Marketing, Other string // staff ids
	Counter, OtherCounter                              string
}

// newHouse builds a server whose people all sign in as in demo mode.
func newHouse(t testing.TB, change ...func(*Deps)) *house {
	t.Helper()
	d := Deps{DB: dbtest.New(t), Log: slog.New(slog.DiscardHandler), PublicURL: "http://counter.test", Demo: true}
	for _, c := range change {
		c(&d)
	}
	if d.Door == nil {
		d.Door = newDoor(t, d)
	}
	s, err := New(d)
	if err != nil {
		t.Fatal(err)
	}
	h := &house{Server: s}
	err = s.DB.Write(context.Background(), func(tx *db.Tx) error {
		sys := staff.System()
		// These browsers come from wherever httptest says; see TestASessionFromElsewhere.
		rules := staff.DefaultRules()
		rules.Moves = staff.MovesNever
		if err := staff.SaveRules(tx, sys, rules); err != nil {
			return err
		}
		store, err := staff.SaveStore(tx, sys, staff.StoreForm{Name: "信義店"})
		if err != nil {
			return err
		}
		for i, name := range []string{"Rosée", "Lumière"} {
			brand, err := staff.SaveBrand(tx, sys, staff.BrandForm{Name: name})
			if err != nil {
				return err
			}
			counter, err := staff.SaveCounter(tx, sys, staff.CounterForm{StoreID: store.ID, BrandID: brand.ID})
			if err != nil {
				return err
			}
			*[]*string{&h.Counter, &h.OtherCounter}[i] = counter.ID
		}
		for _, p := range []struct {
			id   *string
			form staff.StaffForm
		}{
			{&h.Admin, staff.StaffForm{Name: "Ada", Email: "ada@group.test", Role: staff.Admin}},
			{&h.Manager, staff.StaffForm{Name: "Min", Email: "min@group.test", Role: staff.Manager, Stores: []string{store.ID}}},
			{&h.Advisor, staff.StaffForm{Name: "Mei", Email: "mei@group.test", Role: staff.Advisor, Counters: []string{h.Counter}}},
			{&h.Other, staff.StaffForm{Name: "Olga", Email: "olga@group.test", Role: staff.Advisor, Counters: []string{h.OtherCounter}}},
			{&h.Privacy, staff.StaffForm{Name: "Pia", Email: "pia@group.test", Role: staff.Privacy}},
			{&h.Marketing, staff.StaffForm{Name: "Max", Email: "max@group.test", Role: staff.Marketing}},
		} {
			person, err := staff.SaveStaff(tx, sys, p.form)
			if err != nil {
				return err
			}
			*p.id = person.ID
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// newDoor lets people into a house, with the key that its desk has or one of its own.
func newDoor(t testing.TB, d Deps) *staff.Door {
	t.Helper()
	keys, err := staff.NewPasskeys(d.PublicURL)
	if err != nil {
		t.Fatal(err)
	}
	door := &staff.Door{DB: d.DB, Passkeys: keys}
	if d.Desk != nil && d.Desk.Vault != nil {
		door.Vault = d.Desk.Vault
	} else if door.Vault, err = vault.Open("file:"+t.TempDir()+"/key.json", d.DB); err != nil {
		t.Fatal(err)
	}
	return door
}

// browser is one person's browser: it keeps cookies and follows no redirects.
type browser struct {
	t       testing.TB
	s       http.Handler
	cookies map[string]string
	Header  http.Header // sent with every request
}

func newBrowser(t testing.TB, s http.Handler) *browser {
	return &browser{t: t, s: s, cookies: map[string]string{}, Header: http.Header{"Accept": {"text/html"}}}
}

// as signs somebody in.
func (h *house) as(t testing.TB, staffID string) *browser {
	t.Helper()
	b := newBrowser(t, h)
	if got := b.post("/sign-in/demo", url.Values{"id": {staffID}}); got.Code != http.StatusSeeOther {
		t.Fatalf("signing in: %d %s", got.Code, got.Body)
	}
	return b
}

func (b *browser) get(path string) *httptest.ResponseRecorder {
	return b.do(http.MethodGet, path, nil)
}

func (b *browser) post(path string, form url.Values) *httptest.ResponseRecorder {
	return b.do(http.MethodPost, path, strings.NewReader(form.Encode()))
}

func (b *browser) do(method, path string, body io.Reader) *httptest.ResponseRecorder {
	b.t.Helper()
	r := httptest.NewRequest(method, "http://counter.test"+path, body)
	for k, v := range b.Header {
		r.Header[k] = v
	}
	if body != nil && r.Header.Get("Content-Type") == "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	b.s.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c.Value
		}
	}
	return w
}

// want checks the status and that the body holds each text.
func want(t testing.TB, got *httptest.ResponseRecorder, status int, texts ...string) {
	t.Helper()
	if got.Code != status {
		t.Fatalf("status %d, want %d; body: %.400s", got.Code, status, got.Body)
	}
	for _, text := range texts {
		if !strings.Contains(got.Body.String(), text) {
			t.Errorf("body lacks %q: %.3000s", text, got.Body)
		}
	}
}

// wantRedirect checks where an answer sends her.
func wantRedirect(t testing.TB, got *httptest.ResponseRecorder, to string) {
	t.Helper()
	if got.Code != http.StatusSeeOther || got.Header().Get("Location") != to {
		t.Fatalf("got %d to %q, want redirect to %q; body: %.400s", got.Code, got.Header().Get("Location"), to, got.Body)
	}
}

var noon = time.Date(2025, 11, 22, 6, 31, 0, 0, time.UTC) // 14:31 in Taipei
