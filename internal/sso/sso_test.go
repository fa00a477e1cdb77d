package sso

import (
	"errors"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/sso/ssotest"
	"dingdong/internal/staff"
	"dingdong/internal/vault"
)

func write(t *testing.T, d *db.DB, fn func(tx *db.Tx) error) {
	t.Helper()
	if err := d.Write(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func roomAt(t *testing.T, d *db.DB) *Room {
	t.Helper()
	v, err := vault.Open("file:"+filepath.Join(t.TempDir(), "key.json"), d)
	if err != nil {
		t.Fatal(err)
	}
	return &Room{DB: d, Vault: v, PublicURL: "http://counter.test/"}
}

func form(p *ssotest.Provider) Form {
	return Form{Issuer: p.URL, ClientID: ssotest.ClientID, Secret: ssotest.ClientSecret, Domains: "group.test, @stores.test", On: true}
}

func person(t *testing.T, d *db.DB, email string, role staff.Role) (p staff.Person) {
	t.Helper()
	write(t, d, func(tx *db.Tx) (err error) {
		p, err = staff.SaveStaff(tx, staff.System(), staff.StaffForm{Email: email, Name: "Mei", Role: role})
		return err
	})
	return p
}

// visit goes to the provider as a browser does, and gives what it brings back.
func visit(t *testing.T, address string) url.Values {
	t.Helper()
	c := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := c.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	back, err := url.Parse(res.Header.Get("Location"))
	if err != nil || back.Host != "counter.test" || back.Path != CallbackPath {
		t.Fatalf("%d, back to %q", res.StatusCode, res.Header.Get("Location"))
	}
	return back.Query()
}

func TestSignIn(t *testing.T) {
	good := map[string]any{"email": "Mei@group.test", "email_verified": true, "name": "Mei"}
	cases := map[string]struct {
		claims  map[string]any
		change  func(*ssotest.Provider)
		back    func(*Back)
		adds    bool
		refused string
	}{
		"good":               {},
		"says true in words": {claims: map[string]any{"email": "mei@group.test", "email_verified": "true"}},
		"not verified":       {claims: map[string]any{"email": "mei@group.test", "email_verified": false}, refused: Unverified},
		"says nothing of it": {claims: map[string]any{"email": "mei@group.test"}, refused: Unverified},
		"no address":         {claims: map[string]any{"email_verified": true}, refused: Unverified},
		"another domain":     {claims: map[string]any{"email": "mei@evil.test", "email_verified": true}, refused: Domain},
		"a domain within":    {claims: map[string]any{"email": "mei@group.test.evil.test", "email_verified": true}, refused: Domain},
		"two signs":          {claims: map[string]any{"email": "x@group.test@evil.test", "email_verified": true}, refused: Domain},
		"nobody":             {claims: map[string]any{"email": "stranger@group.test", "email_verified": true}, refused: Unknown},
		"somebody new":       {claims: map[string]any{"email": "new@group.test", "email_verified": true, "name": "New \x00"}, adds: true},
		"new and nonsense":   {claims: map[string]any{"email": "<b>@group.test", "email_verified": true}, adds: true, refused: Unverified},
		"who left":           {claims: map[string]any{"email": "left@group.test", "email_verified": true}, adds: true, refused: Unknown},
		"she refuses":        {change: func(p *ssotest.Provider) { p.Refuses = true }, refused: Refused},
		"forged":             {change: func(p *ssotest.Provider) { p.Forges = true }, refused: BadToken},
		"for another":        {claims: map[string]any{"aud": "somebody", "email": "mei@group.test", "email_verified": true}, refused: BadToken},
		"of another":         {claims: map[string]any{"iss": "https://evil.test", "email": "mei@group.test", "email_verified": true}, refused: BadToken},
		"another nonce":      {claims: map[string]any{"nonce": "x", "email": "mei@group.test", "email_verified": true}, refused: BadToken},
		"too old":            {claims: map[string]any{"exp": 1, "email": "mei@group.test", "email_verified": true}, refused: BadToken},
		"another state":      {back: func(b *Back) { b.Query.Set("state", "x") }, refused: Lost},
		"no state":           {back: func(b *Back) { b.Query.Del("state") }, refused: Lost},
		"another browser":    {back: func(b *Back) { b.Secret = "x" }, refused: Lost},
		"no code":            {back: func(b *Back) { b.Query.Del("code") }, refused: Refused},
		"a made-up code":     {back: func(b *Back) { b.Query.Set("code", "x") }, refused: Refused},
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		r := roomAt(t, d)
		mei := person(t, d, "mei@group.test", staff.Advisor)
		left := person(t, d, "left@group.test", staff.Advisor)
		write(t, d, func(tx *db.Tx) error { return staff.EndStaff(tx, staff.System(), left.ID) })
		for name, c := range cases {
			t.Run(name, func(t *testing.T) {
				if c.claims == nil {
					c.claims = good
				}
				p := ssotest.New(t, c.claims)
				if c.change != nil {
					p.Change(c.change)
				}
				f := form(p)
				f.AddsPeople = c.adds
				write(t, d, func(tx *db.Tx) error { return r.Save(tx, staff.System(), f) })
				address, secret, err := r.Begin(t.Context(), Going{Next: "/inbox"})
				if err != nil {
					t.Fatal(err)
				}
				b := Back{Secret: secret, Query: visit(t, address)}
				if c.back != nil {
					c.back(&b)
				}
				token, next, err := r.Finish(t.Context(), b)
				var refusal Refusal
				if errors.As(err, &refusal); refusal.Code != c.refused || c.refused == "" && err != nil || (token == "") != (c.refused != "") {
					t.Fatalf("token %q, %v", token, err)
				}
				if c.refused != "" {
					return
				}
				if next != "/inbox" {
					t.Errorf("next is %q", next)
				}
				if _, _, err := r.Finish(t.Context(), b); !errors.As(err, &refusal) || refusal.Code != Lost {
					t.Errorf("twice: %v", err)
				}
				var v staff.Viewer
				err = d.Read(t.Context(), func(tx *db.Tx) (err error) {
					v, err = staff.ViewerBySession(tx, token)
					return err
				})
				if err != nil || v.Way != staff.BySSO || !c.adds && v.ID != mei.ID || c.adds && (v.Role != staff.Advisor || v.Answers()) {
					t.Errorf("%+v, %v", v, err)
				}
			})
		}
	})
}

func TestProofThatItIsStillShe(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		r := roomAt(t, d)
		mei := person(t, d, "mei@group.test", staff.Advisor)
		other := person(t, d, "olga@group.test", staff.Advisor)
		p := ssotest.New(t, map[string]any{"email": "mei@group.test", "email_verified": true})
		write(t, d, func(tx *db.Tx) error { return r.Save(tx, staff.System(), form(p)) })
		session := func(id string) (v staff.Viewer) {
			write(t, d, func(tx *db.Tx) (err error) {
				_, v, err = staff.Enter(tx, id, staff.Meta{Way: staff.BySSO})
				return err
			})
			return v
		}
		ask := func(v staff.Viewer) error {
			address, secret, err := r.Begin(t.Context(), Going{StaffID: v.ID})
			if err != nil {
				t.Fatal(err)
			}
			if u, _ := url.Parse(address); u.Query().Get("prompt") != "login" || u.Query().Get("max_age") != "0" {
				t.Errorf("she is not asked anew: %s", address)
			}
			_, _, err = r.Finish(t.Context(), Back{Secret: secret, Query: visit(t, address), Asked: &v})
			return err
		}
		if err := ask(session(mei.ID)); err != nil {
			t.Error(err)
		}
		var refusal Refusal
		if err := ask(session(other.ID)); !errors.As(err, &refusal) || refusal.Code != Other {
			t.Errorf("somebody else: %v", err)
		}
		p.Change(func(p *ssotest.Provider) { p.Claims["auth_time"] = time.Now().Add(-time.Hour).Unix() })
		if err := ask(session(mei.ID)); !errors.As(err, &refusal) || refusal.Code != BadToken {
			t.Errorf("an old proof: %v", err)
		}
	})
}

func TestSetting(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		r := roomAt(t, d)
		good := Form{Issuer: "https://login.test/x", ClientID: "c", Secret: "s", Domains: "group.test", On: true}
		for name, c := range map[string]struct {
			change      func(*Form)
			field, code string
		}{
			"no issuer":    {func(f *Form) { f.Issuer = "" }, "issuer", "required"},
			"no https":     {func(f *Form) { f.Issuer = "http://login.test" }, "issuer", "https"},
			"with a name":  {func(f *Form) { f.Issuer = "https://a:b@login.test" }, "issuer", "https"},
			"no client":    {func(f *Form) { f.ClientID = " " }, "client_id", "required"},
			"no secret":    {func(f *Form) { f.Secret = "" }, "secret", "required"},
			"no domain":    {func(f *Form) { f.Domains = "" }, "domains", "required"},
			"only a comma": {func(f *Form) { f.Domains = "," }, "domains", "required"},
			"every domain": {func(f *Form) { f.Domains = "*.test" }, "domains", "domain"},
			"an address":   {func(f *Form) { f.Domains = "a@group.test" }, "domains", "domain"},
			"long":         {func(f *Form) { f.Button = string(make([]byte, 41)) }, "button", "too_long"},
		} {
			t.Run(name, func(t *testing.T) {
				f := good
				c.change(&f)
				err := d.Write(t.Context(), func(tx *db.Tx) error { return r.Save(tx, staff.System(), f) })
				var invalid db.Invalid
				if !errors.As(err, &invalid) || invalid.Field != c.field || invalid.Code != c.code {
					t.Errorf("got %v", err)
				}
			})
		}
		if err := d.Write(t.Context(), func(tx *db.Tx) error { return r.Save(tx, staff.Viewer{Role: staff.Manager}, good) }); !errors.Is(err, staff.ErrForbidden) {
			t.Errorf("a manager: %v", err)
		}
		save := func(f Form) (s Setting) {
			write(t, d, func(tx *db.Tx) (err error) {
				if err := r.Save(tx, staff.System(), f); err != nil {
					return err
				}
				s, err = r.Load(tx)
				return err
			})
			return s
		}
		if s := save(good); s.secret != "s" || !s.HasSecret || !slices.Equal(s.Domains, []string{"group.test"}) {
			t.Errorf("%+v", s)
		}
		good.Secret = ""
		if s := save(good); s.secret != "s" {
			t.Error("the secret went")
		}
		good.Issuer, good.On = "https://evil.test", false
		if s := save(good); s.secret != "" {
			t.Error("the secret goes to another provider")
		}
		if _, _, err := r.Begin(t.Context(), Going{}); !errors.As(err, new(Refusal)) {
			t.Errorf("switched off: %v", err)
		}
	})
}

func TestCheck(t *testing.T) {
	d := dbtest.New(t)
	r := roomAt(t, d)
	for name, c := range map[string]struct {
		describes map[string]any
		setting   func(*Setting)
		bad       []string
	}{
		"good":           {},
		"wrong secret":   {setting: func(s *Setting) { s.secret = "x" }, bad: []string{"wrong_client"}},
		"nothing":        {setting: func(s *Setting) { s.Issuer = "" }, bad: []string{"no_issuer"}},
		"nobody there":   {setting: func(s *Setting) { s.Issuer = "http://127.0.0.1:1" }, bad: []string{"unreachable"}},
		"a path too far": {setting: func(s *Setting) { s.Issuer += "/x" }, bad: []string{"no_discovery"}},
		"another name":   {describes: map[string]any{"issuer": "https://other.test"}, bad: []string{"other_issuer"}},
		"poor": {describes: map[string]any{"response_types_supported": []string{"token"}, "code_challenge_methods_supported": nil, "scopes_supported": []string{"openid"},
			"jwks_uri": "http://127.0.0.1:1", "authorization_endpoint": "http://evil.test/"}, bad: []string{"no_endpoints", "no_code", "no_pkce", "no_email", "no_keys"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := ssotest.New(t, nil)
			p.Change(func(p *ssotest.Provider) { p.Describes = c.describes })
			s := Setting{Issuer: p.URL, ClientID: ssotest.ClientID, secret: ssotest.ClientSecret}
			if c.setting != nil {
				c.setting(&s)
			}
			var bad []string
			for _, f := range r.Check(t.Context(), s) {
				if !f.Good {
					bad = append(bad, f.Code)
				}
			}
			if !slices.Equal(bad, c.bad) {
				t.Errorf("found %v", bad)
			}
		})
	}
}

func TestLogout(t *testing.T) {
	d := dbtest.New(t)
	r := roomAt(t, d)
	p := ssotest.New(t, nil)
	write(t, d, func(tx *db.Tx) error { return r.Save(tx, staff.System(), form(p)) })
	got, err := r.LogoutURL(t.Context())
	if want := p.URL + "/out?client_id=dingdong&post_logout_redirect_uri=" + url.QueryEscape("http://counter.test/sign-in"); got != want || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}
