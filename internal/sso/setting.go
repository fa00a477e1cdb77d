package sso

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"dingdong/internal/audit"
	"dingdong/internal/db"
	"dingdong/internal/staff"
	"dingdong/internal/vault"
)

const labelSecret = "sso.secret"

// Setting is what the group has entered about its provider.
type Setting struct {
	Issuer     string
	ClientID   string
	HasSecret  bool
	Domains    []string // of e-mail addresses that may come in
	Button     string   // "": a standard sentence
	AddsPeople bool     // whoever is unknown becomes an advisor without counters
	On         bool

	secret string
}

// Form is what an administrator says about the provider.
type Form struct {
	Issuer     string
	ClientID   string
	Secret     string // "": the one that is there stays
	Domains    string // with blanks or commas between them
	Button     string
	AddsPeople bool
	On         bool
}

// Load reads the setting; the zero Setting when there is none.
func (r *Room) Load(tx *db.Tx) (Setting, error) {
	var s Setting
	var sealed []byte
	var domains string
	err := tx.QueryRow(`SELECT issuer, client_id, secret, domains, button, adds_people, is_on FROM sso WHERE id = 'group'`).
		Scan(&s.Issuer, &s.ClientID, &sealed, &domains, &s.Button, &s.AddsPeople, &s.On)
	if errors.Is(err, sql.ErrNoRows) {
		return Setting{}, nil
	}
	if err != nil {
		return Setting{}, fmt.Errorf("load sign-in provider: %w", err)
	}
	secret, err := r.Vault.OpenHouse(labelSecret, sealed)
	if err != nil {
		return Setting{}, fmt.Errorf("open the provider's secret: %w", err)
	}
	s.secret, s.HasSecret, s.Domains = string(secret), len(secret) > 0, strings.Fields(domains)
	return s, nil
}

// open reads the setting of a provider that is switched on.
func (r *Room) open(ctx context.Context) (s Setting, err error) {
	err = r.DB.Read(ctx, func(tx *db.Tx) (err error) {
		s, err = r.Load(tx)
		return err
	})
	if err == nil && !s.On {
		err = Refusal{Off, nil}
	}
	return s, err
}

// Save changes the setting. Switching it off must leave an administrator a way in.
func (r *Room) Save(tx *db.Tx, v staff.Viewer, f Form) error {
	if !v.May(staff.ManageGroup) {
		return staff.ErrForbidden
	}
	old, err := r.Load(tx)
	if err != nil {
		return err
	}
	s, err := f.check(old)
	if err != nil {
		return err
	}
	sealed, err := r.Vault.SealHouse(labelSecret, []byte(s.secret))
	if err != nil {
		return fmt.Errorf("seal the provider's secret: %w", err)
	}
	_, err = tx.Exec(`INSERT INTO sso (id, issuer, client_id, secret, domains, button, adds_people, is_on, saved_at)
		VALUES ('group', $1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (id) DO UPDATE SET issuer = excluded.issuer, client_id = excluded.client_id, secret = excluded.secret,
			domains = excluded.domains, button = excluded.button, adds_people = excluded.adds_people, is_on = excluded.is_on, saved_at = excluded.saved_at`,
		s.Issuer, s.ClientID, sealed, strings.Join(s.Domains, " "), s.Button, s.AddsPeople, s.On, db.Micro(tx.Now))
	if err != nil {
		return fmt.Errorf("save sign-in provider: %w", err)
	}
	if err := staff.KeepWayIn(tx, "on"); err != nil {
		return err
	}
	audit.Record(tx, audit.Entry{Actor: v.ID, Action: "sso_saved", Detail: fmt.Sprintf("on %t, adds people %t, another secret %t", s.On, s.AddsPeople, f.Secret != "")})
	return nil
}

// Sealed names what this room seals with the installation key.
func Sealed() []vault.Column {
	return []vault.Column{{Table: "sso", Name: "secret", Keys: []string{"id"}, Label: labelSecret}}
}

// check cleans the form and names the first field that is wrong. What is switched off may
// be half filled in.
func (f Form) check(old Setting) (Setting, error) {
	s := Setting{Issuer: strings.TrimSpace(f.Issuer), ClientID: strings.TrimSpace(f.ClientID), Button: strings.TrimSpace(f.Button),
		AddsPeople: f.AddsPeople, On: f.On, secret: f.Secret}
	if s.secret == "" && s.Issuer == old.Issuer { // a secret is never handed to another provider
		s.secret = old.secret
	}
	for _, x := range []struct{ field, text string }{{"issuer", s.Issuer}, {"client_id", s.ClientID}, {"secret", s.secret}, {"domains", f.Domains}, {"button", s.Button}} {
		if len(x.text) > 1000 || x.field == "button" && utf8.RuneCountInString(x.text) > 40 {
			return s, db.Invalid{Field: x.field, Code: "too_long"}
		}
		if s.On && x.text == "" && x.field != "button" {
			return s, db.Invalid{Field: x.field, Code: "required"}
		}
	}
	if s.Issuer != "" && !safeIssuer(s.Issuer) {
		return s, db.Invalid{Field: "issuer", Code: "https"}
	}
	for _, d := range strings.FieldsFunc(strings.ToLower(f.Domains), func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\r' || r == '\t' || r == ';' }) {
		d = strings.TrimPrefix(d, "@")
		if !strings.Contains(d, ".") || strings.ContainsAny(d, "@/:*\\\"'<>") {
			return s, db.Invalid{Field: "domains", Code: "domain"}
		}
		if !slices.Contains(s.Domains, d) {
			s.Domains = append(s.Domains, d)
		}
	}
	if s.On && len(s.Domains) == 0 {
		return s, db.Invalid{Field: "domains", Code: "required"}
	}
	return s, nil
}

// safeIssuer wants https, except on this machine.
func safeIssuer(issuer string) bool {
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}
