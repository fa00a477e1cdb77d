package privacy

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/conversation"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

func TestEverythingAboutAPersonIsInTheFile(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		lin := h.hears("Ulin", `my <b>skin</b> & "I"`, nil)
		for range 450 {
			h.hears("Ulin", "more words", nil)
		}
		other := h.hears("Uother", "somebody else's words", nil)
		for who, words := range map[string]string{"Ulin": "to all of you", "Uother": "somebody else's answer"} {
			h.hears("Cgroup", words, func(in *channel.Inbound) { in.Peer = channel.Peer{Type: channel.Group, ID: "Cgroup", Sender: who} })
		}
		var thread string
		h.read(func(tx *db.Tx) error {
			return tx.QueryRow(`SELECT id FROM thread WHERE customer_id = $1`, lin).Scan(&thread)
		})
		up, err := h.Desk.KeepPast(context.Background(), conversation.PastFile{ThreadID: thread, Name: "list.txt", From: strings.NewReader("her own file")})
		check(t, err)
		h.clock.Advance(time.Minute)
		h.write(func(tx *db.Tx) error {
			check(t, h.Desk.Import(tx, conversation.Past{ThreadID: thread, Author: conversation.AuthorCustomer, At: tx.Now, Body: fileBody(up), Upload: up, EventID: "file"}))
			// What came late stands where it was said.
			check(t, h.Desk.Import(tx, conversation.Past{ThreadID: thread, Author: conversation.AuthorCustomer, At: tx.Now.Add(-time.Hour),
				Body: channel.Body{Type: channel.Text, Text: "long ago"}, EventID: "past"}))
			_, err := h.Book.AddContact(tx, lin, customer.Contact{Kind: customer.Phone, Value: "0912345678", Source: customer.SourceSaid})
			check(t, err)
			_, err = h.Book.AddNote(tx, h.mei, customer.NoteForm{CustomerID: lin, CounterID: h.counter, Body: "likes rose"})
			check(t, err)
			check(t, h.Consent.Pause(tx, h.mei, lin, time.Time{}, "a broken pump"))
			_, err = h.Book.AddPromise(tx, h.mei, customer.PromiseForm{CustomerID: lin, CounterID: h.counter, Body: "a sample", Due: tx.Now.Add(time.Hour)})
			check(t, err)
			if _, err := tx.Exec(`INSERT INTO purchase (id, source, ref, customer_id, at, total, currency, created_at) VALUES ('pur_1', 'till', 'R-77', $1, 1, 128000, 'TWD', 1)`, lin); err != nil {
				return err
			}
			return nil
		})
		var q Request
		var f File
		h.write(func(tx *db.Tx) (err error) {
			if q, err = h.RequestExport(tx, lin, FromPage); err != nil {
				return err
			}
			f, err = h.ExportFor(tx, h.officer, Exporting{PersonID: lin, Language: "zh-TW", RequestID: q.ID})
			return err
		})
		h.works(JobFile)
		in, f, err := h.OpenFile(context.Background(), h.officer, f.ID)
		check(t, err)
		raw, err := io.ReadAll(in)
		check(t, errors.Join(err, in.Close()))
		if int64(len(raw)) != f.Size {
			t.Errorf("%d bytes, the list says %d", len(raw), f.Size)
		}
		z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
		check(t, err)
		inside := map[string]string{}
		for _, x := range z.File {
			r, err := x.Open()
			check(t, err)
			b, err := io.ReadAll(r)
			check(t, err)
			inside[x.Name] = string(b)
		}
		var data struct {
			Extract
			Conversations []struct {
				Counter  string
				Messages []conversation.ExtractMessage
			}
		}
		check(t, json.Unmarshal([]byte(inside["data.json"]), &data))
		if len(data.Conversations) != 1 || len(data.Conversations[0].Messages) != 453 || data.Conversations[0].Messages[0].Text != "long ago" || data.Person.Contacts[0].Value != "+886912345678" ||
			len(data.Person.Notes) != 1 || data.Person.Promises[0].Text != "a sample" || data.Purchases[0].Number != "R-77" || len(data.Requests) != 1 {
			t.Errorf("data.json: %.600s", inside["data.json"])
		}
		files := 0
		for name, text := range inside {
			if strings.HasPrefix(name, "files/") && text == "her own file" && strings.Contains(inside["index.html"], name) {
				files++
			}
			if !strings.HasPrefix(name, "files/") && !strings.Contains(text, "a broken pump") {
				t.Errorf("%s lacks why she is in peace", name)
			}
			if !strings.HasPrefix(name, "files/") && !strings.Contains(text, "to all of you") {
				t.Errorf("%s lacks what she said in a group", name)
			}
			if strings.Contains(text, "somebody else") {
				t.Errorf("%s holds another's words", name)
			}
		}
		if files != 1 || !strings.Contains(inside["index.html"], `my &lt;b&gt;skin&lt;/b&gt;`) || !strings.Contains(inside["index.html"], "我們所知道的關於您的一切") {
			t.Errorf("%d files; the page: %.800s", files, inside["index.html"])
		}
		if _, _, err := h.OpenFile(context.Background(), h.mei, f.ID); !errors.Is(err, staff.ErrForbidden) {
			t.Errorf("an advisor opens it: %v", err)
		}
		if _, _, err := h.OpenOwn(context.Background(), other, f.ID); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("another customer opens it: %v", err)
		}
		in, _, err = h.OpenOwn(context.Background(), lin, f.ID)
		check(t, err)
		in.Close()
		h.write(func(tx *db.Tx) error { _, err := h.EraseFor(tx, h.officer, lin, ""); return err })
		if _, _, err := h.OpenFile(context.Background(), h.officer, f.ID); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("after the erasure: %v", err)
		}
		h.works(JobDropFile)
		h.works(conversation.JobDropBlobs)
		check(t, h.Blobs.Walk(func(key string, _ int64) error { t.Errorf("%s is left", key); return nil }))
	})
}

func fileBody(up conversation.Upload) channel.Body {
	return channel.Body{Type: up.Type, Media: &up.Media}
}

func write(t *testing.T, file string, content []byte) {
	t.Helper()
	check(t, os.WriteFile(file, content, 0o600))
}

// Who was taken for her and is not stands in the file that was made meanwhile: nobody
// gets it any more, and it goes with the other one at the latest.
func TestAFileIsNotHandedOutAfterAnUnmerge(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		lin, other := h.hears("Ulin", "hello", nil), h.hears("Uother", "somebody else's words", nil)
		var merge string
		var f File
		h.write(func(tx *db.Tx) (err error) {
			if merge, err = h.Desk.Merge(tx, staff.System(), conversation.Merge{KeptID: lin, LostID: other, Proof: conversation.ProvedByAdvisor}); err != nil {
				return err
			}
			f, err = h.Export(tx, Exporting{PersonID: lin}, byCustomer)
			return err
		})
		h.works(JobFile)
		in, _, err := h.OpenOwn(context.Background(), lin, f.ID)
		check(t, err)
		in.Close()
		h.clock.Advance(time.Minute)
		h.write(func(tx *db.Tx) error { return h.Desk.Unmerge(tx, staff.System(), merge) })
		if _, _, err := h.OpenOwn(context.Background(), lin, f.ID); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("she gets what the other one said: %v", err)
		}
		if _, _, err := h.OpenFile(context.Background(), h.officer, f.ID); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("the officer gets it: %v", err)
		}
		h.write(func(tx *db.Tx) error {
			again, err := h.Export(tx, Exporting{PersonID: lin}, byCustomer)
			if err == nil && again.ID == f.ID {
				t.Error("it is the same file")
			}
			return err
		})
		h.works(JobFile)
		h.write(func(tx *db.Tx) error { _, err := h.EraseFor(tx, h.officer, other, ""); return err })
		h.works(JobDropFile)
		check(t, h.Blobs.Walk(func(key string, _ int64) error {
			if key == fileKey(f.ID) {
				t.Error("the other one was erased and stands in a file of hers")
			}
			return nil
		}))
		h.read(func(tx *db.Tx) error {
			list, err := h.FilesOf(tx, lin)
			if err == nil && (len(list) != 2 || list[0].State != FileReady || list[1].State != FileGone) {
				t.Errorf("%+v", list)
			}
			return err
		})
	})
}

// A copy that she asked for stays hers when the record that asked is merged into another.
func TestACopyOutlivesAMerge(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		kept, lost, third := h.hears("Ukept", "hello", nil), h.hears("Ulost", "hello", nil), h.hears("Uthird", "hello", nil)
		var q Request
		var f File
		h.write(func(tx *db.Tx) (err error) {
			if q, err = h.RequestExport(tx, lost, FromChat); err != nil {
				return err
			}
			f, err = h.Export(tx, Exporting{PersonID: lost, RequestID: q.ID}, byCustomer)
			return err
		})
		h.works(JobFile)
		h.write(func(tx *db.Tx) error {
			_, err := h.Desk.Merge(tx, staff.System(), conversation.Merge{KeptID: kept, LostID: lost, Proof: conversation.ProvedByAdvisor})
			return err
		})
		h.read(func(tx *db.Tx) error {
			list, err := h.FilesOf(tx, kept)
			if err == nil && (len(list) != 1 || list[0].State != FileReady) {
				t.Errorf("her files: %+v", list)
			}
			return err
		})
		if _, _, err := h.FetchOwn(context.Background(), third, f.ID); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("somebody else gets it: %v", err)
		}
		in, _, err := h.FetchOwn(context.Background(), kept, f.ID)
		check(t, err)
		in.Close()
		if n := h.number(`SELECT COUNT(*) FROM privacy_request WHERE closed_at IS NULL`); n != 0 {
			t.Errorf("%d requests are open", n)
		}
	})
}

func TestAFileGrowsOld(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		lin := h.hears("Ulin", "hello", nil)
		var f File
		h.write(func(tx *db.Tx) (err error) {
			f, err = h.ExportFor(tx, h.officer, Exporting{PersonID: lin})
			return err
		})
		h.works(JobFile)
		h.clock.Advance(8 * 24 * time.Hour)
		if _, _, err := h.OpenFile(context.Background(), h.officer, f.ID); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("too old, and opened: %v", err)
		}
		_, err := h.Retain(context.Background())
		check(t, err)
		h.works(JobDropFile)
		check(t, h.Blobs.Walk(func(key string, _ int64) error { t.Errorf("%s is left", key); return nil }))
	})
}

func TestLanguagesOfTheFileSayTheSame(t *testing.T) {
	for language, words := range phrases() {
		for key := range phrases()["en"] {
			if words[key] == "" {
				t.Errorf("%s lacks %s", language, key)
			}
		}
		if len(words) != len(phrases()["en"]) {
			t.Errorf("%s has %d words", language, len(words))
		}
	}
}

func TestAListOfErasuresThatWasChanged(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		lin := h.hears("Ulin", "hello", nil)
		h.write(func(tx *db.Tx) error { _, err := h.EraseFor(tx, h.officer, lin, ""); return err })
		check(t, h.FinishNow(context.Background()))
		list, whole, err := h.readList(h.List)
		if err != nil || len(list) != 1 || list[0].Record != lin || whole == 0 {
			t.Fatalf("the list: %v, %v", list, err)
		}
		if n, err := h.Replay(context.Background(), h.List); n != 0 || err != nil {
			t.Errorf("read again: %d, %v", n, err)
		}
		living := h.hears("Uwang", "hello", nil)
		forged := h.tombstone(lin, list[0].At)
		forged.Record = living
		var out bytes.Buffer
		check(t, writeList(&out, []Tombstone{forged}))
		file := t.TempDir() + "/forged.jsonl"
		write(t, file, out.Bytes())
		if _, err := h.Replay(context.Background(), file); !errors.Is(err, ErrForeignList) {
			t.Errorf("a forged list: %v", err)
		}
		if h.number(`SELECT COUNT(*) FROM customer WHERE id = $1`, living) != 1 {
			t.Error("a forged list erased somebody")
		}
	})
}

func TestTheOfficersActsAreOnRecord(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		lin := h.hears("Ulin", "hello", nil)
		var f File
		h.write(func(tx *db.Tx) (err error) {
			q, err := h.AskFor(tx, h.officer, Asking{PersonID: lin, Kind: AskCorrect, Origin: FromOfficer, Note: "her name"})
			check(t, err)
			check(t, h.Comment(tx, h.officer, Working{ID: q.ID, Note: "asked the counter"}))
			check(t, h.Finish(tx, h.officer, Working{ID: q.ID}))
			f, err = h.ExportFor(tx, h.officer, Exporting{PersonID: lin})
			return err
		})
		h.works(JobFile)
		in, _, err := h.OpenFile(context.Background(), h.officer, f.ID)
		check(t, err)
		in.Close()
		h.write(func(tx *db.Tx) error { _, err := h.EraseFor(tx, h.officer, lin, ""); return err })
		h.read(func(tx *db.Tx) error {
			for _, action := range []string{"privacy.asked", "privacy.noted", "privacy.done", "customer.exported", "customer.export_fetched", "customer.erased"} {
				var n int
				check(t, tx.QueryRow(`SELECT COUNT(*) FROM audit WHERE action = $1 AND actor = $2 AND customer_id = $3`, action, h.officer.ID, lin).Scan(&n))
				if n != 1 {
					t.Errorf("%s: %d lines", action, n)
				}
			}
			return nil
		})
	})
}

// plainWords calls everything by its name and language.
type plainWords struct{}

func (plainWords) Attribute(language string, d customer.AttributeDef) string {
	return d.Name + " in " + language
}
func (plainWords) Value(language string, _ customer.AttributeDef, value string) string {
	return value + " in " + language
}
func (plainWords) Tag(language, name string) string { return name + " in " + language }

// What she reads is in her words and by her clock, whichever way each line is written.
func TestHerCopyIsForHerToRead(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.Words = plainWords{}
		nour := h.hears("Unour", "Yes, it is. See you soon!", nil)
		h.write(func(tx *db.Tx) error {
			if _, err := h.Book.AddContact(tx, nour, customer.Contact{Kind: customer.Phone, Value: "0912345678", Source: customer.SourceSaid}); err != nil {
				return err
			}
			_, err := h.Book.GiveTag(tx, nour, "skin:dry", customer.Proof{Source: customer.SourceImport})
			return err
		})
		var copied bytes.Buffer
		check(t, h.WriteFile(context.Background(), &copied, Exporting{PersonID: nour, Language: "ar"}))
		z, err := zip.NewReader(bytes.NewReader(copied.Bytes()), int64(copied.Len()))
		check(t, err)
		page, err := z.Open("index.html")
		check(t, err)
		raw, err := io.ReadAll(page)
		check(t, err)
		local := h.clock.Now().In(time.FixedZone("", 8*3600)).Format("2006-01-02 15:04")
		for _, want := range []string{`dir="rtl"`, `<div class="said" dir="auto">Yes, it is. See you soon!</div>`, `<bdi>&#43;886912345678</bdi>`,
			"\u2066" + local + " UTC&#43;08:00\u2069", "<time>\u2066" + local + "\u2069</time>", "skin:dry in ar"} {
			if !bytes.Contains(raw, []byte(want)) {
				t.Errorf("%q is not in the page: %s", want, raw)
			}
		}
	})
}
