package app

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"dingdong/internal/audit"
	"dingdong/internal/channel"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/export"
	"dingdong/internal/staff"
)

// adminActs is every admin command and what it leaves in the audit when it succeeds, in
// an order in which each of them can. {name} stands for what a former one made. A command
// that changes anything has no "none".
var adminActs = []struct {
	command string
	args    string // separated by |
	leaves  string // "none: why"; "by ...": in the small house of this test it cannot succeed
	keep    string // the name of what it made
}{
	{"store add", "--name|Xinyi", "store_saved", "store"},
	{"brand add", "--name|Rosée", "brand_saved", "brand"},
	{"counter add", "--store|{store}|--brand|{brand}", "counter_saved", "counter"},
	{"store edit", "{store}|--name|Xinyi A8", "store_saved", ""},
	{"brand edit", "{brand}|--name|Rosée Paris", "brand_saved", ""},
	{"counter edit", "{counter}|--name|R1", "counter_saved", ""},
	{"store list", "", "none: it lists", ""},
	{"brand list", "", "none: it lists", ""},
	{"counter list", "", "none: it lists", ""},
	{"counter close", "{counter}", "counter_closed", ""},
	{"store close", "{store}", "store_closed", ""},
	{"brand close", "{brand}", "brand_closed", ""},
	{"store reopen", "{store}", "store_reopened", ""},
	{"brand reopen", "{brand}", "brand_reopened", ""},
	{"counter reopen", "{counter}", "counter_reopened", ""},

	{"staff add", "--name|Ada|--email|ada@counter.example|--role|admin|--counter|{counter}", "staff_saved", "boss"},
	{"staff add", "--name|Mei|--email|mei@counter.example|--counter|{counter}", "staff_saved", "staff"},
	{"staff add", "--name|Lan|--email|lan@counter.example|--counter|{counter}", "staff_saved", "other"},
	{"staff list", "", "none: it lists", ""},
	{"staff edit", "{staff}|--name|Mei Lin", "staff_saved", ""},
	{"staff password", "{staff}|--one-time", "password_reset", ""},
	{"staff away", "{staff}|--for|2h", "staff_away", ""},
	{"staff away", "{staff}|--back", "staff_back", ""},
	{"staff sessions list", "{staff}", "none: it lists", ""},
	{"staff sessions end", "{staff}|{session}", "session_ended", ""},
	{"staff end", "{other}", "staff_ended", ""},
	{"staff return", "{other}", "staff_returned", ""},

	{"account add line", "--name|LINE|--channel-secret|s|--access-token|t|--api-base|https://api.example", "account.save", "account"},
	{"account add webchat", "--name|Shop", "account.save", "chat"},
	{"account list", "", "none: it lists", ""},
	{"account check", "", "none: it asks the platform", ""},
	{"account edit", "{account}|--name|LINE of Rosée", "account.save", ""},
	{"account edit", "{account}|--channel-secret|another", "account.secret", ""},
	{"account edit", "{account}|--end-old-secret", "account.old_secret_end", ""},
	{"account close", "{chat}", "account.close", ""},
	{"account reopen", "{chat}", "account.reopen", ""},

	{"reply add", "--title|Thanks|--text|Thank you", "reply.save", "reply"},
	{"reply list", "", "none: it lists", ""},
	{"reply edit", "{reply}|--title|Hello", "reply.save", ""},
	{"reply delete", "{reply}", "reply.delete", ""},

	{"export list", "", "none: it lists, and never why", ""},
	{"export pass", "{export}", "export.passed", ""},
	{"export refuse", "{another export}", "export.refused", ""},

	{"handover propose", "{staff}|--ends|{day}T10:00", "handover.plan", "handover"},
	{"handover list", "", "none: it lists", ""},
	{"handover preview", "{handover}", "none: counts", ""},
	{"handover customers", "{handover}", "none: ids", ""},
	{"handover progress", "{handover}", "none: counts", ""},
	{"handover drop", "{handover}", "handover.drop", ""},
	{"handover propose", "{staff}|--ends|{day}T10:00", "handover.plan", "handover"},
	{"handover begin", "{handover}", "handover.start", ""},
	{"handover pause", "{handover}", "handover.pause", ""},
	{"handover resume", "{handover}", "handover.resume", ""},
	{"handover cancel", "{handover}", "handover.cancel", ""},
	{"handover return", "", "by handover.Room.Recall: handover.recall; only of who is away", ""},

	{"sign-in show", "", "none: it shows", ""},
	{"sign-in passwords", "on", "sign_in_rules", ""},
	{"sign-in provider", "", "by sso.Save: sso_saved; only where a provider was entered", ""},

	{"token add", "--name|till|--scope|threads:read", "token_created", "token"},
	{"token list", "", "none: it lists", ""},
	{"token end", "{token}", "token_ended", ""},

	{"webhook add", "--name|w|--url|https://x.example/", "endpoint.save", "webhook"},
	{"webhook list", "", "none: it lists", ""},
	{"webhook edit", "{webhook}|--name|v", "endpoint.save", ""},
	{"webhook secret", "{webhook}", "endpoint.secret", ""},
	{"webhook secret", "{webhook}|--end-old", "endpoint.old_secret_end", ""},
	{"webhook pause", "{webhook}", "endpoint.pause", ""},
	{"webhook resume", "{webhook}", "endpoint.resume", ""},
	{"webhook deliveries", "{webhook}", "none: ids", ""},
	{"webhook retry", "{delivery}", "endpoint.retry", ""},
	{"webhook end", "{webhook}", "endpoint.end", ""},

	{"failure list", "", "none: ids, and no words", ""},
	{"failure resend", "{message}", "message.resend", ""},

	{"job list", "", "none: it lists", ""},
	{"job retry", "job_a", "job.retry", ""},
	{"job discard", "job_b", "job.discard", ""},
}

// adminLeaves are the commands that do something, walked from the command line itself.
func adminLeaves(t *testing.T) (all []string) {
	t.Helper()
	parser, err := kong.New(&commands{}, kong.Name("dingdong"))
	must(t, err)
	var walk func(n *kong.Node, path []string)
	walk = func(n *kong.Node, path []string) {
		if n.Leaf() {
			all = append(all, strings.Join(path, " "))
		}
		for _, child := range n.Children {
			walk(child, append(slices.Clone(path), child.Name))
		}
	}
	for _, n := range parser.Model.Children {
		if n.Name == "admin" {
			walk(n, nil)
		}
	}
	if len(all) < 40 {
		t.Fatalf("only %d commands were found", len(all))
	}
	return all
}

func TestEveryAdminCommandLeavesItsRecord(t *testing.T) {
	s := shell{t, dbtest.Folder(t)}
	names := map[string]string{"day": time.Now().AddDate(0, 0, 9).Format(time.DateOnly)}
	h, err := openStores(&call{ctx: t.Context(), config: Config{Data: s.data}, log: silent()})
	must(t, err)
	defer h.close()
	known, listed := adminLeaves(t), map[string]bool{}
	for _, a := range adminActs {
		listed[a.command] = true
		if !slices.Contains(known, a.command) {
			t.Errorf("%s is not a command any more", a.command)
		}
		if a.args == "" && !strings.HasPrefix(a.leaves, "none: it lists") {
			continue
		}
		h.madeReady(t, a.command, names)
		args := []string{"admin", "--json"}
		args = append(args, strings.Fields(a.command)...)
		for _, arg := range strings.Split(a.args, "|") {
			for name, id := range names {
				arg = strings.ReplaceAll(arg, "{"+name+"}", id)
			}
			if arg != "" {
				args = append(args, arg)
			}
		}
		var last int64
		must(t, h.DB.Read(t.Context(), func(tx *db.Tx) (err error) { last, err = audit.Last(tx); return err }))
		o := s.run(args...)
		if o.status != 0 {
			t.Errorf("%q ends with %d: %s", args, o.status, o.err)
			continue
		}
		if a.keep != "" {
			var made struct{ ID string }
			must(t, json.Unmarshal([]byte(strings.Split(o.out, "\n")[0]), &made))
			names[a.keep] = made.ID
		}
		var lines []audit.Row
		must(t, h.DB.Read(t.Context(), func(tx *db.Tx) (err error) {
			lines, err = audit.Forward(tx, audit.Filter{After: last})
			return err
		}))
		if strings.HasPrefix(a.leaves, "none: ") {
			if len(lines) > 0 {
				t.Errorf("%s says that it changes nothing, and leaves %v", a.command, recorded(lines))
			}
			continue
		}
		if !slices.Contains(recorded(lines), staff.System().ID+" "+a.leaves) {
			t.Errorf("%s %s leaves %v, not %s", a.command, a.args, recorded(lines), a.leaves)
		}
		for _, line := range lines { // the audit outlives her: no words and no names of customers, and no secrets
			for _, word := range []string{"林怡君", "hello", "another", "an answer"} {
				if strings.Contains(line.Detail+line.Object, word) {
					t.Errorf("%s: the audit holds %q: %+v", a.command, word, line.Entry)
				}
			}
		}
	}
	for _, name := range known {
		if !listed[name] {
			t.Errorf("%s: say in the table what it leaves in the audit", name)
		}
	}
}

func recorded(lines []audit.Row) (out []string) {
	for _, r := range lines {
		out = append(out, r.Actor+" "+r.Action)
	}
	return out
}

// madeReady makes what only the running house makes, just before a command needs it.
func (a *App) madeReady(t *testing.T, command string, names map[string]string) {
	t.Helper()
	must(t, a.DB.Write(t.Context(), func(tx *db.Tx) error {
		switch command {
		case "staff sessions end":
			names["session"] = "ses_of_this_test"
			_, err := tx.Exec(`INSERT INTO session (id, token_hash, staff_id, created_at, seen_at, expires_at) VALUES ($1, $1, $2, $3, $3, $4)`,
				names["session"], names["staff"], db.Micro(tx.Now), db.Micro(tx.Now.Add(time.Hour)))
			return err
		case "webhook retry":
			names["delivery"] = "edl_of_this_test"
			_, err := tx.Exec(`INSERT INTO endpoint_delivery (id, endpoint_id, event_seq, kind, state, at) VALUES ($1, $2, 1, 'message.received', 'failed', $3)`,
				names["delivery"], names["webhook"], db.Micro(tx.Now))
			return err
		case "job retry", "job discard":
			_, err := tx.Exec(`INSERT INTO job (id, kind, run_at, dead_at, attempt, error) VALUES ($1, 'fetch_media', 0, 1000000, 20, 'disk full')`,
				map[string]string{"job retry": "job_a", "job discard": "job_b"}[command])
			return err
		}
		return nil
	}))
	switch command {
	case "export pass":
		a.hears(t, names["account"], "Uexport")
		names["export"], names["another export"] = a.asksForFile(t, names["boss"]).ID, a.asksForFile(t, names["boss"]).ID
	case "failure resend":
		thread := a.hears(t, names["account"], "Ufailure")
		must(t, a.DB.Write(t.Context(), func(tx *db.Tx) error {
			m, err := a.Desk.Send(tx, conversation.Draft{ThreadID: thread, Author: conversation.AuthorStaff, AuthorID: names["staff"],
				Body: channel.Body{Type: channel.Text, Text: "an answer"}})
			names["message"] = m.ID
			if err == nil {
				_, err = tx.Exec(`UPDATE message SET status = 'failed', failure = 'rejected' WHERE id = $1`, m.ID)
			}
			return err
		}))
	}
}

// hears lets a customer write to an account, and gives her thread.
func (a *App) hears(t *testing.T, account, user string) (thread string) {
	t.Helper()
	must(t, a.DB.Write(t.Context(), func(tx *db.Tx) error {
		acc, err := a.Desk.AccountByID(tx, account)
		if err != nil {
			return err
		}
		_, err = a.Desk.Receive(tx, acc, []channel.Inbound{{EventID: "evt-" + user, Kind: channel.Message, At: tx.Now, ExternalID: "ext-" + user,
			Peer: channel.Peer{Type: channel.Person, ID: user, Name: "林怡君"}, Body: channel.Body{Type: channel.Text, Text: "hello"}}})
		if err != nil {
			return err
		}
		return tx.QueryRow(`SELECT t.id FROM thread t JOIN identity i ON i.id = t.identity_id ORDER BY t.created_at DESC, t.id DESC LIMIT 1`).Scan(&thread)
	}))
	return thread
}

// asksForFile asks for a file that waits for a second person.
func (a *App) asksForFile(t *testing.T, by string) (x export.Export) {
	t.Helper()
	var v staff.Viewer
	must(t, a.DB.Read(t.Context(), func(tx *db.Tx) (err error) { v, err = staff.ViewerByID(tx, by); return err }))
	x, err := a.Files.Ask(t.Context(), v, export.Request{Kind: export.Customers, Filter: export.Filter{Full: true, Purpose: export.OwnUse}, Reason: "for the letter of " + fmt.Sprint(time.Now().Year())})
	must(t, err)
	if x.State != export.Waiting {
		t.Fatalf("it is %s", x.State)
	}
	return x
}
