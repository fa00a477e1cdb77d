package vault

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/vault/transittest"
)

// at names a key of the stand-in and a key file.
func at(e *transittest.Engine, path string) string { return WithFile(e.URI("dingdong"), path) }

func TestAKMSGuardsTheKeyFile(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		e := transittest.New(t)
		path := filepath.Join(t.TempDir(), "below", "key.json")
		first, err := Open(at(e, path), d)
		must(t, err)
		newKeys(t, d, first, "cus_anna")
		var cell []byte
		read(t, d, func(tx *db.Tx) (err error) { cell, err = first.SealString(tx, "cus_anna", "x", "hello"); return err })

		asked := len(e.Calls())
		second, err := Open(at(e, path), d)
		must(t, err)
		if got := e.Calls()[asked:]; len(got) != 3 || got[0] != "/v1/transit/decrypt/dingdong" {
			t.Errorf("a start asks %q, want one decryption for each key set", got)
		}
		e.Stop() // from now on nobody asks it
		read(t, d, func(tx *db.Tx) error {
			if got, err := second.OpenString(tx, "cus_anna", "x", cell); got != "hello" || err != nil {
				t.Errorf("after a restart: %q, %v", got, err)
			}
			return nil
		})
		newKeys(t, d, second, "cus_bea")
		if first.Hash("phone", "1") != second.Hash("phone", "1") {
			t.Error("the second start hashes differently")
		}
		info, err := os.Stat(path)
		must(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("mode %04o, want 0600", info.Mode().Perm())
		}
	})
}

func TestWithoutTheKMSNothingOpens(t *testing.T) {
	const secret = "hvs.another-token"
	cases := map[string]struct {
		spoil func(t *testing.T, e *transittest.Engine, path string)
		says  string
	}{
		"down":        {func(_ *testing.T, e *transittest.Engine, _ string) { e.Stop() }, "cannot be reached"},
		"sealed":      {func(_ *testing.T, e *transittest.Engine, _ string) { e.Seal() }, "is sealed or out of service"},
		"token ended": {func(_ *testing.T, e *transittest.Engine, _ string) { e.SetToken("renewed") }, "does not let this token decrypt"},
		"wrong token": {func(t *testing.T, _ *transittest.Engine, _ string) { t.Setenv("VAULT_TOKEN", secret) }, "the token is wrong or has ended"},
		"no token":    {func(t *testing.T, _ *transittest.Engine, _ string) { t.Setenv("VAULT_TOKEN", "") }, "set VAULT_TOKEN or VAULT_TOKEN_FILE"},
		"two lines": {func(t *testing.T, _ *transittest.Engine, _ string) { t.Setenv("VAULT_TOKEN", secret+"\nx") },
			"VAULT_TOKEN holds no token"},
		"key deleted":   {func(_ *testing.T, e *transittest.Engine, _ string) { e.DropKey("dingdong") }, "has no key dingdong below transit"},
		"key made new":  {func(_ *testing.T, e *transittest.Engine, _ string) { e.AddKey("dingdong") }, "it was wrapped by another key, or it is damaged"},
		"no such mount": {answers(http.StatusNotFound, `{"errors":["no handler for route"]}`), "has no Transit engine at transit"},
		"version too old": {answers(http.StatusBadRequest, `{"errors":["ciphertext or signature version is disallowed by policy (too old)"]}`),
			"min_decryption_version"},
		"derived key":       {answers(http.StatusBadRequest, `{"errors":["missing 'context' for key derivation"]}`), "not derived"},
		"kind without data": {answers(http.StatusBadRequest, `{"errors":["'[0].associated_data' provided for non-AEAD cipher suite rsa-2048"]}`), "aes256-gcm96"},
		"damaged, older versions say": {answers(http.StatusInternalServerError, `{"errors":["cipher: message authentication failed"]}`),
			"or it is damaged"},
		"redirect": {func(_ *testing.T, e *transittest.Engine, _ string) {
			e.Answer(func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "/v1/elsewhere", http.StatusTemporaryRedirect)
			})
		}, "name the active server"},
		"a web page":      {answers(http.StatusOK, `<html>welcome</html>`), "is not a KMS"},
		"nothing in it":   {answers(http.StatusOK, `{"data":null}`), "without a plaintext"},
		"not base64":      {answers(http.StatusOK, `{"data":{"plaintext":"%%%"}}`), "without a plaintext"},
		"no end":          {answers(http.StatusOK, strings.Repeat(" ", kmsAnswer)+`{"data":{}}`), "is not a KMS"},
		"echoes":          {answers(http.StatusTeapot, `{"errors":["`+secret+`"]}`), "its own audit log says why"},
		"other plaintext": {answers(http.StatusOK, `{"data":{"plaintext":"`+base64.StdEncoding.EncodeToString([]byte(secret))+`"}}`), "keyset"},
		"a key set flipped": {tamper(func(f *keyFile) {
			f.Seal = bytes.Replace(f.Seal, []byte(`"encryptedKeyset": "d`), []byte(`"encryptedKeyset": "e`), 1)
		}), "key.json: keyset seal"},
		"a key set damaged": {tamper(func(f *keyFile) { f.Sign = damage(f.Sign) }), "keyset sign: the key dingdong of the KMS"},
		"key sets swapped":  {tamper(func(f *keyFile) { f.LookUp, f.Sign = f.Sign, f.LookUp }), "keyset look_up: the key dingdong of the KMS"},
		"in clear": {func(t *testing.T, _ *transittest.Engine, path string) {
			must(t, os.Remove(path))
			must(t, makeKeyFile(place{path: path}))
		}, `"dingdong key wrap" does that`},
		"in clear, said to be wrapped": {func(t *testing.T, _ *transittest.Engine, path string) {
			must(t, os.Remove(path))
			must(t, makeKeyFile(place{path: path}))
			tamper(func(f *keyFile) { f.WrappedBy = "us" })(t, nil, path)
		}, "keyset seal"},
		"of another house": {func(t *testing.T, e *transittest.Engine, path string) {
			must(t, os.Remove(path))
			p, err := parsePlace(at(e, path))
			must(t, err)
			must(t, makeKeyFile(p))
		}, "does not belong to this database"},
		"missing":               {func(t *testing.T, _ *transittest.Engine, path string) { must(t, os.Remove(path)) }, "is missing, but the database holds data"},
		"readable by all":       {func(t *testing.T, _ *transittest.Engine, path string) { must(t, os.Chmod(path, 0o644)) }, "chmod 600"},
		"empty":                 {func(t *testing.T, _ *transittest.Engine, path string) { must(t, os.WriteFile(path, nil, 0o600)) }, "key.json"},
		"token file absent":     {tokenFile(""), "token of the KMS"},
		"token file blank":      {tokenFile(" \n"), "the file that VAULT_TOKEN_FILE names is empty"},
		"token file of another": {tokenFile(secret + "\n"), "does not let this token decrypt"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			e, d := transittest.New(t), dbtest.New(t)
			path := filepath.Join(t.TempDir(), "key.json")
			_, err := Open(at(e, path), d)
			must(t, err)
			c.spoil(t, e, path)
			_, err = Open(at(e, path), d)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("got %v, want %q in it", err, c.says)
			}
			for _, word := range []string{secret, transittest.Token, "vault:v1", "keyset.Handle: decryption"} {
				if strings.Contains(err.Error(), word) {
					t.Errorf("the error repeats %q: %v", word, err)
				}
			}
		})
	}
}

func answers(status int, body string) func(*testing.T, *transittest.Engine, string) {
	return func(_ *testing.T, e *transittest.Engine, _ string) {
		e.Answer(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body)) // whoever asked may have read enough
		})
	}
}

func tamper(with func(f *keyFile)) func(*testing.T, *transittest.Engine, string) {
	return func(t *testing.T, _ *transittest.Engine, path string) {
		data, err := os.ReadFile(path)
		must(t, err)
		var f keyFile
		must(t, json.Unmarshal(data, &f))
		with(&f)
		changed, err := json.Marshal(f)
		must(t, err)
		must(t, os.WriteFile(path, changed, 0o600))
	}
}

// damage flips a bit of the ciphertext in an encrypted key set.
func damage(set json.RawMessage) json.RawMessage {
	var fields map[string]json.RawMessage
	var sealed []byte
	if json.Unmarshal(set, &fields) != nil || json.Unmarshal(fields["encryptedKeyset"], &sealed) != nil {
		return nil
	}
	text, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(string(sealed), "vault:v1:"))
	text[len(text)-1] ^= 1
	fields["encryptedKeyset"], _ = json.Marshal([]byte("vault:v1:" + base64.StdEncoding.EncodeToString(text)))
	out, _ := json.Marshal(fields)
	return out
}

func tokenFile(holds string) func(*testing.T, *transittest.Engine, string) {
	return func(t *testing.T, _ *transittest.Engine, _ string) {
		path := filepath.Join(t.TempDir(), "token")
		if holds != "" {
			must(t, os.WriteFile(path, []byte(holds), 0o600))
		}
		t.Setenv("VAULT_TOKEN", "")
		t.Setenv("VAULT_TOKEN_FILE", path)
	}
}

func TestFirstStartsThatMakeNoKeyFile(t *testing.T) {
	cases := map[string]struct {
		spoil func(t *testing.T, e *transittest.Engine, path string)
		says  string
	}{
		"down":         {func(_ *testing.T, e *transittest.Engine, _ string) { e.Stop() }, "cannot be reached"},
		"sealed":       {func(_ *testing.T, e *transittest.Engine, _ string) { e.Seal() }, "is sealed"},
		"wrong token":  {func(_ *testing.T, e *transittest.Engine, _ string) { e.SetToken("another") }, "does not let this token encrypt"},
		"no such key":  {func(_ *testing.T, e *transittest.Engine, _ string) { e.DropKey("dingdong") }, "there is no such key"},
		"too old":      {func(_ *testing.T, e *transittest.Engine, _ string) { e.Deafen() }, "passes over associated data"},
		"says nothing": {answers(http.StatusNoContent, ""), "refuses to encrypt"},
		"empty words":  {answers(http.StatusOK, `{"data":{}}`), "without a ciphertext"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			e, d, dir := transittest.New(t), dbtest.New(t), t.TempDir()
			c.spoil(t, e, "")
			if _, err := Open(at(e, filepath.Join(dir, "key.json")), d); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want %q in it", err, c.says)
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
				t.Errorf("it left %v, %v", left, err)
			}
			if probe, err := firstKey(t.Context(), d); err != nil || probe != nil {
				t.Errorf("it marked the database: %v, %v", probe, err)
			}
		})
	}
}

// spellings are how a key could stand in a file.
func spellings(t *testing.T, set []byte) [][]byte {
	t.Helper()
	handle, err := insecurecleartextkeyset.Read(keyset.NewBinaryReader(bytes.NewReader(set)))
	must(t, err)
	var all [][]byte
	for _, key := range insecurecleartextkeyset.KeysetMaterial(handle).GetKey() {
		value := key.GetKeyData().GetValue()
		raw := value[len(value)-32:] // the key itself ends the message in both kinds
		all = append(all, value, raw, []byte(base64.StdEncoding.EncodeToString(value)),
			[]byte(base64.StdEncoding.EncodeToString(raw)), []byte(hex.EncodeToString(raw)))
	}
	return all
}

// inClear tells which files below dir hold one of the secrets.
func inClear(t *testing.T, dir string, secrets [][]byte) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		for _, s := range secrets {
			if bytes.Contains(data, s) {
				found = append(found, filepath.Base(name))
				break
			}
		}
		return err
	})
	must(t, err)
	return found
}

func TestNoKeyEverLiesInClearOnTheDisk(t *testing.T) {
	e, dir := transittest.New(t), t.TempDir()
	d, err := db.Open(t.Context(), "sqlite:"+filepath.Join(dir, "dingdong.db"), db.Options{})
	must(t, err)
	defer d.Close()
	must(t, d.Migrate(t.Context()))
	path := filepath.Join(dir, "key.json")
	var secrets [][]byte
	look := func() {
		if found := inClear(t, dir, secrets); found != nil {
			t.Errorf("a key stands in clear in %v", found)
		}
	}
	e.OnCall(func() { // whenever the KMS is asked, also between two key sets
		secrets = nil
		for _, p := range e.Plaintexts() {
			if string(p) != "probe" {
				secrets = append(secrets, spellings(t, p)...)
			}
		}
		look()
	})
	v, err := Open(at(e, path), d)
	must(t, err)
	newKeys(t, d, v, "cus_anna")
	if len(secrets) != 15 {
		t.Fatalf("%d spellings of keys are known, want those of three keys", len(secrets))
	}
	look()

	e.OnCall(nil)
	_, err = Unwrap(at(e, path)) // the search would find them
	must(t, err)
	if found := inClear(t, dir, secrets); len(found) != 1 || found[0] != "key.json" {
		t.Errorf("the keys in clear were found in %v, want key.json", found)
	}
	_, err = Wrap("file:"+path, e.URI("dingdong"))
	must(t, err)
	look()
}

func TestTheTokenIsReadAnewFromItsFile(t *testing.T) {
	e, d := transittest.New(t), dbtest.New(t)
	path := filepath.Join(t.TempDir(), "key.json")
	token := filepath.Join(t.TempDir(), "token")
	t.Setenv("VAULT_TOKEN", "")
	t.Setenv("VAULT_TOKEN_FILE", token)
	must(t, os.WriteFile(token, []byte(transittest.Token+"\n"), 0o600))
	p, err := parsePlace(at(e, path))
	must(t, err)
	must(t, makeKeyFile(p))
	e.SetToken("renewed")
	must(t, os.WriteFile(token, []byte("renewed"), 0o600))
	if _, err := readKeyFile(p); err != nil { // by the same client
		t.Error(err)
	}
	if _, err := Open(at(e, path), d); err != nil {
		t.Error(err)
	}
}

func TestTheKMSIsCheckedByItsCertificate(t *testing.T) {
	t.Setenv("VAULT_TOKEN", transittest.Token)
	asked := false
	s := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // it complains about us
	defer s.Close()
	host := strings.TrimPrefix(s.URL, "https://")
	_, err := Open("hcvault://"+host+"/transit/keys/dingdong?file="+filepath.Join(t.TempDir(), "key.json"), dbtest.New(t))
	if err == nil || !strings.Contains(err.Error(), "certificate") || asked {
		t.Errorf("got %v, want a complaint about the certificate", err)
	}
}

func TestAKMSFileNeedsItsSetting(t *testing.T) {
	e, d := transittest.New(t), dbtest.New(t)
	path := filepath.Join(t.TempDir(), "key.json")
	_, err := Open(at(e, path), d)
	must(t, err)
	_, err = Open("file:"+path, d)
	if err == nil || !strings.Contains(err.Error(), "only a KMS opens it") || !strings.Contains(err.Error(), e.URI("dingdong")) {
		t.Errorf("got %v, want the name of the KMS key", err)
	}
}

func TestKMSAddresses(t *testing.T) {
	cases := map[string]struct{ uri, asks, file, says string }{
		"published shape":    {uri: "hcvault://vault.example:8200/transit/keys/dingdong?file=/k.json", asks: "https://vault.example:8200/v1/transit/encrypt/dingdong", file: "/k.json"},
		"without port":       {uri: "hcvault://vault.example/transit/keys/ding-dong_1.2?file=k.json", asks: "https://vault.example/v1/transit/encrypt/ding-dong_1.2", file: "k.json"},
		"namespace, mount":   {uri: "hcvault://v.example/team/kms/keys/keys/k?file=a%20b", asks: "https://v.example/v1/team/kms/keys/encrypt/k", file: "a b"},
		"this machine":       {uri: "hcvault+http://127.0.0.1:8200/transit/keys/k?file=f", asks: "http://127.0.0.1:8200/v1/transit/encrypt/k", file: "f"},
		"this machine, IPv6": {uri: "hcvault+http://[::1]:8200/transit/keys/k?file=f", asks: "http://[::1]:8200/v1/transit/encrypt/k", file: "f"},
		"clear to others":    {uri: "hcvault+http://vault.example/transit/keys/k?file=f", says: "this machine only"},
		"clear to 127 names": {uri: "hcvault+http://127.0.0.1.example/transit/keys/k?file=f", says: "this machine only"},
		"no file":            {uri: "hcvault://vault.example/transit/keys/k", says: "names no file"},
		"empty file":         {uri: "hcvault://vault.example/transit/keys/k?file=", says: "names no file"},
		"mistyped file":      {uri: "hcvault://vault.example/transit/keys/k?flie=f", says: `parameter "flie"`},
		"two files":          {uri: "hcvault://vault.example/transit/keys/k?file=f&file=g", says: `parameter "file"`},
		"a password":         {uri: "hcvault://me:s3cret@vault.example/transit/keys/k?file=f", says: "VAULT_TOKEN"},
		"a password, unread": {uri: "hcvault://me:s3cret@vault.example:port/transit/keys/k?file=f", says: "cannot be read"},
		"no host":            {uri: "hcvault:///transit/keys/k?file=f", says: "names no key of a KMS"},
		"no mount":           {uri: "hcvault://vault.example/keys/k?file=f", says: "names no key of a KMS"},
		"no key":             {uri: "hcvault://vault.example/transit/keys/?file=f", says: "names no key of a KMS"},
		"key below":          {uri: "hcvault://vault.example/transit/keys/k/config?file=f", says: "names no key of a KMS"},
		"dots":               {uri: "hcvault://vault.example/../sys/keys/k?file=f", says: "names no key of a KMS"},
		"escaped":            {uri: "hcvault://vault.example/transit%2F..%2Fsys/keys/k?file=f", says: "names no key of a KMS"},
		"opaque":             {uri: "hcvault:vault.example/transit/keys/k?file=f", says: "names no key of a KMS"},
		"a part behind":      {uri: "hcvault://vault.example/transit/keys/k?file=f#g", says: "cannot be read"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			p, err := parsePlace(c.uri)
			if c.says != "" {
				if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "s3cret") {
					t.Errorf("got %v, want %q in it", err, c.says)
				}
				return
			}
			must(t, err)
			if got := p.kms.address("encrypt"); got != c.asks || p.path != c.file {
				t.Errorf("asks %s for %s, want %s for %s", got, p.path, c.asks, c.file)
			}
			again, err := parsePlace(p.uri())
			if err != nil || again.path != p.path || again.kms.key != p.kms.key {
				t.Errorf("its own spelling %s means %+v, %v", p.uri(), again, err)
			}
		})
	}
}

func TestWithFile(t *testing.T) {
	for name, c := range map[string]struct{ uri, want string }{
		"a KMS":               {"hcvault://v/transit/keys/k", "hcvault://v/transit/keys/k?file=/data/my+key.json"},
		"a KMS with a file":   {"hcvault://v/transit/keys/k?file=f", "hcvault://v/transit/keys/k?file=f"},
		"a KMS with a slip":   {"hcvault://v/transit/keys/k?flie=f", "hcvault://v/transit/keys/k?flie=f"},
		"a file":              {"file:key.json", "file:key.json"},
		"what we do not read": {"gcp-kms://x", "gcp-kms://x"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := WithFile(c.uri, "/data/my key.json"); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
	if _, err := KeyFile("gcp-kms://x"); err == nil {
		t.Error("an unknown scheme names a file")
	}
	if got, err := KeyFile("file:///a/key.json"); got != "/a/key.json" || err != nil {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestNodesThatStartTogetherShareOneWrappedKey(t *testing.T) {
	e, d := transittest.New(t), dbtest.New(t)
	path := filepath.Join(t.TempDir(), "key.json")
	hashes := make(chan string)
	for range 4 {
		go func() {
			v, err := Open(at(e, path), d)
			if err != nil {
				hashes <- err.Error()
				return
			}
			hashes <- v.Hash("x", "y")
		}()
	}
	first := <-hashes
	for range 3 {
		if h := <-hashes; h != first {
			t.Errorf("%q and %q", first, h)
		}
	}
	if _, err := Open(at(e, path), d); err != nil {
		t.Error(err)
	}
}
