package conversation

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/consent"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/staff"
)

func TestHintsAreWholeMessages(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want hint
	}{
		"english":                  {"Stop", hintStop},
		"loud":                     {"STOP!!! 🙏", hintStop},
		"full width":               {"ｓｔｏｐ", hintStop},
		"apart":                    {" s t o p ", hintStop},
		"with a hyphen":            {"opt-out", hintStop},
		"with a curly apostrophe":  {"Don’t message me", hintStop},
		"german guest":             {"Stöp", hintStop},
		"zh-Hant":                  {"取消訂閱。", hintStop},
		"zh-Hant, politely":        {"「退訂」", hintStop},
		"zh-Hans":                  {"退订", hintStop},
		"zh-Hans, by habit":        {"TD", hintStop},
		"arabic":                   {"إلغاء", hintStop},
		"arabic without its hamza": {"الغاء", hintStop},
		"arabic with vowels":       {"إِلْغَاء", hintStop},
		"arabic, stretched":        {"إلغـــاء", hintStop},
		"indonesian":               {"Berhenti.", hintStop},
		"malay":                    {"nyahlanggan", hintStop},
		"thai":                     {"ยกเลิก", hintStop},
		"thai stop":                {"หยุด ค่ะ", ""},
		"vietnamese":               {"Hủy", hintStop},
		"vietnamese, other tone":   {"huỷ đăng ký", hintStop},
		"vietnamese, decomposed":   {"hu\u0309y", hintStop},
		"vietnamese, no marks":     {"HUY DANG KY", hintStop},
		"vietnamese use":           {"dùng", ""},
		"vietnamese correct":       {"đúng", ""},
		"a name":                   {"Huy", ""},
		"thai drop":                {"หยด", ""},
		"a sentence":               {"Please stop by the counter tomorrow", ""},
		"another":                  {"can I cancel my appointment?", ""},
		"chinese sentence":         {"我想取消訂閱的那支口紅", ""},
		"chinese order":            {"取消", ""},
		"arabic sentence":          {"أريد إلغاء الطلب", ""},
		"thai sentence":            {"ขอยกเลิกนัดพรุ่งนี้", ""},
		"indonesian sentence":      {"hujan sudah berhenti?", ""},
		"a shade":                  {"Non-stop red", ""},
		"start":                    {"Start again", hintStart},
		"zh start":                 {"重新訂閱", hintStart},
		"my data":                  {"My data?", hintOwn},
		"zh my data":               {"我的資料", hintOwn},
		"arabic my data":           {"بياناتي", hintOwn},
		"nothing":                  {"", ""},
		"only marks":               {"!!! …", ""},
		"very long":                {strings.Repeat("stop", 100), ""},
		"hidden":                   {"st\u200bop", hintStop},
	} {
		t.Run(name, func(t *testing.T) {
			if got := (hintWords{}).of(c.text); got != "" {
				t.Fatalf("no words, and %q is a %s", c.text, got)
			}
			got := hint("")
			if len(c.text) <= maxHintBytes {
				got = shippedHints().of(exactly(c.text))
			}
			if got != c.want {
				t.Errorf("%q is %q, want %q", c.text, got, c.want)
			}
		})
	}
	for _, language := range staff.SpokenLanguages() {
		for _, k := range hintKeys {
			for _, word := range strings.Split(phrases()[language][k.key], "|") {
				if got := shippedHints().of(exactly(word)); got != k.hint || len(word) > maxHintBytes {
					t.Errorf("%s: %q is %q, want %q", language, word, got, k.hint)
				}
			}
		}
		for _, key := range []string{"undo", "agree", "only_answers", "read_more", "confirm_export", "confirm_erase"} {
			if words := phrases()[language][key]; label(words) != words {
				t.Errorf("%s: %s is too long for a button", language, key)
			}
		}
		for key, want := range map[string]hint{"undone": hintStop, "agreed": hintStop, "asked_export": hintOwn} {
			for _, w := range quoted.FindAllStringSubmatch(phrases()[language][key], -1) {
				if got := shippedHints().of(exactly(w[1])); got != want {
					t.Errorf("%s: %s tells her to write %q, which is %q", language, key, w[1], got)
				}
			}
		}
		for key, text := range phrases()["en"] {
			for _, name := range []string{"{page}", "{account}"} {
				if strings.Contains(text, name) != strings.Contains(phrases()[language][key], name) {
					t.Errorf("%s: %s has another %s", language, key, name)
				}
			}
		}
	}
}

var quoted = regexp.MustCompile(`[“「«]([^”」»]+)[”」»]`)

// What the texts of the purposes tell her to write must work.
func TestTheTextsNameWordsThatStop(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		h.write(func(tx *db.Tx) error { return h.Consent().EnsureShipped(tx) })
		h.read(func(tx *db.Tx) error {
			p, err := h.Consent().Purpose(tx, consent.Marketing)
			for _, language := range consent.Languages() {
				words := quoted.FindAllStringSubmatch(p.Texts[language].Body, -1)
				if len(words) == 0 {
					t.Errorf("%s: the text names no word", language)
				}
				for _, w := range words {
					if got, err := h.hintOf(tx, w[1]); got != hintStop || err != nil {
						t.Errorf("%s: %q is %q (%v)", language, w[1], got, err)
					}
				}
			}
			return err
		})
	})
}

func (h *house) taps(event, data string) Received {
	h.t.Helper()
	in := says("U1", 0, "")
	in.EventID, in.ExternalID, in.Kind, in.Body, in.At = event, "", channel.Postback, channel.Body{Type: channel.Button, Data: data}, h.DB.Now()
	return h.receive(in)
}

// said lists what the house said in a thread, the newest last.
func (h *house) said(thread string) (out []Message) {
	h.t.Helper()
	h.read(func(tx *db.Tx) error {
		list, _, err := h.Messages(tx, h.mei, Page{ThreadID: thread})
		for _, m := range list {
			if m.Author == AuthorAutomation && m.AuthorID == automation {
				out = append(out, m)
			}
		}
		return err
	})
	return out
}

func (h *house) stands(customer, purpose string) (s consent.Standing) {
	h.t.Helper()
	h.read(func(tx *db.Tx) error {
		states, err := h.Consent().States(tx, customer, time.Time{})
		for _, one := range states {
			if one.Purpose == purpose && one.Account == "" {
				s = one
			}
		}
		return err
	})
	return s
}

func (h *house) ledger(customer string) (n int) {
	h.t.Helper()
	h.read(func(tx *db.Tx) error {
		all, err := h.Consent().History(tx, customer)
		n = len(all)
		return err
	})
	return n
}

func data(m Message, label int) string { return m.Body.Choices[label].Data }

func TestOneWordStopsEverything(t *testing.T) {
	talks(t, func(t *testing.T, h *talk) {
		h.agrees(consent.Granted)
		planned := h.sends(Draft{Purpose: consent.Marketing, NotBefore: h.clock.Now().Add(24 * time.Hour)})
		later := h.sends(Draft{Purpose: consent.Marketing, Author: AuthorStaff, AuthorID: h.mei.ID, NotBefore: h.clock.Now().Add(24 * time.Hour)})
		if planned.Status != StatusPlanned || later.Status != StatusPlanned {
			t.Fatalf("not planned: %s, %s", planned.Status, later.Status)
		}
		h.clock.Advance(time.Minute)
		h.hears("please stop by tomorrow")
		if s := h.stands(h.thread.CustomerID, consent.Marketing); s.State != consent.Granted {
			t.Fatal("a sentence with the word stopped it")
		}
		h.hears("STOP!")
		for range 2 { // the platform delivers again
			h.hears("STOP!")
		}
		for _, p := range []string{consent.Marketing, consent.Profiling, consent.Sharing, consent.TryOn} {
			s := h.stands(h.thread.CustomerID, p)
			if s.State != consent.Withdrawn || s.Entry.How != consent.HowChat || s.Entry.Message == "" {
				t.Errorf("%s: %+v", p, s)
			}
		}
		for _, m := range []Message{planned, later} {
			h.becomes(m, StatusRefused, consent.Stopped)
		}
		if n := len(h.said(h.thread.ID)); n != 1 {
			t.Fatalf("%d answers of the house", n)
		}
		answer := h.said(h.thread.ID)[0]
		if !strings.Contains(answer.Body.Text, h.PublicURL+"/my/") || len(answer.Body.Choices) != 1 || answer.Purpose != consent.Service {
			t.Errorf("the answer: %+v", answer)
		}
		if texts := h.texts(h.mei, h.thread.ID); !slices.Contains(texts, "STOP!") || !slices.Contains(texts, "(declined)") {
			t.Errorf("the advisor sees %q", texts)
		}
		h.read(func(tx *db.Tx) error {
			all, err := h.Consent().History(tx, h.thread.CustomerID)
			if string(all[0].Evidence) != "STOP!" {
				t.Errorf("her words are not kept: %q", all[0].Evidence)
			}
			return err
		})

		n := h.ledger(h.thread.CustomerID)
		h.clock.Advance(time.Minute)
		h.hears("stop")
		if again := h.said(h.thread.ID); h.ledger(h.thread.CustomerID) != n || len(again) != 2 || len(again[1].Body.Choices) != 0 {
			t.Error("stopping twice changed something, or she was left without an answer")
		}

		h.clock.Advance(time.Minute)
		for _, event := range []string{"undo", "undo", "undo again"} {
			h.taps(event, data(answer, 0))
		}
		if s := h.stands(h.thread.CustomerID, consent.Marketing); s.State != consent.Granted || s.Entry.How != consent.HowChat || !s.Allowed() {
			t.Errorf("undone: %+v", s)
		}
		if s := h.stands(h.thread.CustomerID, consent.Profiling); s.State != consent.Withdrawn {
			t.Error("undoing gave what she had never given")
		}
		if got := h.ledger(h.thread.CustomerID); got != n+1 {
			t.Errorf("%d entries, want %d", got, n+1)
		}
		if m := h.now(planned); m.Status != StatusRefused {
			t.Error("a dead message came back")
		}

		// What she said since counts more than an old button.
		h.clock.Advance(time.Minute)
		h.hears("unsubscribe")
		h.clock.Advance(time.Minute)
		h.taps("old undo", data(answer, 0))
		if s := h.stands(h.thread.CustomerID, consent.Marketing); s.State != consent.Withdrawn {
			t.Error("an old button took back a newer stop")
		}
		for _, bad := range []string{"dd:undo:con_nobody", "dd:undo:", "dd:allow:marketing:9:en", "dd:allow:marketing:x:en", "dd:allow:service:1:en", "dd:allow:nothing:1:en",
			"dd:allow:marketing:1:xx", "dd:own:everything"} {
			before := h.ledger(h.thread.CustomerID)
			h.taps("bad "+bad, bad)
			if h.ledger(h.thread.CustomerID) != before {
				t.Errorf("%s was written down", bad)
			}
		}
	})
}

func TestStartingAgainIsAsked(t *testing.T) {
	talks(t, func(t *testing.T, h *talk) {
		h.agrees(consent.Withdrawn)
		h.clock.Advance(time.Minute)
		h.hears("重新訂閱")
		if s := h.stands(h.thread.CustomerID, consent.Marketing); s.State != consent.Withdrawn {
			t.Fatal("a word alone granted it")
		}
		all := h.said(h.thread.ID)
		question := all[len(all)-1]
		if len(question.Body.Choices) != 3 {
			t.Fatalf("the question: %+v", question)
		}
		h.taps("yes", data(question, 0))
		s := h.stands(h.thread.CustomerID, consent.Marketing)
		if !s.Allowed() || s.Entry.Version != 1 || s.Entry.Language != "zh-TW" || s.Entry.How != consent.HowChat {
			t.Errorf("agreed: %+v", s)
		}
		h.clock.Advance(time.Minute)
		planned := h.sends(Draft{Purpose: consent.Marketing, NotBefore: h.clock.Now().Add(24 * time.Hour)})
		h.taps("no", data(question, 1))
		h.becomes(planned, StatusRefused, consent.Stopped)

		// The group asks anew: the old button is what she read then, and she is asked again.
		h.write(func(tx *db.Tx) error {
			p, err := h.Consent().Purpose(tx, consent.Marketing)
			if err != nil {
				return err
			}
			_, err = h.Consent().SavePurpose(tx, staff.System(), consent.PurposeForm{Name: p.Name, Position: p.Position, Anew: true,
				Texts: map[string]consent.Text{"en": {Title: "Letters", Body: "May we write letters?"}}})
			return err
		})
		h.clock.Advance(time.Minute)
		h.taps("stale yes", data(question, 0))
		all = h.said(h.thread.ID)
		if again := all[len(all)-1]; !strings.Contains(again.Body.Text, "letters") || len(again.Body.Choices) != 3 {
			t.Errorf("an old yes was answered with %+v", again)
		}
		h.taps("new yes", data(all[len(all)-1], 0))
		if s := h.stands(h.thread.CustomerID, consent.Marketing); !s.Allowed() || s.Entry.Version != 2 || s.Entry.Language != "en" {
			t.Errorf("agreed anew: %+v", s)
		}
	})
}

func (h *house) follows(event string, kind channel.EventKind, back bool) {
	h.t.Helper()
	in := says("U1", 0, "")
	in.EventID, in.ExternalID, in.Kind, in.Body, in.Unblocked, in.At = event, "", kind, channel.Body{}, back, h.DB.Now()
	h.receive(in)
}

func TestSheIsAskedOnce(t *testing.T) {
	clock := dbtest.NewClock(monday)
	dbtest.EachAt(t, clock, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		h.follows("before there are purposes", channel.Follow, false)
		thread := h.only(h.mei)
		if n := len(h.said(thread.ID)); n != 0 {
			t.Fatalf("%d messages of a house without purposes", n)
		}
		h.write(func(tx *db.Tx) error { return h.Consent().EnsureShipped(tx) })
		next := func(event string, kind channel.EventKind, back bool, want int) {
			t.Helper()
			clock.Advance(time.Minute)
			h.follows(event, kind, back)
			if got := len(h.said(thread.ID)); got != want {
				t.Errorf("%s: %d messages, want %d", event, got, want)
			}
		}
		next("blocks a", channel.Unfollow, false, 0)
		h.write(func(tx *db.Tx) error {
			_, err := h.SaveChatRules(tx, h.officer, ChatRules{NoGreeting: true})
			return err
		})
		next("follows a group that says it itself", channel.Follow, false, 0)
		next("blocks a group that says it itself", channel.Unfollow, false, 0)
		h.write(func(tx *db.Tx) error { _, err := h.SaveChatRules(tx, h.officer, ChatRules{}); return err })
		next("follow", channel.Follow, false, 1)
		next("follow", channel.Follow, false, 1)
		next("blocks", channel.Unfollow, false, 1)
		next("follows once more", channel.Follow, false, 1)
		next("blocks b", channel.Unfollow, false, 1)
		next("comes back", channel.Follow, true, 2)
		asked := h.said(thread.ID)[0]
		for _, want := range []string{"Rosée", "取消訂閱", "/my/", "刪除"} {
			if !strings.Contains(asked.Body.Text, want) {
				t.Errorf("the notice lacks %q: %s", want, asked.Body.Text)
			}
		}
		h.taps("tap", data(asked, 1))
		h.taps("tap", data(asked, 1))
		if s := h.stands(thread.CustomerID, consent.Marketing); s.State != consent.Withdrawn || s.Entry.Message != "" && s.Entry.Version != 1 {
			t.Errorf("refused: %+v", s)
		}
		if n := len(h.said(thread.ID)); n != 3 {
			t.Errorf("%d messages after one tap delivered twice", n)
		}
		next("blocks c", channel.Unfollow, false, 3)
		next("comes back again", channel.Follow, true, 3)
		h.taps("more", data(asked, 2))
		all := h.said(thread.ID)
		if last := all[len(all)-1]; !strings.Contains(last.Body.Text, "/my/") {
			t.Errorf("read more: %+v", last)
		}
	})
}

func TestAVisitorIsAskedWithHerFirstWords(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		h.write(func(tx *db.Tx) error { return h.Consent().EnsureShipped(tx) })
		ana := h.visitorOf("ana")
		h.visitorSays(ana, "1", "hello")
		h.visitorSays(ana, "1", "hello")
		h.visitorSays(ana, "2", "anybody?")
		thread := h.only(h.mei)
		all := h.said(thread.ID)
		if len(all) != 1 || len(all[0].Body.Choices) != 3 {
			t.Fatalf("%d notices: %+v", len(all), all)
		}
		h.write(func(tx *db.Tx) error {
			_, err := h.VisitorTaps(tx, ana, Tapping{Key: "3", Data: data(all[0], 0)})
			return err
		})
		if s := h.stands(thread.CustomerID, consent.Marketing); !s.Allowed() {
			t.Errorf("agreed: %+v", s)
		}
		bea := h.visitorOf("bea")
		h.visitorSays(bea, "1", "stop")
		for _, other := range h.threads(h.mei, Filter{Box: BoxAll}) {
			if other.ID != thread.ID && len(h.said(other.ID)) != 1 {
				t.Errorf("she began with a stop and hears %d messages", len(h.said(other.ID)))
			}
		}
	})
}

func TestTheGroupAddsWords(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		save := func(v staff.Viewer, w ChatRules) error {
			return d.Write(t.Context(), func(tx *db.Tx) error { _, err := h.SaveChatRules(tx, v, w); return err })
		}
		if err := save(h.mei, ChatRules{}); err != staff.ErrForbidden {
			t.Errorf("an advisor: %v", err)
		}
		for name, c := range map[string]struct {
			words ChatRules
			want  db.Invalid
		}{
			"one letter":          {ChatRules{Stop: []string{"x!"}}, db.Invalid{Field: "stop", Code: "too_short"}},
			"too long":            {ChatRules{Page: []string{strings.Repeat("a", 41)}}, db.Invalid{Field: "page", Code: "too_long"}},
			"a stop that starts":  {ChatRules{Start: []string{"STOP"}}, db.Invalid{Field: "start", Code: "word_taken"}},
			"more than one reads": {ChatRules{Stop: numbered(101)}, db.Invalid{Field: "stop", Code: "too_many"}},
		} {
			if err := save(h.officer, c.words); err != c.want {
				t.Errorf("%s: %v, want %v", name, err, c.want)
			}
		}
		check(t, save(h.officer, ChatRules{Stop: []string{"Schluss", " Schluss ", "", "stop"}, Page: []string{"Meine Daten"}}))
		h.read(func(tx *db.Tx) error {
			w, err := h.ChatRules(tx)
			if !slices.Equal(w.Stop, []string{"Schluss"}) {
				t.Errorf("kept %q", w.Stop)
			}
			for text, want := range map[string]hint{"schluss!": hintStop, "meine  daten": hintOwn, "Schluss jetzt": "", "stop": hintStop} {
				if got, _ := h.hintOf(tx, text); got != want {
					t.Errorf("%q is %q, want %q", text, got, want)
				}
			}
			return err
		})
	})
}

func numbered(n int) (out []string) {
	for i := range n {
		out = append(out, "word "+strings.Repeat("i", i%30+1)+string(rune('a'+i%26))+string(rune('a'+i/26)))
	}
	return out
}

// TestSheAsksForAnotherAdvisor: the word alone brings the list, and stays in the thread;
// inside a sentence, or where nobody can be chosen, it is for her advisor.
func TestSheAsksForAnotherAdvisor(t *testing.T) {
	talks(t, func(t *testing.T, h *talk) {
		h.hears("可以換顧問嗎,她都不回")
		if n := len(h.said(h.thread.ID)); n != 0 {
			t.Fatalf("a sentence was answered by the house %d times", n)
		}
		h.hears("換顧問！")
		said := h.said(h.thread.ID)
		if len(said) != 1 || len(said[0].Body.Choices) != 2 || said[0].Body.Choices[0].Label != "Mei" {
			t.Fatalf("the house said %+v", said)
		}
		if got := h.texts(h.mei, h.thread.ID); !slices.Contains(got, "換顧問！") {
			t.Errorf("her words are not in the thread: %q", got)
		}
		h.taps("choose", said[0].Body.Choices[0].Data)
		if th := h.only(h.mei); th.AssigneeID != h.mei.ID {
			t.Errorf("the thread is %q's", th.AssigneeID)
		}
		h.write(func(tx *db.Tx) error {
			return staff.SetAway(tx, staff.System(), staff.Away{StaffID: h.mei.ID, Until: h.clock.Now().AddDate(0, 0, 7)})
		})
		before := len(h.said(h.thread.ID))
		h.hears("change advisor")
		if n := len(h.said(h.thread.ID)); n != before {
			t.Errorf("with nobody to choose the house said %d more", n-before)
		}
	})
}

// What she had refused on one account stays refused there when she takes a stop back.
func TestUndoKeepsWhatWasRefusedOnOneAccount(t *testing.T) {
	talks(t, func(t *testing.T, h *talk) {
		h.agrees(consent.Granted)
		h.clock.Advance(time.Minute)
		h.write(func(tx *db.Tx) error {
			_, err := h.Consent().Record(tx, consent.Entry{Customer: h.thread.CustomerID, Purpose: consent.Marketing, Account: "acc_other",
				State: consent.Withdrawn, How: consent.HowPage})
			return err
		})
		h.clock.Advance(time.Minute)
		h.hears("stop")
		h.clock.Advance(time.Minute)
		for _, event := range []string{"undo", "undo again"} {
			h.taps(event, data(h.said(h.thread.ID)[0], 0))
			h.clock.Advance(time.Minute)
		}
		h.read(func(tx *db.Tx) error {
			here, err := h.Consent().May(tx, h.thread.CustomerID, consent.Marketing, h.account.ID)
			if err != nil {
				return err
			}
			there, err := h.Consent().May(tx, h.thread.CustomerID, consent.Marketing, "acc_other")
			if !here || there {
				t.Errorf("here %v, where she had refused %v", here, there)
			}
			return err
		})
		if said := h.said(h.thread.ID); len(said) != 3 || said[1].Body.Text[:12] != said[2].Body.Text[:12] {
			t.Errorf("tapped twice, she was told %+v", said)
		}
	})
}

// What a button of a handover says happens, also when she tapped it before, or the
// handover is not there any more.
func TestAHandoverButtonStopsEverything(t *testing.T) {
	talks(t, func(t *testing.T, h *talk) {
		for n := range 2 {
			h.agrees(consent.Granted)
			h.clock.Advance(time.Minute)
			planned := h.sends(Draft{Purpose: consent.Marketing, NotBefore: h.clock.Now().Add(24 * time.Hour)})
			h.taps(fmt.Sprint("no messages ", n), DataHandover("hoi_gone", HandoverStop))
			if s := h.stands(h.thread.CustomerID, consent.Marketing); s.State != consent.Withdrawn || s.Entry.How != consent.HowChat {
				t.Errorf("she was told that we stop, and stands at %+v", s)
			}
			h.becomes(planned, StatusRefused, consent.Stopped)
			h.clock.Advance(time.Minute)
		}
	})
}

// A tap that takes something away counts where another module answers for us, as her word does.
func TestATapStopsInStandby(t *testing.T) {
	talks(t, func(t *testing.T, h *talk) {
		for n, tapped := range []string{DataStop, ours + "refuse:marketing:1:en", DataHandover("hoi_gone", HandoverStop)} {
			h.agrees(consent.Granted)
			h.clock.Advance(time.Minute)
			in := says("U1", 0, "")
			in.EventID, in.ExternalID, in.Kind, in.Body, in.At = fmt.Sprint("standby ", n), "", channel.Postback, channel.Body{Type: channel.Button, Data: tapped}, h.clock.Now()
			in.Standby = true
			h.receive(in)
			if s := h.stands(h.thread.CustomerID, consent.Marketing); s.State != consent.Withdrawn {
				t.Errorf("%s: she stands at %+v", tapped, s)
			}
			h.clock.Advance(time.Minute)
		}
		if said := h.said(h.thread.ID); len(said) != 0 {
			t.Errorf("we spoke where another one answers: %+v", said)
		}
	})
}

// She corrects a slip of the pen: what stands in the chat then is what counts.
func TestAnEditedMessageStopsEverything(t *testing.T) {
	talks(t, func(t *testing.T, h *talk) {
		h.agrees(consent.Granted)
		h.clock.Advance(time.Minute)
		h.hears("sotp")
		for n, text := range []string{"please stop by tomorrow", "my data", "stop", "STOP!"} {
			in := says("U1", 0, text)
			in.EventID, in.ExternalID, in.Kind, in.At, in.ReplyToken = fmt.Sprint("edit ", n), "ext sotp", channel.Edit, h.clock.Now(), ""
			h.receive(in, in)
			want := consent.Granted
			if n > 1 {
				want = consent.Withdrawn
			}
			if s := h.stands(h.thread.CustomerID, consent.Marketing); s.State != want {
				t.Errorf("%q: she stands at %+v", text, s)
			}
			h.clock.Advance(time.Minute)
		}
		if said := h.said(h.thread.ID); len(said) != 1 {
			t.Errorf("%d answers of the house", len(said))
		}
	})
}
