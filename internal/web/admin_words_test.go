package web

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"dingdong/internal/db"
	"dingdong/internal/insight"
	"dingdong/internal/staff"
)

const smallLexicon = `language: en
version: 1
negation:
  before: [not]
question:
  marks: ["?"]
rules:
  - id: skin.dry
    phrases: ["dry skin"]
    tag: skin:dry
`

func (h *adminHouse) publishes(yaml string) (v insight.Version) {
	h.t.Helper()
	h.write(func(tx *db.Tx) (err error) {
		if v, err = h.Reader.SaveDraft(tx, staff.System(), insight.Draft{Language: "en", YAML: yaml, Note: "the first"}); err != nil {
			return err
		}
		return h.Reader.Publish(tx, staff.System(), v.ID)
	})
	return v
}

func TestLexiconsAreEditedTriedAndPublished(t *testing.T) {
	h := newAdminHouse(t)
	first := h.publishes(smallLexicon)
	b := h.as(t, h.Marketing)
	want(t, b.get("/admin"), http.StatusOK, "/admin/words")
	want(t, b.get("/admin/words"), http.StatusOK, "/admin/words/zh-Hant", "Version 1", "Nothing in use")
	want(t, b.get("/admin/words/en"), http.StatusOK, first.ID, "the first", "New draft")
	want(t, b.get("/admin/words/xx"), http.StatusNotFound)
	want(t, b.get("/admin/words/ar/"+first.ID), http.StatusNotFound)
	want(t, b.get("/admin/words/en/new"), http.StatusOK, "skin.dry", "from version 1", `spellcheck="false"`)

	// With CR LF, as browsers send it, and with one rule more.
	better := strings.ReplaceAll(smallLexicon+"  - id: skin.oily\n    phrases: [\"oily skin\"]\n    tag: skin:oily\n", "\n", "\r\n")
	tried := b.partial().post("/admin/words/en/try", url.Values{"yaml": {better}, "sentences": {"my oily skin\r\nnot dry skin\n<b>dry skin?"}})
	want(t, tried, http.StatusOK, `heard-said">oily skin<`, `heard-negated">dry skin<`, "&lt;b&gt;", "1 sentence would be read differently", ">new<", "denied", "asked")
	b.Header.Del("HX-Request")

	saved := b.post("/admin/words/en", url.Values{"yaml": {better}, "note": {"oily too"}, "do": {"save"}})
	path := saved.Header().Get("Location")
	if saved.Code != http.StatusSeeOther || !strings.HasPrefix(path, "/admin/words/en/lex_") {
		t.Fatalf("%d %q %.800s", saved.Code, path, saved.Body)
	}
	page := b.get(path)
	want(t, page, http.StatusOK, "oily too", "skin.oily")
	lacks(t, page, "\r", "&#13;")
	stamp := regexp.MustCompile(`name="stamp" value="(\d+)"`).FindStringSubmatch(page.Body.String())[1]
	wantRedirect(t, b.post(path, url.Values{"yaml": {better}, "note": {"two rules"}, "do": {"publish"}, "stamp": {stamp}}), "/admin/words/en")
	list := b.get("/admin/words/en")
	want(t, list, http.StatusOK, "two rules", "Earlier versions", "Use this version again")
	wantRedirect(t, b.post("/admin/words/en/"+first.ID+"/publish", nil), "/admin/words/en")
	h.read(func(tx *db.Tx) error {
		x, err := h.Reader.Version(tx, staff.System(), first.ID)
		if x.State != insight.StateLive {
			t.Errorf("the old version is %s", x.State)
		}
		return err
	})
	// A draft that somebody published meanwhile is not lost: it can be saved as a new one.
	want(t, b.post(path, url.Values{"yaml": {better + "# mine"}, "do": {"save"}}), http.StatusUnprocessableEntity, "# mine", `action="/admin/words/en"`, "published or put aside")
}

func TestNothingTypedInALexiconIsLost(t *testing.T) {
	h := newAdminHouse(t)
	h.publishes(smallLexicon)
	b := h.as(t, h.Manager)
	for name, c := range map[string]struct{ yaml, says string }{
		"syntax":           {smallLexicon + "  - id: [", "Line 1"},
		"unknown field":    {smallLexicon + "colour: red\n", "Line 11"},
		"a rule without":   {smallLexicon + "  - id: x\n    phrases: [y]\n", "rules[1]"},
		"alias":            {strings.Replace(smallLexicon, "version: 1", "version: &a 1", 1), "Line 2"},
		"NUL":              {smallLexicon + "# \x00", "NUL"},
		"another language": {strings.Replace(smallLexicon, "language: en", "language: ar", 1), "language"},
		"empty":            {"", "language"},
	} {
		t.Run(name, func(t *testing.T) {
			form := url.Values{"yaml": {c.yaml + "\n# <kept>"}, "note": {"my note"}, "do": {"publish"}, "sentences": {"my own sentence"}}
			got := b.post("/admin/words/en", form)
			want(t, got, http.StatusUnprocessableEntity, c.says, "&lt;kept&gt;", "my note", "my own sentence")
			if strings.HasPrefix(c.says, "Line") {
				want(t, got, http.StatusUnprocessableEntity, "data-line=", "data-goto=")
			}
			try := b.post("/admin/words/en/try", form)
			if name != "another language" {
				want(t, try, http.StatusUnprocessableEntity, "&lt;kept&gt;", "my note", "my own sentence")
			}
		})
	}
	long := url.Values{"yaml": {smallLexicon}, "note": {strings.Repeat("x", 501)}, "do": {"save"}}
	want(t, b.post("/admin/words/en", long), http.StatusUnprocessableEntity, `id="e-note"`, "skin.dry")
	huge := b.post("/admin/words/en", url.Values{"yaml": {strings.Repeat("# x\n", 1<<20)}})
	want(t, huge, http.StatusRequestEntityTooLarge)
}

func TestAColleaguesDraftIsNotOverwrittenUnseen(t *testing.T) {
	h := newAdminHouse(t)
	var draft insight.Version
	h.write(func(tx *db.Tx) (err error) {
		draft, err = h.Reader.SaveDraft(tx, staff.System(), insight.Draft{Language: "en", YAML: smallLexicon})
		return err
	})
	b := h.as(t, h.Admin)
	path := "/admin/words/en/" + draft.ID
	got := b.post(path, url.Values{"yaml": {smallLexicon + "# mine"}, "do": {"save"}, "stamp": {"1"}})
	want(t, got, http.StatusUnprocessableEntity, "# mine", "A colleague has saved", fmt.Sprintf(`name="stamp" value="%d"`, db.Micro(draft.At)))
	wantRedirect(t, b.post(path, url.Values{"yaml": {smallLexicon + "# mine"}, "do": {"save"}, "stamp": {fmt.Sprint(db.Micro(draft.At))}}), path)
	wantRedirect(t, b.post(path+"/drop", nil), "/admin/words/en")
	want(t, b.get(path), http.StatusOK, "readonly", "Make a draft of it", "# mine")
	want(t, b.get("/admin/words/en/new?from="+draft.ID), http.StatusOK, "# mine")
	want(t, b.post(path+"/drop", nil), http.StatusNotFound)
}

func TestAllLanguagesAreTried(t *testing.T) {
	h := newAdminHouse(t)
	h.write(h.Reader.EnsureShipped)
	b := h.as(t, h.Admin)
	got := b.post("/admin/words/try", url.Values{"sentences": {"我是敏感肌\nI have sensitive skin\nmy mum has dry skin"}})
	want(t, got, http.StatusOK, "zh-Hant · ", "en · ", "heard-said", "heard-other", "on her card: ", "somebody else")
	for name, c := range map[string]struct{ text, says string }{
		"nothing":  {" \n ", "Please fill this in"},
		"too many": {strings.Repeat("a\n", 101), "too many"},
		"too long": {strings.Repeat("a", 2001), "too long"},
	} {
		t.Run(name, func(t *testing.T) {
			want(t, b.post("/admin/words/try", url.Values{"sentences": {c.text}}), http.StatusUnprocessableEntity, c.says)
		})
	}
}
