package app

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dingdong/internal/db/dbtest"
)

func TestAdminFaultsNameTheFlag(t *testing.T) {
	s := shell{t, dbtest.Folder(t)}
	s.admin("store", "add", "--name", "Xinyi")
	s.admin("brand", "add", "--name", "Rosée")
	s.admin("counter", "add", "--store", "Xinyi", "--brand", "Rosée")
	boss := s.id("admin", "staff", "add", "--name", "Boss", "--email", "boss@counter.example", "--role", "admin")
	chat := s.id("admin", "account", "add", "webchat", "--name", "Shop")
	for name, c := range map[string]struct {
		args   string // separated by |
		status int
		says   string
	}{
		"an empty name":             {"store|add|--name| ", 1, "--name: must not be empty"},
		"a name that is taken":      {"brand|add|--name|Rosée", 1, "--name: taken by another"},
		"a time zone":               {"store|edit|Xinyi|--timezone|Mars/Base", 1, "--timezone: unknown; give an IANA name"},
		"a second counter":          {"counter|add|--store|Xinyi|--brand|Rosée", 1, "--brand: has a counter in this store already"},
		"no such store":             {"counter|add|--store|Y|--brand|Rosée", 1, `--store "Y": not found (dingdong admin store list)`},
		"no such counter":           {"staff|edit|boss@counter.example|--counter|Y", 1, `--counter "Y": not found`},
		"no such person":            {"staff|edit|nobody|--name|A", 1, `staff "nobody": not found (dingdong admin staff list)`},
		"a role":                    {"staff|edit|" + boss + "|--role|queen", 1, "--role: not one of advisor, manager"},
		"the last administrator":    {"staff|edit|" + boss + "|--role|advisor", 1, "--role: somebody must remain administrator"},
		"ending her":                {"staff|end|" + boss, 1, "staff: somebody must remain administrator"},
		"a language":                {"staff|edit|" + boss + "|--language|tlh", 1, "--language: not one of en"},
		"a store for no manager":    {"staff|edit|" + boss + "|--store|Xinyi", 1, "--store: only a manager"},
		"two minds":                 {"staff|edit|" + boss + "|--counter|X|--no-counter", 2, "--no-counter"},
		"nothing to change":         {"staff|edit|" + boss, 2, "nothing to change: give at least one of --name"},
		"no store to change":        {"store|edit|Xinyi", 2, "nothing to change"},
		"no account to change":      {"account|edit|" + chat, 2, "nothing to change"},
		"no reply to change":        {"reply|edit|rpl_x", 2, "nothing to change"},
		"no webhook to change":      {"webhook|edit|end_x", 2, "nothing to change"},
		"an empty secret":           {"account|edit|" + chat + "|--channel-secret|", 2, "--channel-secret: must not be empty"},
		"which session":             {"staff|sessions|end|" + boss, 2, "--all"},
		"no such session":           {"staff|sessions|end|" + boss + "|ses_x", 1, `session "ses_x": not found`},
		"an origin":                 {"account|edit|" + chat + "|--origin|shop.example", 1, "--origin: not a site such as"},
		"no such account":           {"account|edit|acc_x|--name|A", 1, `account "acc_x": not found`},
		"a reply that is too long":  {"reply|add|--title|" + strings.Repeat("x", 61) + "|--text|x", 1, "--title: too long"},
		"no such reply":             {"reply|delete|rpl_x", 1, `reply "rpl_x": not found`},
		"a webhook inside":          {"webhook|add|--name|A|--url|https://10.0.0.1/", 1, "--url: an address inside the network"},
		"a webhook in clear":        {"webhook|add|--name|A|--url|http://shop.example/", 1, "--url: must begin with https://"},
		"a kind of event":           {"webhook|add|--name|A|--url|https://shop.example/|--kind|rain", 1, "--kind: not one of message.received"},
		"no such webhook":           {"webhook|pause|end_x", 1, `webhook "end_x": not found`},
		"no such delivery":          {"webhook|retry|edl_x", 1, `delivery "edl_x": not found`},
		"no such message":           {"failure|resend|msg_x", 1, `message "msg_x": not found`},
		"no such job":               {"job|discard|job_x", 1, `job "job_x": not found`},
		"no such token":             {"token|end|tok_x", 1, `token "tok_x": not found`},
		"a limit that is no number": {"job|list|--limit|many", 2, "--limit"},
	} {
		t.Run(name, func(t *testing.T) {
			o := shell{t, s.data}.run(append([]string{"admin"}, strings.Split(c.args, "|")...)...)
			if o.status != c.status || !strings.Contains(o.err, c.says) || o.out != "" {
				t.Errorf("ends with %d, prints %q and says %q, not %q", o.status, o.out, o.err, c.says)
			}
		})
	}
}

// TestEveryRefusalHasWords: what the console puts into words for a field, the
// command line does too.
func TestEveryRefusalHasWords(t *testing.T) {
	pages, err := filepath.Glob("../web/locale/en/*.json")
	must(t, err)
	found := map[string]any{}
	for _, page := range pages {
		raw, err := os.ReadFile(page)
		must(t, err)
		var words map[string]any
		must(t, json.Unmarshal(raw, &words))
		maps.Copy(found, words)
	}
	n := 0
	for _, key := range slices.Sorted(maps.Keys(found)) {
		if code, ok := strings.CutPrefix(key, "invalid."); ok {
			n++
			if invalidWords[code] == "" {
				t.Errorf("%q has no words", code)
			}
		}
	}
	if n < 10 {
		t.Errorf("only %d codes were found", n)
	}
}
