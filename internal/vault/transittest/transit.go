// Package transittest is a stand-in for the Transit engine of HashiCorp Vault
// and OpenBao, as far as the vault uses it: it answers as the published API
// says, over plain HTTP on this machine, and really encrypts.
package transittest

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// Token is the one that is let in at first.
const Token = "hvs.stand-in-token"

// Engine is the engine, mounted at "transit".
type Engine struct {
	server *httptest.Server

	mu        sync.Mutex
	keys      map[string]cipher.AEAD
	token     string
	sealed    bool
	deaf      bool
	answer    http.HandlerFunc
	calls     []string
	plaintext [][]byte
	onCall    func()
}

// New starts an engine with a key "dingdong", and sets VAULT_TOKEN so that it is let in.
func New(t testing.TB) *Engine {
	e := &Engine{keys: map[string]cipher.AEAD{}, token: Token}
	e.AddKey("dingdong")
	e.server = httptest.NewServer(e)
	t.Cleanup(e.server.Close)
	t.Setenv("VAULT_TOKEN", Token)
	t.Setenv("VAULT_TOKEN_FILE", "")
	return e
}

// URI names one of its keys, without a file.
func (e *Engine) URI(key string) string {
	return "hcvault+http://" + strings.TrimPrefix(e.server.URL, "http://") + "/transit/keys/" + key
}

// Stop ends it: nothing answers any more.
func (e *Engine) Stop() { e.server.Close() }

// AddKey makes a key anew; one that had the name is gone.
func (e *Engine) AddKey(name string) {
	raw := make([]byte, 32)
	rand.Read(raw) // never fails
	block, err := aes.NewCipher(raw)
	if err != nil {
		panic(err) // the size is right
	}
	key, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	e.set(func() { e.keys[name] = key })
}

// DropKey deletes a key.
func (e *Engine) DropKey(name string) { e.set(func() { delete(e.keys, name) }) }

// SetToken names the token that is let in from now on.
func (e *Engine) SetToken(token string) { e.set(func() { e.token = token }) }

// Seal makes it answer as a sealed server does, until Unseal.
func (e *Engine) Seal() { e.set(func() { e.sealed = true }) }

// Unseal ends Seal.
func (e *Engine) Unseal() { e.set(func() { e.sealed = false }) }

// Deafen makes it pass over associated data, as old versions do.
func (e *Engine) Deafen() { e.set(func() { e.deaf = true }) }

// Answer replaces every answer; nil ends that.
func (e *Engine) Answer(with http.HandlerFunc) { e.set(func() { e.answer = with }) }

// OnCall is run while a request waits for its answer.
func (e *Engine) OnCall(do func()) { e.set(func() { e.onCall = do }) }

// Calls lists the paths that were asked so far.
func (e *Engine) Calls() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]string(nil), e.calls...)
}

// Plaintexts lists what it was given to encrypt.
func (e *Engine) Plaintexts() [][]byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([][]byte(nil), e.plaintext...)
}

func (e *Engine) set(do func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	do()
}

type request struct {
	Plaintext      string `json:"plaintext"`
	Ciphertext     string `json:"ciphertext"`
	AssociatedData string `json:"associated_data"`
}

// ServeHTTP answers POST /v1/transit/{encrypt,decrypt}/{key}.
func (e *Engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	onCall := e.onCall
	e.mu.Unlock()
	if onCall != nil {
		onCall()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.calls = append(e.calls, r.URL.Path)
	verb, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v1/transit/"), "/")
	var asked request
	switch {
	case e.answer != nil:
		e.answer(w, r)
	case e.sealed:
		refuse(w, http.StatusServiceUnavailable, "Vault is sealed")
	case r.Header.Get("X-Vault-Token") != e.token:
		refuse(w, http.StatusForbidden, "permission denied")
	case !strings.HasPrefix(r.URL.Path, "/v1/transit/"):
		refuse(w, http.StatusNotFound, `no handler for route "`+strings.TrimPrefix(r.URL.Path, "/v1/")+`". route entry not found.`)
	case r.Method != http.MethodPost:
		refuse(w, http.StatusMethodNotAllowed, "unsupported operation")
	case json.NewDecoder(r.Body).Decode(&asked) != nil:
		refuse(w, http.StatusBadRequest, "failed to parse JSON input")
	case e.keys[name] == nil && verb == "encrypt": // the token may update, not create
		refuse(w, http.StatusForbidden, "1 error occurred:\n\t* permission denied\n\n")
	case e.keys[name] == nil:
		refuse(w, http.StatusBadRequest, "encryption key not found")
	case verb == "encrypt":
		e.encrypt(w, e.keys[name], asked)
	case verb == "decrypt":
		e.decrypt(w, e.keys[name], asked)
	default:
		refuse(w, http.StatusNotFound, "unsupported path")
	}
}

func (e *Engine) encrypt(w http.ResponseWriter, key cipher.AEAD, asked request) {
	plain, err := base64.StdEncoding.DecodeString(asked.Plaintext)
	data, err2 := e.data(asked)
	if err != nil || err2 != nil || len(plain) == 0 {
		refuse(w, http.StatusBadRequest, "illegal base64 data")
		return
	}
	e.plaintext = append(e.plaintext, plain)
	give(w, map[string]any{
		"ciphertext":  "vault:v1:" + base64.StdEncoding.EncodeToString(key.Seal(nil, nil, plain, data)),
		"key_version": 1,
	})
}

func (e *Engine) decrypt(w http.ResponseWriter, key cipher.AEAD, asked request) {
	text, ok := strings.CutPrefix(asked.Ciphertext, "vault:v1:")
	if !ok {
		refuse(w, http.StatusBadRequest, "invalid ciphertext: no prefix")
		return
	}
	sealed, err := base64.StdEncoding.DecodeString(text)
	data, err2 := e.data(asked)
	if err != nil || err2 != nil {
		refuse(w, http.StatusBadRequest, "invalid ciphertext: could not decode base64")
		return
	}
	plain, err := key.Open(nil, nil, sealed, data)
	if err != nil {
		refuse(w, http.StatusBadRequest, "cipher: message authentication failed")
		return
	}
	give(w, map[string]any{"plaintext": base64.StdEncoding.EncodeToString(plain)})
}

func (e *Engine) data(asked request) ([]byte, error) {
	if e.deaf {
		return nil, nil
	}
	return base64.StdEncoding.DecodeString(asked.AssociatedData)
}

func refuse(w http.ResponseWriter, status int, why string) {
	reply(w, status, map[string]any{"errors": []string{why}})
}

func give(w http.ResponseWriter, data map[string]any) {
	reply(w, http.StatusOK, map[string]any{"request_id": "4a9f", "lease_id": "", "renewable": false, "lease_duration": 0,
		"data": data, "wrap_info": nil, "warnings": nil, "auth": nil})
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // whoever asked has gone
}
