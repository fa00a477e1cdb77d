package webhook

import (
	"errors"
	"strings"
	"testing"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

func TestForm(t *testing.T) {
	h := alone(t)
	strict := New(Options{DB: h.DB, Vault: h.Vault, Desk: h.Desk})
	tests := []struct {
		name   string
		form   Form
		field  string
		code   string
		strict bool // only without AllowLocal
	}{
		{"right", Form{Name: "Till", URL: "https://till.example.com/hook?a=b"}, "", "", false},
		{"right with kinds", Form{Name: "Till", URL: "https://till.example.com:8443/", Kinds: []string{"message.received", "message.received"}}, "", "", false},
		{"no name", Form{Name: " \x00", URL: "https://till.example.com"}, "name", "required", false},
		{"long name", Form{Name: strings.Repeat("長", 81), URL: "https://till.example.com"}, "name", "too_long", false},
		{"no address", Form{Name: "Till"}, "url", "required", false},
		{"plain", Form{Name: "Till", URL: "http://till.example.com"}, "url", "https", false},
		{"not of the web", Form{Name: "Till", URL: "file:///etc/passwd"}, "url", "malformed", false},
		{"with a password", Form{Name: "Till", URL: "https://a:b@till.example.com"}, "url", "malformed", false},
		{"nonsense", Form{Name: "Till", URL: "https://%zz"}, "url", "malformed", false},
		{"long address", Form{Name: "Till", URL: "https://till.example.com/" + strings.Repeat("a", 500)}, "url", "too_long", false},
		{"private", Form{Name: "Till", URL: "https://10.1.2.3/"}, "url", "internal", false},
		{"metadata", Form{Name: "Till", URL: "https://169.254.169.254/"}, "url", "internal", false},
		{"this machine", Form{Name: "Till", URL: "https://LOCALHOST./"}, "url", "internal", true},
		{"this machine, plain", Form{Name: "Till", URL: "http://127.0.0.1:9/"}, "url", "https", true},
		{"unknown kind", Form{Name: "Till", URL: "https://till.example.com", Kinds: []string{"message.sung"}}, "kinds", "unknown", false},
		{"endpoint of nobody", Form{ID: "end_0", Name: "Till", URL: "https://till.example.com"}, "?", "", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			room := h.Room
			if test.strict {
				room = strict
			}
			var secret string
			err := h.DB.Write(t.Context(), func(tx *db.Tx) (err error) {
				_, secret, err = room.Save(tx, staff.System(), test.form)
				return err
			})
			var invalid db.Invalid
			switch {
			case test.field == "":
				if err != nil || !strings.HasPrefix(secret, "whsec_") {
					t.Errorf("got %q, %v", secret, err)
				}
			case test.field == "?":
				if !errors.Is(err, db.ErrNotFound) {
					t.Errorf("got %v", err)
				}
			case !errors.As(err, &invalid) || invalid.Field != test.field || invalid.Code != test.code:
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestOnlyWhoManagesTheGroup(t *testing.T) {
	h := alone(t)
	e, secret := h.add("https://till.example.com/")
	v := staff.Viewer{ID: "stf_1", Role: staff.Manager}
	acts := map[string]func(tx *db.Tx) error{
		"list":   func(tx *db.Tx) error { _, err := h.List(tx, v); return err },
		"get":    func(tx *db.Tx) error { _, err := h.Get(tx, v, e.ID); return err },
		"save":   func(tx *db.Tx) error { _, _, err := h.Save(tx, v, Form{Name: "a", URL: e.URL}); return err },
		"end":    func(tx *db.Tx) error { return h.End(tx, v, e.ID) },
		"pause":  func(tx *db.Tx) error { return h.Pause(tx, v, e.ID) },
		"resume": func(tx *db.Tx) error { return h.Resume(tx, v, e.ID) },
		"log":    func(tx *db.Tx) error { _, err := h.Deliveries(tx, v, e.ID, 1); return err },
		"retry":  func(tx *db.Tx) error { _, err := h.Retry(tx, v, "edl_0"); return err },
	}
	for name, act := range acts {
		t.Run(name, func(t *testing.T) {
			if err := h.DB.Write(t.Context(), act); !errors.Is(err, staff.ErrForbidden) {
				t.Errorf("got %v", err)
			}
		})
	}
	h.read(func(tx *db.Tx) error {
		var stored []byte
		err := tx.QueryRow(`SELECT secret FROM endpoint WHERE id = $1`, e.ID).Scan(&stored)
		if strings.Contains(string(stored), strings.TrimPrefix(secret, "whsec_")) {
			t.Error("the secret is stored as it is")
		}
		return err
	})
}
