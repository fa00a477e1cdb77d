package app

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// waysOut are all the places in which a message can come to be on its way, each with how
// it asks for consent. A new one must be written here, and must ask.
var waysOut = map[string]string{
	"conversation/send.go StatusQueued":             "Send asks permit before it inserts",
	"conversation/planned.go StatusQueued":          "queuePlanned comes after due, which asks Recheck or permit",
	"conversation/planned.go SET status = 'queued'": "the same",
	"conversation/failure.go StatusQueued":          "Resend asks permitAgain",
	"conversation/courier_failure.go StatusQueued":  "a call that goes on being tried: it was permitted, and pack asks again",
	"conversation/courier.go Send(ctx, p.account":   "Deliver: only what is queued, and pack asks May for every purpose but service, unless the call may have been made",
	"conversation/message.go StatusQueued":          "the name",
	"web/chat_stream.go StatusQueued":               "only compares",
	"conversation/message.go INSERT INTO message (": "row.insert; its callers are below",
	"conversation/send.go m.insert(tx)":             "Send",
	"conversation/line.go m.insert(tx)":             "a line of the system: it is received, and nobody sends it",
	"conversation/receive.go m.insert(tx)":          "what she wrote",
	"conversation/receive_other.go m.insert(tx)":    "the same",
	"conversation/import.go m.insert(tx)":           "the past: it refuses what would be on its way",
	"conversation/visitor.go m.insert(tx)":          "what she wrote on the web",
	"conversation/import.go StatusQueued":           "refuses it",
	"conversation/pack.go StatusQueued":             "reads what Send has queued, and asks again",
}

// TestEveryWayOutAsks looks for words of the code by which something could be sent: there
// is no flag, no role and no door that goes around consent.
func TestEveryWayOutAsks(t *testing.T) {
	signs := regexp.MustCompile(`StatusQueued|SET status = 'queued'|Send\(ctx, p\.account|INSERT INTO message \(|m\.insert\(tx\)|\]\.Send\(`)
	found := map[string]bool{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		for _, sign := range signs.FindAllString(readSource(t, s), -1) {
			if sign == "].Send(" {
				sign = "Send(ctx, p.account"
			}
			key := strings.TrimPrefix(s.path, "internal/") + " " + sign
			found[key] = true
			if waysOut[key] == "" {
				t.Errorf("%s: how does this ask for consent? Write it into waysOut", key)
			}
		}
	}
	for _, must := range []string{"conversation/send.go StatusQueued", "conversation/courier.go Send(ctx, p.account", "conversation/failure.go StatusQueued"} {
		if !found[must] {
			t.Errorf("%s is not found: the test looks for the wrong words", must)
		}
	}
	for key := range waysOut {
		if !found[key] {
			t.Errorf("%s is no way out any more", key)
		}
	}
}

func readSource(t *testing.T, s source) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", filepath.FromSlash(s.path)))
	must(t, err)
	return string(raw)
}
