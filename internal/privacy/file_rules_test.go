package privacy

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"dingdong/internal/db"
	"dingdong/internal/handover"
	"dingdong/internal/staff"
)

// moved enters that her advisor changed, and that another change is only planned.
func (h *house) moved(record string) {
	h.t.Helper()
	h.write(func(tx *db.Tx) error {
		hua := h.person(tx, staff.StaffForm{Name: "Hua", Role: staff.Advisor, Counters: []string{h.counter}})
		ana := h.person(tx, staff.StaffForm{Name: "Ana", Role: staff.Advisor, Counters: []string{h.counter}})
		for _, x := range [][]any{{"hnd_1", h.mei.ID}, {"hnd_2", hua.ID}} {
			if _, err := tx.Exec(`INSERT INTO handover (id, leaver_id, kind, state, begins_at, ends_at, by_language, by_speciality, by_load, quiet_months, pace, created_by, created_at)
				VALUES ($1, $2, 'leaves', 'moving', 1, 1, TRUE, TRUE, TRUE, 1, 1, $2, 1)`, x...); err != nil {
				return err
			}
		}
		_, err := tx.Exec(`INSERT INTO handover_item (id, handover_id, counter_id, customer_id, to_id, bound, state, told, answer, chosen_id, moved_at)
			VALUES ('hit_1', 'hnd_1', $1, $2, $3, TRUE, 'moved', 'told', 'chose', $4, 1), ('hit_2', 'hnd_2', $1, $2, '', TRUE, 'planned', '', '', '', 0)`,
			h.counter, record, hua.ID, ana.ID)
		return err
	})
}

// read gives one part of a zip.
func part(t *testing.T, raw []byte, name string) string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	check(t, err)
	in, err := z.Open(name)
	check(t, err)
	text, err := io.ReadAll(in)
	check(t, errors.Join(err, in.Close()))
	return string(text)
}

func TestHerPageSpeaksEveryLanguage(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		lin := h.hears("Ulin", "words", nil)
		h.moved(lin)
		h.write(func(tx *db.Tx) error { _, err := h.RequestErasure(tx, lin, FromPage); return err })
		for _, language := range fileLanguages() {
			var out bytes.Buffer
			check(t, h.writeArchive(context.Background(), &out, File{PersonID: lin, Language: language, Code: "ABCDEFGH23", By: byCustomer}))
			page, words := part(t, out.Bytes(), "index.html"), phrases()[language]
			dir := map[bool]string{true: "rtl", false: "ltr"}[language == "ar"]
			if !strings.Contains(page, `<html lang="`+language+`" dir="`+dir+`">`) || strings.Contains(page, "{") && strings.Contains(page, "{name}") {
				t.Errorf("%s: %.200s", language, page)
			}
			for _, key := range []string{"title", "handovers", "told_told", "kind_erase", "state_open", "talks", "for_you"} {
				if words[key] == "" || !strings.Contains(page, words[key]) {
					t.Errorf("%s: the page does not say %s, %q", language, key, words[key])
				}
			}
			if !strings.Contains(page, "Mei") || !strings.Contains(page, "Ana") || !strings.Contains(page, "ABCDEFGH23") {
				t.Errorf("%s: no change of her advisor, or no code", language)
			}
			var data struct {
				Handovers []handover.ExtractMove
				Copy, For string
			}
			check(t, json.Unmarshal([]byte(part(t, out.Bytes(), "data.json")), &data))
			if len(data.Handovers) != 1 || data.Handovers[0].From != "Mei" || data.Handovers[0].To != "Hua" || data.Handovers[0].Chosen != "Ana" || data.Copy != "ABCDEFGH23" || data.For != "you" {
				t.Errorf("%s: %+v", language, data)
			}
		}
	})
}

// What the page asks for is there in every language, and the holes are the same.
func TestEveryWordOfHerPageIsThere(t *testing.T) {
	holes := regexp.MustCompile(`\{\w+\}`)
	for language, words := range phrases() {
		for _, found := range regexp.MustCompile(`say "(\w+)"`).FindAllStringSubmatch(personPage, -1) {
			if words[found[1]] == "" {
				t.Errorf("%s lacks %s", language, found[1])
			}
		}
		for key, text := range phrases()["en"] {
			want := map[string]bool{}
			for _, hole := range holes.FindAllString(text, -1) {
				want[hole] = true
			}
			for _, hole := range holes.FindAllString(words[key], -1) {
				if !want[hole] {
					t.Errorf("%s: %s has a hole %s that nobody fills", language, key, hole)
				}
				delete(want, hole)
			}
			if len(want) > 0 {
				t.Errorf("%s: %s leaves out %v", language, key, want)
			}
		}
	}
}

func TestWhichLanguageHerFileSpeaks(t *testing.T) {
	for tag, want := range map[string]string{"zh-TW": "zh-Hant", "zh-Hant": "zh-Hant", "zh": "zh-Hant", "zh-CN": "zh-Hans", "zh_Hans_CN": "zh-Hans", "zh-Hant-CN": "zh-Hant", "en-GB": "en",
		"ar-SA": "ar", "id": "id", "in-ID": "id", "MS": "ms", "th-TH": "th", "vi": "vi", "fr": "en", "": "en", "../../x": "en"} {
		if got := fileLanguage(tag); got != want {
			t.Errorf("%q: %s, not %s", tag, got, want)
		}
	}
}

// A copy is handed out like any other file that leaves the house: counted, on record,
// for its time only, to nobody who is about to leave, and its code leads back.
func TestACopyIsHandedOutLikeAnyExport(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		lin := h.hears("Ulin", "words", nil)
		export := func() (f File, err error) {
			err = h.DB.Write(context.Background(), func(tx *db.Tx) (err error) {
				f, err = h.ExportFor(tx, h.officer, Exporting{PersonID: lin})
				return err
			})
			return f, err
		}
		f, err := export()
		check(t, err)
		if _, _, err := h.OpenFile(context.Background(), h.officer, f.ID); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("a file that is not made is opened: %v", err)
		}
		if n := h.number(`SELECT COUNT(*) FROM audit WHERE action = 'customer.export_fetched'`); n != 0 {
			t.Errorf("%d downloads of nothing are on record", n)
		}
		h.works(JobFile)
		for range 2 {
			in, _, err := h.OpenFile(context.Background(), h.officer, f.ID)
			check(t, err)
			in.Close()
		}
		if n := h.number(`SELECT COUNT(*) FROM audit WHERE action = 'customer.export_fetched' AND actor = $1 AND object = $2`, h.officer.ID, f.ID); n != 2 {
			t.Errorf("%d downloads are on record", n)
		}
		h.write(func(tx *db.Tx) error {
			found, err := h.TraceFile(tx, h.officer, " "+strings.ToLower(f.Code)+" ")
			if err != nil || found.ID != f.ID || found.By != h.officer.ID || found.Downloads != 2 {
				t.Errorf("its code leads to %+v, %v", found, err)
			}
			if _, err := h.TraceFile(tx, h.mei, f.Code); !errors.Is(err, staff.ErrForbidden) {
				t.Errorf("an advisor traces it: %v", err)
			}
			for _, code := range []string{"", "2", "' OR 1=1 --", strings.Repeat("A", 100_000)} {
				if _, err := h.TraceFile(tx, h.officer, code); !errors.Is(err, db.ErrNotFound) {
					t.Errorf("%.20q leads somewhere: %v", code, err)
				}
			}
			return nil
		})
		h.write(func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE staff SET leaves_at = $2 WHERE id = $1`, h.officer.ID, db.Micro(tx.Now.Add(30*24*time.Hour)))
			return err
		})
		var refused db.Invalid
		if _, err := export(); !errors.As(err, &refused) || refused.Code != "leaving" {
			t.Errorf("who leaves has one made: %v", err)
		}
		if _, _, err := h.OpenFile(context.Background(), h.officer, f.ID); !errors.As(err, &refused) {
			t.Errorf("who leaves fetches it: %v", err)
		}
		h.write(func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE staff SET leaves_at = NULL WHERE id = $1`, h.officer.ID)
			return err
		})
		h.clock.Advance(8 * 24 * time.Hour)
		if _, _, err := h.OpenFile(context.Background(), h.officer, f.ID); !errors.Is(err, db.ErrNotFound) {
			t.Errorf("after its time: %v", err)
		}
	})
}
