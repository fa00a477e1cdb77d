package vault

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

const (
	kmsTimeout = 10 * time.Second
	// kmsAnswer bounds what is read of an answer, kmsToken what is read of a token's file.
	kmsAnswer = 1 << 20
	kmsToken  = 64 << 10
)

// kmsKey is a key of a Transit engine.
type kmsKey struct {
	uri         string // as the setting names it, without the file
	base        string // https://host:port
	host        string
	mount, name string
}

// transit is a Tink AEAD whose key never leaves the KMS: it encrypts and
// decrypts by asking a Transit engine, as HashiCorp Vault and OpenBao have it
// (https://openbao.org/api-docs/secret/transit). It may be used by one goroutine.
type transit struct {
	key    kmsKey
	client *http.Client
	// failed is why the last call failed: Tink passes on the words of an error
	// only, behind words of its own.
	failed error
}

func newTransit(key kmsKey) *transit {
	return &transit{key: key, client: &http.Client{
		Timeout:   kmsTimeout,
		Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true},
		// A redirect would carry the token and the keys to an address that nobody has set.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Encrypt gives the engine's own text ("vault:v1:..."), which names the version of the key.
func (t *transit) Encrypt(plain, data []byte) ([]byte, error) {
	var answer struct {
		Ciphertext string `json:"ciphertext"`
	}
	err := t.ask("encrypt", map[string]string{
		"plaintext":       base64.StdEncoding.EncodeToString(plain),
		"associated_data": base64.StdEncoding.EncodeToString(data),
	}, &answer)
	if err == nil && answer.Ciphertext == "" {
		err = fmt.Errorf("the KMS at %s answers without a ciphertext", t.key.host)
	}
	t.failed = err
	return []byte(answer.Ciphertext), err
}

// Decrypt opens what Encrypt gave, under the same associated data.
func (t *transit) Decrypt(sealed, data []byte) ([]byte, error) {
	var answer struct {
		Plaintext string `json:"plaintext"`
	}
	err := t.ask("decrypt", map[string]string{
		"ciphertext":      string(sealed),
		"associated_data": base64.StdEncoding.EncodeToString(data),
	}, &answer)
	plain, bad := base64.StdEncoding.DecodeString(answer.Plaintext)
	if err == nil && (bad != nil || len(plain) == 0) {
		err = fmt.Errorf("the KMS at %s answers without a plaintext", t.key.host)
	}
	t.failed = err
	return plain, err
}

// binds proves that the engine heeds associated data. One that is too old passes
// over it, and would refuse what it has wrapped as soon as it is renewed.
func (t *transit) binds() error {
	sealed, err := t.Encrypt([]byte("probe"), []byte("one"))
	if err != nil {
		return err
	}
	if _, err := t.Decrypt(sealed, []byte("another")); err == nil {
		return fmt.Errorf("the KMS at %s is too old: it passes over associated data", t.key.host)
	}
	return nil
}

// ask posts one request. No error repeats what was sent or what came back: both
// may hold keys.
func (t *transit) ask(verb string, body map[string]string, answer any) error {
	token, err := kmsTokenNow()
	if err != nil {
		return err
	}
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	r, err := http.NewRequest(http.MethodPost, t.address(verb), bytes.NewReader(data))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Vault-Token", token)
	r.Header.Set("X-Vault-Request", "true")
	response, err := t.client.Do(r)
	if err != nil {
		var outer *url.Error
		if errors.As(err, &outer) { // repeats the address
			err = outer.Err
		}
		return fmt.Errorf("the KMS at %s cannot be reached: %w", t.key.host, err)
	}
	defer response.Body.Close()
	got, err := io.ReadAll(io.LimitReader(response.Body, kmsAnswer+1))
	if err != nil {
		return fmt.Errorf("the answer of the KMS at %s broke off: %w", t.key.host, err)
	}
	if response.StatusCode != http.StatusOK {
		return t.refusal(verb, response.StatusCode, got)
	}
	envelope := struct {
		Data any `json:"data"`
	}{answer}
	if len(got) > kmsAnswer || json.Unmarshal(got, &envelope) != nil {
		return fmt.Errorf("what answers at %s is not a KMS", t.key.host)
	}
	return nil
}

func (t *transit) address(verb string) string {
	return t.key.base + "/v1/" + t.key.mount + "/" + verb + "/" + t.key.name
}

// refusal says in our own words what a status means. The engine's words are
// looked at, never repeated.
func (t *transit) refusal(verb string, status int, body []byte) error {
	var answer struct {
		Errors []string `json:"errors"`
	}
	_ = json.Unmarshal(body, &answer) // without words the status has to do
	words := strings.Join(answer.Errors, "\n")
	says := func(what string) bool { return strings.Contains(words, what) }
	key := t.key
	switch {
	case status == http.StatusForbidden || status == http.StatusUnauthorized:
		return fmt.Errorf("the KMS at %s does not let this token %s with the key %s (%d): the token is wrong or has ended, "+
			"there is no such key, or no policy grants \"update\" on %s/%s/%s", key.host, verb, key.name, status, key.mount, verb, key.name)
	case status == http.StatusServiceUnavailable:
		return fmt.Errorf("the KMS at %s is sealed or out of service (503)", key.host)
	case status == http.StatusNotFound:
		return fmt.Errorf("the KMS at %s has no Transit engine at %s (404)", key.host, key.mount)
	case says("key not found"):
		return fmt.Errorf("the KMS at %s has no key %s below %s", key.host, key.name, key.mount)
	case says("associated_data"):
		return fmt.Errorf("the key %s of the KMS at %s is of a kind that binds no associated data: "+
			"aes256-gcm96, chacha20-poly1305 and xchacha20-poly1305 do", key.name, key.host)
	case says("disallowed by policy"):
		return fmt.Errorf("the KMS at %s no longer opens what this version of the key %s has encrypted (min_decryption_version)", key.host, key.name)
	case says("context"):
		return fmt.Errorf("the key %s of the KMS at %s wants a context: use one that is not derived", key.name, key.host)
	case says("message authentication failed"), says("invalid ciphertext"): // with 400, in some versions with 500
		return fmt.Errorf("the key %s of the KMS at %s does not open it: it was wrapped by another key, or it is damaged", key.name, key.host)
	case status >= 300 && status < 400:
		return fmt.Errorf("the KMS at %s sends us elsewhere (%d), where we do not go: name the active server", key.host, status)
	}
	return fmt.Errorf("the KMS at %s refuses to %s with the key %s (%d); its own audit log says why", key.host, verb, key.name, status)
}

func (t *transit) close() { t.client.CloseIdleConnections() }

// kmsTokenNow is read at every call, so that an agent may renew it in its file.
func kmsTokenNow() (string, error) {
	token, from := os.Getenv("VAULT_TOKEN"), "VAULT_TOKEN"
	if path := os.Getenv("VAULT_TOKEN_FILE"); token == "" && path != "" {
		from = "the file that VAULT_TOKEN_FILE names"
		f, err := os.Open(path)
		if err != nil {
			return "", fmt.Errorf("token of the KMS: %w", err)
		}
		defer f.Close()
		data, err := io.ReadAll(io.LimitReader(f, kmsToken))
		if err != nil {
			return "", fmt.Errorf("token of the KMS: %w", err)
		}
		token = strings.TrimSpace(string(data))
		if token == "" {
			return "", fmt.Errorf("%s is empty", from)
		}
	}
	if token == "" {
		return "", errors.New("there is no token for the KMS: set VAULT_TOKEN or VAULT_TOKEN_FILE")
	}
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", fmt.Errorf("%s holds no token", from)
	}
	return token, nil
}
