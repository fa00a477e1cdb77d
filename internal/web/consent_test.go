package web

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"dingdong/internal/consent"
	"dingdong/internal/db"
)

func TestSignature(t *testing.T) {
	line := func(n int) string {
		points := make([][2]int, n)
		for i := range points {
			points[i] = [2]int{i % 100, i % 50}
		}
		raw, _ := json.Marshal(signature{Width: 300, Height: 100, Strokes: [][][2]int{points}})
		return string(raw)
	}
	for name, c := range map[string]struct{ raw, code string }{
		"a name":            {line(40), ""},
		"nothing":           {"", "required"},
		"words":             {"please", "required"},
		"a dot":             {line(1), "required"},
		"broken":            {`{"width":`, "malformed"},
		"no measure":        {`{"strokes":[[[1,1],[2,2],[3,3],[4,4],[5,5],[6,6]]]}`, "malformed"},
		"beside the field":  {`{"width":10,"height":10,"strokes":[[[1,1],[2,2],[3,3],[4,4],[5,5],[60,6]]]}`, "malformed"},
		"a negative corner": {`{"width":10,"height":10,"strokes":[[[-1,1],[2,2],[3,3],[4,4],[5,5],[6,6]]]}`, "malformed"},
		"a wall":            {`{"width":100000,"height":10,"strokes":[]}`, "malformed"},
		"a novel":           {line(maxPoints + 1), "too_large"},
		"a thousand dots":   {`{"width":10,"height":10,"strokes":[` + strings.TrimSuffix(strings.Repeat("[[1,1]],", maxStrokes+1), ",") + `]}`, "malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := readSignature([]byte(c.raw))
			if c.code != "" {
				if err == nil || err.Error() != (db.Invalid{Field: "signature", Code: c.code}).Error() {
					t.Errorf("says %v", err)
				}
				return
			}
			if err != nil || len(s.paths()) != 1 || !strings.HasPrefix(s.paths()[0], "M0 0L1 1") {
				t.Errorf("%v %q", err, s.paths())
			}
		})
	}
}

func TestConsentOnTheCard(t *testing.T) {
	h := newAdminHouse(t)
	thread := h.says("Uyijun", "hello")
	at := "/inbox/" + thread.ID
	b := h.as(t, h.Advisor)
	want(t, b.get(at+"/card"), http.StatusOK, "Consent and contact", "News and offers", "Never asked", "0 of 3 unasked messages")
	want(t, b.post(at+"/card/consent", url.Values{"purpose": {"marketing"}, "state": {"granted"}}), http.StatusOK, "Agreed", "Said at the counter")
	want(t, b.post(at+"/card/consent", url.Values{"purpose": {"spam"}, "state": {"granted"}}), http.StatusUnprocessableEntity, "This cannot be right")
	want(t, b.post(at+"/card/consent", url.Values{"purpose": {"service"}, "state": {"withdrawn"}}), http.StatusUnprocessableEntity)

	sign := b.get(at + "/consent?language=ar&purpose=profiling")
	want(t, sign, http.StatusOK, `lang="ar" dir="rtl"`, "تذكّر ذوقكِ", "<canvas")
	lacks(t, sign, "rail-item") // the tablet is in her hands: no way into the house
	form := url.Values{"purpose": {"profiling"}, "version": {"1"}, "language": {"ar"}, "state": {"granted"}}
	want(t, b.post(at+"/consent", form), http.StatusUnprocessableEntity, "نرجو التوقيع")
	form.Set("signature", `{"width":300,"height":100,"strokes":[[[1,1],[2,2],[3,3],[4,4],[5,5],[6,6]]]}`)
	wantRedirect(t, b.post(at+"/consent", form), at)
	want(t, b.get(at+"/card/consent-past"), http.StatusOK, "Signed at the counter", `<path d="M1 1L2 2`, "Agreed: Remembering your taste")
	h.read(func(tx *db.Tx) error {
		all, err := h.Consent.History(tx, thread.CustomerID)
		if len(all) != 2 || all[0].How != consent.HowTablet || all[0].Language != "ar" || all[0].Witness != h.Advisor {
			t.Errorf("the ledger holds %+v", all)
		}
		return err
	})

	want(t, b.post(at+"/card/pause", url.Values{"reason": {"the pump broke"}}), http.StatusOK, "Nothing unasked until", "the pump broke", "End the pause")
	want(t, b.post(at+"/card/pause", url.Values{"reason": {strings.Repeat("x", 301)}}), http.StatusUnprocessableEntity)
	got := b.post(at+"/card/pause", url.Values{"do": {"resume"}})
	want(t, got, http.StatusOK, "Pause for 14 days")
	lacks(t, got, "the pump broke")
}

func TestPurposesPage(t *testing.T) {
	h := newAdminHouse(t)
	b := h.as(t, h.Privacy)
	want(t, b.get("/admin"), http.StatusOK, `href="/admin/purposes"`, `href="/admin/contact-rules"`)
	want(t, b.get("/admin/purposes"), http.StatusOK, "News and offers", "0 agreed", "Needs no consent", "Add a purpose")
	page := b.get("/admin/purposes/marketing")
	want(t, page, http.StatusOK, "新品與優惠通知", `dir="rtl"`, "Came with the product", `name="version" value="1"`)
	form := url.Values{"text_title.en": {"News"}, "text_body.en": {"May we write?\n\nYou may say no."}, "note": {"shorter"}, "anew": {"on"}, "version": {"1"}, "position": {"20"}}
	wantRedirect(t, b.post("/admin/purposes/marketing", form), "/admin/purposes/marketing")
	want(t, b.get("/admin/purposes/marketing"), http.StatusOK, "version 2", "Asked everybody again", "shorter", "No text")
	want(t, b.post("/admin/purposes/marketing", form), http.StatusUnprocessableEntity, "Somebody has changed this purpose meanwhile")
	form.Set("text_body.en", "")
	form.Set("version", "2")
	want(t, b.post("/admin/purposes/marketing", form), http.StatusUnprocessableEntity, "Please fill this in")
	want(t, b.post("/admin/purposes", url.Values{"name": {"A B"}, "text_title.en": {"x"}, "text_body.en": {"y"}}), http.StatusUnprocessableEntity, "Small letters")
	wantRedirect(t, b.post("/admin/purposes", url.Values{"name": {"letters"}, "text_title.en": {"Letters"}, "text_body.en": {"y"}}), "/admin/purposes/letters")
	read := h.as(t, h.Manager).get("/admin/purposes/marketing")
	want(t, read, http.StatusOK, "You can read this", "May we write?")
	lacks(t, read, "<textarea")
}

func TestContactRulesPage(t *testing.T) {
	h := newAdminHouse(t)
	b := h.as(t, h.Admin)
	want(t, b.get("/admin/contact-rules"), http.StatusOK, "First week", `value="21:00"`, "2027-02-06", "Sixty days of a customer", "messages in 60 days")
	form := rulesValues(consent.DefaultRules())
	form.Set("phase_messages.0", "0")
	form.Set("phase_messages.1", "0")
	want(t, b.post("/admin/contact-rules/preview", form), http.StatusOK, "No message in 60 days")
	form.Set("quiet_from", "late")
	want(t, b.post("/admin/contact-rules/preview", form), http.StatusOK, "cannot be yet")
	want(t, b.post("/admin/contact-rules", form), http.StatusUnprocessableEntity, "This cannot be read")
	form.Set("quiet_from", "20:00")
	form.Set("phase_messages.1", "many")
	want(t, b.post("/admin/contact-rules", form), http.StatusUnprocessableEntity, "This number does not fit here")
	form.Set("phase_messages.1", "1")
	form.Set("holidays", "2026-12-24 inventory\n\n2026-12-31")
	form.Set("cap_messages.sharing", "")
	for _, field := range []string{"phase_name.0", "phase_from.0", "phase_messages.0", "phase_days.0"} {
		form.Set(field, "")
	}
	form.Set("phase_from.1", "0")
	wantRedirect(t, b.post("/admin/contact-rules", form), "/admin/contact-rules")
	h.read(func(tx *db.Tx) error {
		rules, err := h.Consent.Rules(tx)
		if _, capped := rules.PurposeCaps["sharing"]; len(rules.Phases) != 1 || rules.Quiet.From != "20:00" || len(rules.Holidays) != 2 || capped {
			t.Errorf("rules %+v", rules)
		}
		return err
	})
	read := h.as(t, h.Manager).get("/admin/contact-rules?sample_since=quarter&sample_kind=same")
	want(t, read, http.StatusOK, "<fieldset class=\"rules-set\" disabled>", `value="quarter" selected`)
	lacks(t, read, "rules-save")
}

func TestChatRulesPage(t *testing.T) {
	h := newAdminHouse(t)
	b := h.as(t, h.Privacy)
	want(t, b.get("/admin/chat-rules"), http.StatusOK, "Words of your own", "unsubscribe", "取消訂閱", `dir="rtl"`, "Agree", "Only answers", "Rosée", `id="f-greets" value="on" checked`)
	want(t, b.get("/admin/chat-rules?language=zh-Hant&account="+h.Line.ID), http.StatusOK, "我們只用來回覆與服務您", `value="zh-Hant" selected`)
	form := url.Values{"stop": {"bye bye\n\nBYE-bye!\nciao"}, "start": {""}, "page": {"who am i"}, "greets": {"on"}}
	try := func(message, says string) {
		t.Helper()
		typed := maps.Clone(form)
		typed.Set("message", message)
		want(t, b.post("/admin/chat-rules/try", typed), http.StatusOK, says)
	}
	try("Ciao 🙏", "This stops everything.")
	try("ciao bella", "goes to the advisor")
	try("取消訂閱！", "A word of the product")
	try("Who am I?", "link of her own page")
	for field, bad := range map[string]string{"x": "That is too short", "stop": "means something else already", strings.Repeat("long", 11): "too long", "who am I": "stands there twice"} {
		wrong := maps.Clone(form)
		if bad == "stands there twice" {
			wrong.Set("start", field)
		} else {
			wrong.Set("page", field)
		}
		want(t, b.post("/admin/chat-rules", wrong), http.StatusUnprocessableEntity, bad)
	}
	form.Del("greets")
	wantRedirect(t, b.post("/admin/chat-rules", form), "/admin/chat-rules")
	h.read(func(tx *db.Tx) error {
		rules, err := h.Desk.ChatRules(tx)
		if len(rules.Stop) != 2 || len(rules.Page) != 1 || !rules.NoGreeting {
			t.Errorf("%+v", rules)
		}
		return err
	})
	want(t, b.get("/admin"), http.StatusOK, "The house does not greet")
	read := h.as(t, h.Manager).get("/admin/chat-rules")
	want(t, read, http.StatusOK, `<fieldset class="rules-set" disabled>`, "ciao")
	lacks(t, read, "rules-save")
}
