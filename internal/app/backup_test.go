package app

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dingdong/internal/channel/line/linefake"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
)

func TestBackupWhileItServesAndWrites(t *testing.T) {
	h := newHouseWith(t, plan{line: linefake.Options{AutoFriend: true}})
	threads := h.greet()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	picture := portrait(t)
	for range 3 {
		h.phone.Image("U1", linefake.File{MIME: "image/jpeg", Bytes: picture})
	}
	eventually(t, func() string {
		if n := h.number(`SELECT COUNT(*) FROM message WHERE media_state = 'ready'`); n < 3 {
			return fmt.Sprintf("%d pictures are there", n)
		}
		return ""
	})
	l := newLedger()
	rest := l.load(ctx, scene{t: t, base: h.url, platform: h.phone, path: h.account.WebhookPath(), threads: threads})
	pause(ctx, 300*time.Millisecond)

	var before []string // acknowledged before the backup began: it must hold them
	l.note(func() {
		for id := range l.arrived {
			before = append(before, id)
		}
	})
	least := h.count("message")
	file := filepath.Join(t.TempDir(), "house.tar")
	out := shell{t, h.dir}.must("backup", file, "--with-key")
	most := h.count("message")
	if !strings.Contains(out, file) {
		t.Errorf("backup says %q", out)
	}
	pause(ctx, 100*time.Millisecond)
	rest()
	if most-least == 0 {
		t.Log("nothing was written during the backup")
	}

	restored := shell{t, filepath.Join(t.TempDir(), "restored")}
	restored.must("restore", file)
	restored.must("check")
	restored.must("audit", "verify")
	// It opens, and what it holds can be read with its own key. No network: the
	// platform of the copy is switched off.
	h.phone.SetWebhook("", false)
	must(t, h.stop())
	silence := newPlatform(t, linefake.Options{})
	copied := newHouseWith(t, plan{dir: restored.data, unsown: true, phone: silence})
	if n := copied.count("message"); n < least || n > most {
		t.Errorf("%d messages were restored, not %d to %d", n, least, most)
	}
	for _, id := range before {
		if n := copied.number(`SELECT COUNT(*) FROM message WHERE event_id = $1`, id); n != 1 {
			t.Errorf("event %s, acknowledged before the backup, is there %d times", id, n)
		}
	}
	if got := copied.said(`WHERE type = 'text' AND author = 'customer' ORDER BY at LIMIT 1`); len(got) != 1 || got[0] != "hello" {
		t.Errorf("the first words read %q", got)
	}
	mei := copied.signIn()
	id := copied.text(`SELECT id FROM message WHERE type = 'image' LIMIT 1`)
	if a := mei.get("/media/" + id); a.body != string(picture) {
		t.Errorf("a restored picture is answered with %d, %d bytes", a.status, len(a.body))
	}

	t.Run("without the key it says what to do", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "nokey.tar")
		shell{t, restored.data}.must("backup", file)
		s := shell{t, filepath.Join(t.TempDir(), "nokey")}
		if out := s.must("restore", file); !strings.Contains(out, "put the installation key at") {
			t.Errorf("restore says %q", out)
		}
		if o := s.run("check"); o.status != 1 || !strings.Contains(o.err, "key file") {
			t.Errorf("check without the key ends with %d: %s", o.status, o.err)
		}
	})
	t.Run("never over another", func(t *testing.T) {
		if o := restored.run("restore", file); o.status != 1 {
			t.Errorf("restore over a house ends with %d", o.status)
		}
	})
}

// rows reads every row of every table, in a form that both engines share.
func rows(t *testing.T, address string) map[string][]string {
	t.Helper()
	d, err := db.Open(t.Context(), address, db.Options{})
	must(t, err)
	defer d.Close()
	tables, err := db.Tables()
	must(t, err)
	all := map[string][]string{}
	for _, table := range tables {
		must(t, d.Read(t.Context(), func(tx *db.Tx) error {
			found, err := tx.Query(`SELECT * FROM ` + table)
			if err != nil {
				return err
			}
			defer found.Close()
			columns, err := found.Columns()
			if err != nil {
				return err
			}
			for found.Next() {
				values, into := make([]any, len(columns)), make([]any, len(columns))
				for i := range values {
					into[i] = &values[i]
				}
				if err := found.Scan(into...); err != nil {
					return err
				}
				row := ""
				for i, v := range values {
					if b, ok := v.(bool); ok { // SQLite has numbers for these
						v = map[bool]int64{true: 1}[b]
					}
					row += fmt.Sprintf("%s=%v;", columns[i], v)
				}
				all[table] = append(all[table], row)
			}
			return found.Err()
		}))
		slices.Sort(all[table])
	}
	return all
}

func TestCopyToPostgresAndBack(t *testing.T) {
	h := newHouseWith(t, plan{line: linefake.Options{AutoFriend: true}})
	threads := h.greet()
	mei := h.signIn()
	for user, thread := range threads {
		h.phone.Text(user, "text with 漢字 and 💄")
		h.phone.Sticker(user, "1", "2")
		h.phone.Image(user, linefake.File{MIME: "image/jpeg", Bytes: portrait(t)})
		h.phone.Follow(user)
		mei.say(thread, "k", "answer")
		mei.post("/inbox/"+thread+"/draft", map[string][]string{"text": {"a draft"}})
	}
	h.phone.Text("U7", "to be taken back")
	must(t, h.phone.Settle(t.Context()))
	h.quiet()
	must(t, h.stop())

	there := dbtest.PostgresURL(t)
	s := shell{t, h.dir}
	first := "sqlite:" + filepath.Join(h.dir, "dingdong.db")
	told := s.must("copy", "--to", there)
	want := rows(t, first)
	sum := 0
	for table, lines := range want {
		sum += len(lines)
		if !strings.Contains(told, fmt.Sprintf("%-24s %d\n", table, len(lines))) {
			t.Errorf("copy does not say that %s has %d rows", table, len(lines))
		}
	}
	if sum < 50 {
		t.Fatalf("only %d rows: the test says little", sum)
	}
	same := func(what string, got map[string][]string) {
		t.Helper()
		tables, err := db.Tables()
		must(t, err)
		for _, table := range tables {
			if !slices.Equal(got[table], want[table]) {
				t.Errorf("%s: %s has %d rows, not %d; %s", what, table, len(got[table]), len(want[table]), firstDifference(want[table], got[table]))
			}
		}
	}
	same("on PostgreSQL", rows(t, there))
	s.must("check", "--db", there)
	back := "sqlite:" + filepath.Join(t.TempDir(), "back.db")
	s.must("copy", "--db", there, "--to", back)
	want = rows(t, there) // each copy is on record in the house that is copied, and so in the copy
	same("back again", rows(t, back))
	if o := s.run("copy", "--to", there); o.status != 1 || !strings.Contains(o.err, "already") {
		t.Errorf("copying over another house ends with %d: %s", o.status, o.err)
	}

	// The house goes on there, with its key and its media.
	moved := newHouseWith(t, plan{dir: h.dir, unsown: true, phone: h.phone, account: h.account, config: func(c *Config) { c.DB = there }})
	after := moved.signIn()
	for user, thread := range threads {
		if page := after.get("/inbox/" + thread).body; !strings.Contains(page, "text with 漢字 and 💄") || !strings.Contains(page, "a draft") {
			t.Errorf("the thread of %s does not read as before", user)
		}
		after.say(thread, "after", "from PostgreSQL")
		eventually(t, func() string {
			sent := h.phone.Sent(user)
			if len(sent) != 2 || sent[1].Text != "from PostgreSQL" {
				return fmt.Sprintf("her phone shows %+v", sent)
			}
			return ""
		})
	}
}
