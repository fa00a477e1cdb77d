package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The headers of the Standard Webhooks specification
// (https://github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md).
const (
	headerID        = "webhook-id"
	headerTimestamp = "webhook-timestamp"
	headerSignature = "webhook-signature"
)

// envelope is what is signed: who says it, when, and every byte of what.
type envelope struct {
	id   string
	at   time.Time
	body []byte
}

// sign makes the value of the signature header with secrets as they were shown:
// one signature each, between spaces.
func (e envelope) sign(secrets ...string) (string, error) {
	var out []string
	for _, secret := range secrets {
		signature, err := e.signWith(secret)
		if err != nil {
			return "", err
		}
		out = append(out, signature)
	}
	return strings.Join(out, " "), nil
}

func (e envelope) signWith(secret string) (string, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, secretPrefix))
	if err != nil {
		return "", fmt.Errorf("signing secret: %w", err)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(e.id + "." + e.timestamp() + "."))
	mac.Write(e.body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)), nil
}

func (e envelope) timestamp() string { return strconv.FormatInt(e.at.Unix(), 10) }
