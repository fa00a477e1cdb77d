package line

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"strings"
)

const signatureHeader = "X-Line-Signature"

// signed tells whether the raw body carries the signature that the channel secret
// makes. An empty secret verifies nothing: anybody could sign with it.
func signed(secret string, header http.Header, body []byte) bool {
	got := signatureOf(header)
	if secret == "" || got == "" {
		return false
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	var sum [sha256.Size]byte
	var want [44]byte
	base64.StdEncoding.Encode(want[:], mac.Sum(sum[:0]))
	return subtle.ConstantTimeCompare([]byte(got), want[:]) == 1
}

// signatureOf finds the header however it is spelt: LINE announces that its case
// may change, and a header map need not come from net/http.
func signatureOf(header http.Header) string {
	if v := header.Get(signatureHeader); v != "" {
		return v
	}
	for name, values := range header {
		if strings.EqualFold(name, signatureHeader) && len(values) > 0 {
			return values[0]
		}
	}
	return ""
}
