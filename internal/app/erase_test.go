package app

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"dingdong/internal/audit"
	"dingdong/internal/channel/line/linefake"
	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/privacy"
	"dingdong/internal/staff"
)

// The guard of an erasure: a customer gets something in every table that can point to
// a customer, is erased, and is looked for everywhere. It walks the schema, so that a
// new table which nobody erases fails here.

// pointers are the columns that lead to a customer, and to what of hers.
var pointers = map[string]string{
	"customer_id": "record", "person_id": "record", "kept_id": "record", "lost_id": "record", "one_id": "record", "two_id": "record",
	"home_id": "record", "thread_id": "thread", "folded_id": "thread", "message_id": "message", "last_message_id": "message",
	"identity_id": "identity", "wish_id": "wish", "merge_id": "merge", "delivery_id": "delivery",
}

// others are the columns that lead to something else.
var others = []string{
	"account_id", "counter_id", "store_id", "brand_id", "staff_id", "author_id", "assignee_id", "advisor_id", "target_id", "stand_in_id",
	"covers_id", "endpoint_id", "event_id", "external_id", "request_id", "def_id", "tag_id", "card_id", "product_id", "variant_id",
	"purchase_id", "import_id", "client_id", "bot_id", "basic_id", "liff_id", "record_id", "erasure_id",
	"handover_id", "leaver_id", "to_id", "chosen_id", "item_id", "object_id", "witness_id",
}

// stays are the places where an id of hers may stay, and why.
var stays = map[string]string{
	"audit.customer_id":         "the audit outlives an erasure: who saw her, and that she was erased",
	"audit.object":              "the audit outlives an erasure",
	"audit.detail":              "the audit outlives an erasure",
	"erased.record_id":          "so that a restored backup is erased again",
	"erasure.person_id":         "the proof that it was done",
	"privacy_request.person_id": "the proof that what she asked was done",
	"event.customer_id":         "only of customer.erased: other systems must know whom to erase",
}

// filler are values that a table's own checks demand of a row made from the schema.
var filler = map[string]any{
	"customer.kind": "person", "thread.state": "open", "privacy_request.kind": "correct", "privacy_request.origin": "officer",
	"privacy_request.state": "open", "person_file.state": "ready", "wish.state": "open", "purchase.kind": "sale", "contact.kind": "phone",
	"message.status": "received", "identity.reach": "unknown", "consent.state": "granted", "contact_place.state": "planned",
	"handover_item.state": "moved", "handover_item.told": "told", "handover_item.answer": "fine",
}

type tableColumn struct{ table, name, kind string }

// schema lists every column of the database, as the migrations made it.
func (h *home) schema() []tableColumn {
	h.t.Helper()
	q := `SELECT m.name, c.name, c.type FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' ORDER BY m.name, c.cid`
	if h.DB.Engine() == db.Postgres {
		q = `SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public' ORDER BY table_name, ordinal_position`
	}
	var all []tableColumn
	must(h.t, h.DB.Read(context.Background(), func(tx *db.Tx) error {
		rows, err := tx.Query(q)
		all, err = db.Collect(rows, err, func(r *sql.Rows) (c tableColumn, err error) { return c, r.Scan(&c.table, &c.name, &c.kind) })
		return err
	}))
	return all
}

func (c tableColumn) isText() bool { return strings.EqualFold(c.kind, "text") }
func (c tableColumn) isBytes() bool {
	return slices.Contains([]string{"blob", "bytea"}, strings.ToLower(c.kind))
}

// texts lists what a query gives.
func (h *home) texts(q string, args ...any) []string {
	h.t.Helper()
	var all []string
	must(h.t, h.DB.Read(context.Background(), func(tx *db.Tx) error {
		rows, err := tx.Query(q, args...)
		all, err = db.Collect(rows, err, func(r *sql.Rows) (s string, err error) { return s, r.Scan(&s) })
		return err
	}))
	return all
}

var anyID = regexp.MustCompile(`[a-z]{3}_[0-9a-v]{26}`)

// live lets a customer do everything that the house has a place for, and fills what is
// left from the schema. It returns her records and every id that is hers.
func (h *home) live() (records, ids []string) {
	t := h.t
	t.Helper()
	mei := h.signIn()
	both := func(what string) string { return what + " " + markerASCII + " " + markerHan }
	user := h.phone.Person(markerUser, markerHan)
	h.phone.Follow(user)
	h.phone.Text(user, both("my skin is sensitive and dry"))
	h.phone.Image(user, linefake.File{Name: "a.jpg", MIME: "image/jpeg", Bytes: append(portrait(t), []byte(both("inside"))...)})
	taken := h.phone.Text(user, both("taken back"))
	h.phone.Unsend(user, taken.MessageID)
	thread := h.thread(user)
	h.messageID(taken.MessageID)
	mei.say(thread, "k1", both("answer"))
	mei.post("/inbox/"+thread+"/name", url.Values{"name": {both("called")}})
	mei.post("/inbox/"+thread+"/draft", url.Values{"text": {both("draft")}})
	mei.post("/inbox/"+thread+"/transfer", url.Values{"to": {h.advisor}, "note": {both("note")}})
	upload, err := http.NewRequest(http.MethodPost, h.url+"/inbox/"+thread+"/upload?key=u1&name="+url.QueryEscape(both("file")+".txt"),
		strings.NewReader(strings.Repeat(both("upload"), 3000)))
	must(t, err)
	if a, err := do(mei.http, upload); err != nil || a.status != http.StatusOK {
		t.Fatalf("the upload got %d, %v: %.200s", a.status, err, a.body)
	}
	h.quiet()
	record := h.texts(`SELECT customer_id FROM thread WHERE id = $1`, thread)[0]
	var second string
	h.write(func(tx *db.Tx) error {
		e, err := h.Desk.EnterCustomer(tx, staff.System(), conversation.NewCustomer{Name: both("entered"), CounterID: h.counter,
			Contacts: []customer.Contact{{Kind: customer.Phone, Value: "0912345678", Verified: true, Source: customer.SourceAPI}}})
		second = e.CustomerID
		return err
	})
	h.write(func(tx *db.Tx) error {
		_, err := h.Desk.Merge(tx, staff.System(), conversation.Merge{KeptID: record, LostID: second, Proof: conversation.ProvedByAdvisor})
		return err
	})
	h.quiet()
	records = []string{record, second}
	hers := map[string]string{"record": record, "thread": thread, "message": h.texts(`SELECT id FROM message WHERE thread_id = $1 ORDER BY id`, thread)[0],
		"identity": h.texts(`SELECT id FROM identity WHERE customer_id = $1`, record)[0],
		"merge":    h.texts(`SELECT id FROM merge WHERE kept_id = $1`, record)[0], "wish": "wsh_00000000000000000000000her", "delivery": "dlv_00000000000000000000000her"}
	hers["wish"], hers["delivery"] = "wsh_0000000000000000000000000a", "dlv_0000000000000000000000000b"
	h.fill(hers)
	return records, h.idsOf(records, hers)
}

// fill gives her a row in every table that can point to her and has none yet.
func (h *home) fill(hers map[string]string) {
	t := h.t
	t.Helper()
	tables := map[string][]tableColumn{}
	var order []string
	for _, c := range h.schema() {
		if tables[c.table] == nil {
			order = append(order, c.table)
		}
		tables[c.table] = append(tables[c.table], c)
		if strings.HasSuffix(c.name, "_id") && pointers[c.name] == "" && !slices.Contains(others, c.name) {
			t.Errorf("%s.%s: does it lead to a customer? Say so in the lists of this test", c.table, c.name)
		}
	}
	skip := []string{"audit", "erasure", "erased", "event", "suppression", "vault_key"} // have theirs, or get it by the erasure
	// What others point to comes first.
	slices.SortStableFunc(order, func(a, b string) int { return late(a) - late(b) })
	for _, table := range order {
		to := ""
		for _, c := range tables[table] {
			if what := pointers[c.name]; what != "" && to == "" {
				to = c.name + "\x00" + hers[what]
			}
		}
		if to == "" || slices.Contains(skip, table) {
			continue
		}
		name, id, _ := strings.Cut(to, "\x00")
		if h.number(`SELECT COUNT(*) FROM `+table+` WHERE `+name+` = $1`, id) > 0 {
			continue
		}
		var names, marks []string
		var args []any
		for i, c := range tables[table] {
			names, marks = append(names, c.name), append(marks, fmt.Sprint("$", i+1))
			args = append(args, h.made(c, hers))
		}
		h.write(func(tx *db.Tx) error {
			if _, err := tx.Exec(`INSERT INTO `+table+` (`+strings.Join(names, ", ")+`) VALUES (`+strings.Join(marks, ", ")+`)`, args...); err != nil {
				return fmt.Errorf("%w: a new table wants its own values in filler, and an answer to an erasure", err)
			}
			return nil
		})
	}
	h.write(func(tx *db.Tx) error { // what has no column of hers and yet names her
		_, err := tx.Exec(`INSERT INTO api_once (key, digest, object, at) VALUES ('k', 'd', $1, $2)`, hers["message"], db.Micro(tx.Now))
		return err
	})
	h.write(func(tx *db.Tx) error { // and what died while it was done for her
		_, err := tx.Exec(`INSERT INTO job (id, kind, args, run_at, dead_at) VALUES ('job_dead', 'mark_read', $1, 1, 1)`, `{"thread":"`+hers["thread"]+`"}`)
		return err
	})
	h.write(func(tx *db.Tx) error {
		_, err := tx.Exec(`INSERT INTO today_dismissal (staff_id, kind, ref, until) VALUES ($1, 'birthday', $2, $3)`, h.advisor, hers["record"], db.Micro(tx.Now))
		return err
	})
}

// late sorts tables whose rows others name to the front.
func late(table string) int {
	if slices.Contains([]string{"wish", "card", "tag", "attribute_def"}, table) {
		return 0
	}
	return 1
}

func (h *home) made(c tableColumn, hers map[string]string) any {
	if v, ok := filler[c.table+"."+c.name]; ok {
		return v
	}
	switch what := pointers[c.name]; {
	case c.name == "id" && c.table == "wish":
		return hers["wish"]
	case c.name == "id":
		return "xxx_" + strings.Repeat("0", 20) + fmt.Sprintf("%06x", len(c.table)*4096+int(c.table[0])*16+int(c.table[len(c.table)-1])%16)
	case what != "":
		return hers[what]
	case c.name == "def_id":
		return h.texts(`SELECT id FROM attribute_def ORDER BY id`)[0]
	case c.name == "tag_id":
		return h.someTag()
	case c.name == "handover_id":
		return h.someHandover()
	case c.name == "card_id":
		return h.someCard()
	case c.name == "counter_id":
		return h.counter
	case c.name == "staff_id", c.name == "author_id", c.name == "advisor_id":
		return h.advisor
	case c.isText():
		return c.name
	case c.isBytes():
		return []byte{}
	case strings.EqualFold(c.kind, "boolean"):
		return false
	}
	return int64(1)
}

func (h *home) someTag() string {
	h.write(func(tx *db.Tx) error {
		_, err := tx.Exec(`INSERT INTO tag (id, name) VALUES ('tag_x', 'x') ON CONFLICT DO NOTHING`)
		return err
	})
	return "tag_x"
}

func (h *home) someHandover() string {
	h.write(func(tx *db.Tx) error {
		_, err := tx.Exec(`INSERT INTO handover (id, leaver_id, kind, state, begins_at, ends_at, by_language, by_speciality, by_load, quiet_months, pace, created_by, created_at)
			VALUES ('hnd_x', $1, 'leaves', 'moving', 1, 1, TRUE, TRUE, TRUE, 1, 1, $1, 1) ON CONFLICT DO NOTHING`, h.advisor)
		return err
	})
	return "hnd_x"
}

func (h *home) someCard() string {
	h.write(func(tx *db.Tx) error {
		_, err := tx.Exec(`INSERT INTO card (id, code, account_id, counter_id, created_at) VALUES ('crd_x', 'ABCDEF', $1, $2, 1) ON CONFLICT DO NOTHING`, h.account.ID, h.counter)
		return err
	})
	return "crd_x"
}

// idsOf collects the ids of everything that points to her.
func (h *home) idsOf(records []string, hers map[string]string) []string {
	all := append([]string{}, records...)
	for _, id := range hers {
		all = append(all, id)
	}
	for _, c := range h.schema() {
		if what := pointers[c.name]; what == "" || c.table == "audit" || c.table == "event" || c.table == "purchase" {
			continue
		}
		hasID := slices.ContainsFunc(h.schema(), func(o tableColumn) bool { return o.table == c.table && o.name == "id" })
		if !hasID {
			continue
		}
		marks, args := db.In(all, 1)
		all = append(all, h.texts(`SELECT id FROM `+c.table+` WHERE `+c.name+` IN (`+marks+`)`, args...)...)
		slices.Sort(all)
		all = slices.Compact(all)
	}
	return slices.DeleteFunc(all, func(id string) bool { return strings.HasPrefix(id, "xxx_") || len(id) < 20 })
}

// findHer looks for ids of hers in every text of the database, and returns those that
// stand where they may.
func (h *home) findHer(ids []string) (allowed map[string]bool) {
	t := h.t
	t.Helper()
	known := map[string]bool{}
	for _, id := range ids {
		known[id] = true
	}
	allowed = map[string]bool{}
	for _, c := range h.schema() {
		if !c.isText() {
			continue
		}
		where := c.table + "." + c.name
		q := `SELECT ` + c.name + ` FROM ` + c.table + ` WHERE ` + c.name + ` IS NOT NULL`
		if where == "event.customer_id" {
			for _, id := range h.texts(q + ` AND kind = 'customer.erased'`) {
				allowed[id] = true
			}
			q += ` AND kind <> 'customer.erased'`
			where = "event"
		}
		for _, text := range h.texts(q) {
			for _, id := range anyID.FindAllString(text, -1) {
				switch {
				case !known[id]:
				case stays[where] != "":
					allowed[id] = true
				default:
					t.Errorf("%s still holds %s", where, id)
				}
			}
		}
	}
	return allowed
}

// rest runs the second sweep of an erasure now.
func (h *home) rest() {
	h.t.Helper()
	once := func(passes int) {
		eventually(h.t, func() string {
			if h.number(`SELECT COUNT(*) FROM erasure WHERE passes < $1`, passes) > 0 {
				return fmt.Sprint("an erasure is not swept: ", h.texts(`SELECT error FROM job WHERE kind = $1`, privacy.JobSweep))
			}
			return ""
		})
	}
	once(1)
	eventually(h.t, func() string { // when the job lies down until its second turn
		n := 0
		h.write(func(tx *db.Tx) error {
			got, err := tx.Exec(`UPDATE job SET run_at = 1, due_at = 1 WHERE kind = $1 AND claim = 0`, privacy.JobSweep)
			n = int(got)
			return err
		})
		if n == 0 && h.number(`SELECT COUNT(*) FROM erasure WHERE passes < 2`) > 0 {
			return "the second sweep is not there"
		}
		return ""
	})
	once(2)
	h.quiet()
}

func TestAnErasureLeavesNothing(t *testing.T) {
	for _, engine := range []string{db.SQLite, db.Postgres} {
		t.Run(engine, func(t *testing.T) {
			p := plan{line: linefake.Options{Portrait: func(user string) string { return "/faces/" + user }}}
			if engine == db.Postgres {
				p.config = func(c *Config) { c.DB = dbtest.PostgresURL(t) }
			}
			h := newHouseWith(t, p)
			records, ids := h.live()
			key := h.keys(records)
			if n := len(h.blobs()); n < 4 || h.number(`SELECT COUNT(*) FROM identity WHERE picture <> ''`) == 0 {
				t.Fatalf("only %d files: the test says little", n)
			}
			saved := filepath.Join(t.TempDir(), "backup.tar")
			args := []string{"backup", saved, "--data", h.dir}
			if engine == db.Postgres {
				args = append(args, "--db", h.Config.DB)
			}
			if status := Main(t.Context(), args, Streams{In: strings.NewReader(""), Out: io.Discard, Err: h.log}); status != 0 {
				t.Fatalf("backup: %d", status)
			}
			h.write(func(tx *db.Tx) error {
				_, err := h.Privacy.EraseFor(tx, staff.System(), records[1], "")
				return err
			})
			h.rest()
			allowed := h.findHer(ids)
			if left := h.blobs(); len(left) > 0 {
				t.Errorf("files are left: %v", left)
			}
			if n := h.number(`SELECT COUNT(*) FROM suppression`); n < 2 {
				t.Errorf("%d suppressions, want her number and her platform's id", n)
			}
			if n := h.number(`SELECT COUNT(*) FROM purchase`); n != 1 {
				t.Errorf("%d receipts, want the one that is nobody's now", n)
			}
			must(t, h.DB.Read(t.Context(), func(tx *db.Tx) error {
				_, broken, err := audit.Verify(tx)
				if err == nil && broken != 0 {
					t.Errorf("the audit is broken at %d", broken)
				}
				return err
			}))
			searchFor(t, "the log", []byte(h.log.String()))
			h.sheWritesAgain(records)
			must(t, h.stop())
			gone := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return allowed[id] })
			h.lookInFiles(h.dir, gone, key)
			h.restored(saved, ids, gone, key)
		})
	}
}

// keys are the sealed keys of some records as they lie in the database.
func (h *home) keys(records []string) [][]byte {
	var all [][]byte
	must(h.t, h.DB.Read(context.Background(), func(tx *db.Tx) error {
		marks, args := db.In(records, 1)
		rows, err := tx.Query(`SELECT sealed FROM vault_key WHERE customer_id IN (`+marks+`)`, args...)
		all, err = db.Collect(rows, err, func(r *sql.Rows) (b []byte, err error) { return b, r.Scan(&b) })
		return err
	}))
	if len(all) != len(records) {
		h.t.Fatalf("%d keys", len(all))
	}
	return all
}

func (h *home) blobs() []string {
	var keys []string
	must(h.t, h.Desk.Blobs.Walk(func(key string, _ int64) error {
		keys = append(keys, key)
		return nil
	}))
	return keys
}

// lookInFiles reads a data folder byte for byte.
func (h *home) lookInFiles(dir string, ids []string, keys [][]byte) {
	t := h.t
	t.Helper()
	for name, content := range files(t, dir) {
		inside, _ := filepath.Rel(dir, name)
		searchFor(t, inside, content)
		for _, id := range ids {
			if bytes.Contains(content, []byte(id)) {
				t.Errorf("%s holds %s", inside, id)
			}
		}
		for _, k := range keys {
			if bytes.Contains(content, k) {
				t.Errorf("%s holds a key of hers", inside)
			}
		}
	}
}

// restored fills another folder from a backup that was made before the erasure, with
// the list that was kept beside, and looks there.
func (h *home) restored(saved string, ids, gone []string, keys [][]byte) {
	t := h.t
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"key.json", erasureList} {
		content, err := os.ReadFile(filepath.Join(h.dir, name))
		must(t, err)
		to := filepath.Join(dir, name)
		if name == erasureList {
			to = filepath.Join(t.TempDir(), "kept-elsewhere.jsonl")
		}
		must(t, os.WriteFile(to, content, 0o600))
		if name == erasureList {
			var out bytes.Buffer
			if status := Main(t.Context(), []string{"restore", saved, "--data", dir, "--erasures", to}, Streams{In: strings.NewReader(""), Out: &out, Err: h.log}); status != 0 {
				t.Fatalf("restore: %d\n%s", status, h.log)
			}
			if !strings.Contains(out.String(), "2 records") {
				t.Errorf("restore says %q", out.String())
			}
		}
	}
	a, err := New(t.Context(), Config{Data: dir, Listen: "127.0.0.1:0", Metrics: "off"}, silent())
	must(t, err)
	again := &home{App: a, t: t, dir: dir, log: &record{}}
	again.findHer(ids)
	if left := again.blobs(); len(left) > 0 {
		t.Errorf("the restored house holds files of hers: %v", left)
	}
	if n := again.number(`SELECT COUNT(*) FROM vault_key WHERE customer_id <> ''`); n != 0 {
		t.Errorf("%d keys came back", n)
	}
	a.Close()
	again.lookInFiles(dir, nil, keys)
}

// sheWritesAgain lets her write after the erasure: she is somebody new, who is
// answered and has said no to marketing.
func (h *home) sheWritesAgain(records []string) {
	t := h.t
	t.Helper()
	h.phone.Text(markerUser, "hello again "+markerASCII)
	thread := h.thread(markerUser)
	record := h.texts(`SELECT customer_id FROM thread WHERE id = $1`, thread)[0]
	if slices.Contains(records, record) {
		t.Error("she is the same record again")
	}
	must(t, h.DB.Read(t.Context(), func(tx *db.Tx) error {
		no, err := h.Desk.Book.Suppressed(tx, []string{record})
		if err == nil && !no {
			err = errors.New("nobody remembers that she said no")
		}
		return err
	}))
}
