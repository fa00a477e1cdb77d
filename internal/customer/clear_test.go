package customer

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
)

// What staff writes and what is concluded must not lie in the database in clear.
func TestCardsAreNeverInClear(t *testing.T) {
	url := dbtest.SQLiteURL(t)
	clock := dbtest.NewClock(opening)
	d, err := db.Open(t.Context(), url, db.Options{Clock: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := openShop(t, d, clock)
	words := []string{"SecretMarker", "林怡君祕密", "1987-06-05", "secretmarker"}
	text := strings.Join(words, " ")
	s.write(func(tx *db.Tx) error {
		p := Proof{Source: SourceSaid, MessageID: "m1", CounterID: s.counter, Rule: "en/1/x", Cause: text}
		for name, value := range map[string]string{"address_as": text, "scents": text, "birthday": "1987-06-05"} {
			_, err := s.Learn(tx, s.lin, Learnt{name, value, p})
			s.check(err)
		}
		_, err := s.GiveTag(tx, s.lin, "skin:dry", p)
		s.check(err)
		note, err := s.AddNote(tx, s.mei, NoteForm{s.lin, s.counter, text})
		s.check(err)
		_, err = s.EditNote(tx, s.mei, note.ID, text+text)
		s.check(err)
		_, err = s.AddWish(tx, s.mei, WishForm{s.lin, s.counter, text, []string{"scent:light"}})
		s.check(err)
		_, err = s.AddPromise(tx, s.mei, PromiseForm{s.lin, s.counter, text, opening.Add(time.Hour)})
		return err
	})
	_, worn := s.tags(s.mei, s.lin)
	_, known := s.attributes(s.mei, s.lin)
	if worn[0].Proof.Cause != text || known[0].Value != text {
		t.Fatalf("the test says little: %+v", known)
	}
	s.write(func(tx *db.Tx) error { // events and the audit tell of both
		s.check(s.Forget(tx, s.mei, known[0].ID))
		_, err := s.TakeTag(tx, s.mei, worn[0].ID)
		return err
	})
	read := func() {
		t.Helper()
		files, err := filepath.Glob(strings.TrimPrefix(url, "sqlite:") + "*")
		s.check(err)
		size := 0
		for _, name := range files {
			content, err := os.ReadFile(name)
			s.check(err)
			size += len(content)
			for _, word := range words {
				var wide []byte
				for _, unit := range utf16.Encode([]rune(word)) {
					wide = binary.LittleEndian.AppendUint16(wide, unit)
				}
				for how, spelt := range map[string][]byte{"UTF-8": []byte(word), "UTF-16": wide, "hexadecimal": []byte(hex.EncodeToString([]byte(word)))} {
					if at := bytes.Index(content, spelt); at >= 0 {
						t.Errorf("%s holds %q as %s: %q", filepath.Base(name), word, how, content[max(0, at-60):min(len(content), at+60)])
					}
				}
			}
		}
		if size < 100_000 {
			t.Fatalf("only %d bytes of database", size)
		}
	}
	read() // with the write-ahead log beside it
	s.check(d.Close())
	read()
}

func TestErasedCardsAreEmpty(t *testing.T) {
	eachShop(t, func(s *shop) {
		s.learn(s.lin, "scents", "rose", Proof{Source: SourceStaff})
		s.give(s.lin, "skin:dry", Proof{Source: SourceSaid, Cause: "dry", CounterID: s.counter})
		s.write(func(tx *db.Tx) error {
			_, err := s.AddNote(tx, s.mei, NoteForm{s.lin, s.counter, "words"})
			s.check(err)
			return s.Vault.DropKey(tx, s.lin)
		})
		values, _ := s.attributes(s.mei, s.lin)
		_, worn := s.tags(s.mei, s.lin)
		var notes []Note
		s.read(func(tx *db.Tx) (err error) {
			notes, err = s.Notes(tx, s.mei, Page{Records: []string{s.lin}})
			return err
		})
		if len(values) != 0 || worn[0].Proof.Cause != "" || notes[0].Body != "" {
			s.t.Errorf("%q, %+v, %+v", values, worn, notes)
		}
	})
}
