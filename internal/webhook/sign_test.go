package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// verify is what a receiver does, written from the specification.
func verify(c got, secret string) error {
	encoded, found := strings.CutPrefix(secret, "whsec_")
	if !found {
		return fmt.Errorf("the secret %q has no prefix", secret)
	}
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(key) < 24 || len(key) > 64 {
		return fmt.Errorf("a key of %d bytes: %w", len(key), err)
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", c.header.Get("webhook-id"), c.header.Get("webhook-timestamp"), c.body)
	if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); !slices.Contains(strings.Fields(c.header.Get("webhook-signature")), want) {
		return fmt.Errorf("signed %q, want %q", c.header.Get("webhook-signature"), want)
	}
	return nil
}

func TestSignature(t *testing.T) {
	// Worked out with: printf 'edl_1.1700000000.{"a":1}' | openssl dgst -sha256 -mac HMAC -macopt hexkey:<32 times 2a> -binary | base64
	secret := "whsec_" + base64.StdEncoding.EncodeToString([]byte(strings.Repeat("*", 32)))
	e := envelope{id: "edl_1", at: time.Unix(1_700_000_000, 0), body: []byte(`{"a":1}`)}
	got, err := e.sign(secret)
	if want := "v1,wbA325BY9dmKUN8N4EfENjiLHZhfaakjufWAPvb6AD0="; err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	if _, err := e.sign("whsec_?"); err == nil {
		t.Error("a secret that is none was used")
	}
}
