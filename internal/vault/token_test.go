package vault

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestTokens(t *testing.T) {
	v, other := newVault(nil, place{}, freshKeys(t)), newVault(nil, place{}, freshKeys(t))
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	until := now.Add(time.Hour)
	payload := []byte("msg_01 preview")
	token := v.Sign("media", payload, until)
	raw, err := base64.RawURLEncoding.DecodeString(token)
	must(t, err)
	flipped := func(at int) string {
		b := bytes.Clone(raw)
		b[at] ^= 1
		return base64.RawURLEncoding.EncodeToString(b)
	}
	cases := map[string]struct {
		vault        *Vault
		label, token string
		at           time.Time
		want         error
	}{
		"as signed":               {v, "media", token, now, nil},
		"a moment before its end": {v, "media", token, until.Add(-time.Microsecond), nil},
		"at its end":              {v, "media", token, until, ErrExpired},
		"long after":              {v, "media", token, until.AddDate(1, 0, 0), ErrExpired},
		"another label":           {v, "visitor", token, now, ErrForged},
		"another installation":    {other, "media", token, now, ErrForged},
		"a later end":             {v, "media", flipped(3), now, ErrForged},
		"another payload":         {v, "media", flipped(10), now, ErrForged},
		"another signature":       {v, "media", flipped(len(raw) - 1), now, ErrForged},
		"cut":                     {v, "media", token[:len(token)-4], now, ErrForged},
		"empty":                   {v, "media", "", now, ErrForged},
		"too short":               {v, "media", "AAAA", now, ErrForged},
		"not base64":              {v, "media", token[:5] + "*" + token[6:], now, ErrForged},
		"padded":                  {v, "media", token + "=", now, ErrForged},
		"with a line break":       {v, "media", token + "\n", now, ErrForged},
		"far too long":            {v, "media", strings.Repeat("A", 1<<20), now, ErrForged},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := c.vault.Verify(c.label, c.token, c.at)
			if !errors.Is(err, c.want) {
				t.Fatalf("error %v, want %v", err, c.want)
			}
			if c.want == nil && !bytes.Equal(got, payload) {
				t.Errorf("got %q", got)
			}
			if c.want != nil && got != nil {
				t.Errorf("a payload came with the error: %q", got)
			}
		})
	}
	if strings.Trim(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
		t.Errorf("not safe in a URL: %s", token)
	}
}

func TestTheLargestToken(t *testing.T) {
	v := newVault(nil, place{}, freshKeys(t))
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	large := make([]byte, MaxToken)
	if got, err := v.Verify("x", v.Sign("x", large, now.Add(1)), now.Add(-time.Hour)); err != nil || !bytes.Equal(got, large) {
		t.Errorf("%d bytes: %v", MaxToken, err)
	}
	if token := v.Sign("x", make([]byte, MaxToken+1), now.Add(time.Hour)); token != "" {
		t.Errorf("signed %d bytes", MaxToken+1)
	}
}

func TestLabelAndValueDoNotRunTogether(t *testing.T) {
	v := newVault(nil, place{}, freshKeys(t))
	seen := map[string]string{}
	for _, c := range [][2]string{{"phone", "12"}, {"phone1", "2"}, {"phon", "e12"}, {"", "phone12"}, {"phone", "21"}} {
		h := v.Hash(c[0], c[1])
		if len(h) != 32 || strings.Trim(h, "0123456789abcdef") != "" {
			t.Errorf("hash %q is not 32 hex digits", h)
		}
		if before, ok := seen[h]; ok {
			t.Errorf("%v has the hash of %s", c, before)
		}
		seen[h] = c[0] + "|" + c[1]
		if v.Hash(c[0], c[1]) != h {
			t.Errorf("%v hashes differently the second time", c)
		}
	}
}
