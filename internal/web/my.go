package web

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"dingdong/internal/consent"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/privacy"
	"dingdong/internal/vault"
)

// Her own page. The link is the key, and links are forwarded, previewed and scanned: so
// a GET changes nothing, a change carries a second token that only the page gives, and
// what the link alone shows is an outline. See docs/consent.md.

// myPage is what she sees. Say holds the words of her language.
type myPage struct {
	Tag, Dir  string
	Say       map[string]string
	Languages []signChoice
	Account   string
	Action    string // where its forms go
	Form      string // the token that a change must carry
	Fresh     bool   // she came from her chat just now
	Note      string // what was done
	Wrong     string // what was not
	Open      bool   // something is allowed, or not answered
	Uses      []myUse
	Known     []myKnown
	Sees      []mySees
	Looks     []myLook
	Waiting   []string
	Asked     map[string]bool // kinds of requests that are open
	Files     []string        // ids
	Gone      bool            // the link works no more: nothing else is shown
}

// myUse is a purpose with where she stands on it.
type myUse struct {
	Name, Title string
	Paragraphs  []string
	Lang        string // of the text
	Version     int
	Needs, On   bool
	State, When string
	Apart       []myApart
	Action      string
	Form        string
	Say         map[string]string
}

// myApart is an account on which she decided otherwise, or may.
type myApart struct {
	Account, Name string
	On            bool
}

// myKnown is a kind of what is known. Without values there is a number.
type myKnown struct {
	Title  string
	Count  int
	Values []string
}

type mySees struct{ Role, Where string }

type myLook struct{ Month, Role, Times string }

//go:embed my.json
var myFile []byte

var myTexts = sync.OnceValues(func() (map[string]map[string]string, error) {
	var out map[string]map[string]string
	if err := json.Unmarshal(myFile, &out); err != nil {
		return nil, fmt.Errorf("words of her own page: %w", err)
	}
	return out, nil
})

// myLabelsFile has the words of the shipped tags, and of the shipped choices, in the
// languages that the console does not speak. A choice is called "attribute:code".
//
//go:embed my_tags.json
var myLabelsFile []byte

var myLabels = sync.OnceValues(func() (map[string]map[string]string, error) {
	var out map[string]map[string]string
	if err := json.Unmarshal(myLabelsFile, &out); err != nil {
		return nil, fmt.Errorf("tags of her own page: %w", err)
	}
	return out, nil
})

// myPolicy: no script at all, nothing from elsewhere, no frame.
const myPolicy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

const (
	myFormLabel = "own.form"
	myFormLasts = 12 * time.Hour
)

// What one link, and all links of one address, may do.
var (
	myReads       = rate{60, 60}
	myChanges     = rate{20, 20}
	myQuestions   = rate{2, 4} // what writes into her chat
	addressMyPage = rate{120, 120}
)

var errFormOld = errors.New("web: the form of her page is too old, or not ours")

// showMy shows her page. It is also what a preview or a scanner fetches.
func (s *Server) showMy(w http.ResponseWriter, r *http.Request, v *Visit) error {
	return s.drawMy(w, v, "")
}

func (s *Server) drawMy(w http.ResponseWriter, v *Visit, wrong string) error {
	r := v.request
	token := r.PathValue("token")
	h := w.Header()
	h.Set("Content-Security-Policy", myPolicy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Robots-Tag", "noindex, nofollow, noarchive")
	words, err := myTexts()
	if err != nil {
		return err
	}
	data := myPage{Wrong: wrong, Action: "/my/" + url.PathEscape(token)}
	status := http.StatusOK
	now := s.DB.Now()
	if s.chat.take("my at "+neighbourhood(v.Address), "", addressMyPage, now) > 0 || s.chat.take("my "+token, "", myReads, now) > 0 {
		data.Wrong, data.Gone = "wrong_busy", true
		status = http.StatusTooManyRequests
	}
	asked := consent.Language(r.URL.Query().Get("language"))
	if !data.Gone {
		err = s.DB.Read(r.Context(), func(tx *db.Tx) error {
			o, err := s.Desk.OpenPage(tx, token)
			if err != nil {
				return err
			}
			if asked == "" {
				asked = consent.Language(o.Language)
			}
			m := myView{Server: s, tx: tx, own: o, page: &data, language: asked, say: words[asked]}
			return m.fill()
		})
		if lost(err) {
			data, err, status = myPage{Gone: true}, nil, http.StatusNotFound
		}
		if err != nil {
			return err
		}
	}
	if asked == "" {
		asked = acceptedLanguage(r.Header.Get("Accept-Language"))
	}
	data.Tag, data.Dir, data.Say = asked, "ltr", words[asked]
	if asked == "ar" {
		data.Dir = "rtl"
	}
	for i := range data.Uses {
		data.Uses[i].Say, data.Uses[i].Action, data.Uses[i].Form = data.Say, data.Action, data.Form
	}
	if !data.Gone {
		for _, l := range consent.Languages() {
			data.Languages = append(data.Languages, signChoice{data.Action + "?language=" + l, words[l]["name"], l, l == asked})
		}
		if done := "done_" + r.URL.Query().Get("done"); wrong == "" && data.Say[done] != "" {
			data.Note = done
		}
	}
	switch {
	case wrong == "wrong_busy":
		status = http.StatusTooManyRequests
	case wrong != "" && status == http.StatusOK:
		status = http.StatusForbidden
	}
	return s.render(w, v, view{Page: "my", Status: status, Data: data})
}

// lost tells that a link leads to nobody: it is not ours, too old, or she was erased.
func lost(err error) bool {
	return errors.Is(err, vault.ErrForged) || errors.Is(err, vault.ErrExpired) || errors.Is(err, vault.ErrErased) || errors.Is(err, db.ErrNotFound)
}

// acceptedLanguage is the first language of a browser that the page has.
func acceptedLanguage(header string) string {
	for part := range strings.SplitSeq(header, ",") {
		tag, _, _ := strings.Cut(strings.TrimSpace(part), ";")
		if l := consent.Language(tag); tag != "" && l != "" {
			return l
		}
	}
	return "zh-TW"
}

// formToken binds a form to whose page it stood on.
func (s *Server) formToken(o conversation.Own, now time.Time) string {
	return s.Desk.Vault.Sign(myFormLabel, []byte(o.Identity.ID), now.Add(myFormLasts))
}

// changeMy does what a button of her page says. Each act stands in its form; a POST
// without the page's token does nothing.
func (s *Server) changeMy(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseForm(); err != nil {
		return malformed(err)
	}
	act := r.PostForm.Get("act")
	if act == "file" {
		return s.fetchMy(w, r, v)
	}
	now, token := s.DB.Now(), r.PathValue("token")
	busy := s.chat.take("my at "+neighbourhood(v.Address), "", addressMyPage, now) > 0 || s.chat.take("my change "+token, "", myChanges, now) > 0
	if writes := act != "stop" && act != "refuse"; !busy && writes {
		busy = s.chat.take("my question "+token, "", myQuestions, now) > 0
	}
	if busy && act != "stop" { // a stop is never put off
		return s.drawMy(w, v, "wrong_busy")
	}
	done := ""
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error {
		o, err := s.myForm(tx, r)
		if err != nil {
			return err
		}
		done, err = s.doMy(tx, o, r.PostForm)
		return err
	})
	switch {
	case errors.Is(err, errFormOld):
		return s.drawMy(w, v, "wrong_form")
	case lost(err):
		return s.drawMy(w, v, "")
	case err != nil:
		return err
	}
	http.Redirect(w, r, "/my/"+url.PathEscape(token)+"?"+url.Values{"done": {done}, "language": {consent.Language(r.PostForm.Get("language"))}}.Encode(), http.StatusSeeOther)
	return nil
}

// myForm tells whose page a form comes from.
func (s *Server) myForm(tx *db.Tx, r *http.Request) (conversation.Own, error) {
	o, err := s.Desk.OpenPage(tx, r.PathValue("token"))
	if err != nil {
		return o, err
	}
	whose, err := s.Desk.Vault.Verify(myFormLabel, r.PostForm.Get("form"), tx.Now)
	if err != nil || string(whose) != o.Identity.ID {
		return o, errFormOld
	}
	return o, nil
}

func (s *Server) doMy(tx *db.Tx, o conversation.Own, form url.Values) (done string, err error) {
	switch act := form.Get("act"); act {
	case "stop":
		return "stopped", s.Desk.StopFromPage(tx, o)
	case "allow", "refuse":
		asked, err := s.Desk.ChangeFromPage(tx, o, conversation.PageChange{Purpose: form.Get("purpose"), Account: form.Get("account"),
			Allow: act == "allow", Version: typedNumber(form.Get("version"))})
		if asked {
			return "asked", err
		}
		return "changed", err
	case conversation.AskedExport, conversation.AskedErase:
		return "asked", s.Desk.AskInChat(tx, o, act)
	case "link":
		return "sent", s.Desk.SendPage(tx, o)
	case "advisor":
		offered, err := s.Desk.OfferAdvisors(tx, o)
		if !offered {
			return "nobody", err
		}
		return "asked", err
	}
	return "", db.Invalid{Field: "act", Code: "unknown"}
}

// fetchMy hands out the copy of everything, to who came from her chat just now.
func (s *Server) fetchMy(w http.ResponseWriter, r *http.Request, v *Visit) error {
	var o conversation.Own
	err := s.DB.Read(r.Context(), func(tx *db.Tx) (err error) {
		o, err = s.myForm(tx, r)
		return err
	})
	if errors.Is(err, errFormOld) || err == nil && (!o.Fresh || s.Privacy == nil) {
		return s.drawMy(w, v, "wrong_form")
	}
	if lost(err) {
		return s.drawMy(w, v, "")
	}
	if err != nil {
		return err
	}
	in, f, err := s.Privacy.FetchOwn(r.Context(), o.PersonID, r.PostForm.Get("file"))
	if err != nil {
		return err
	}
	defer in.Close()
	return s.handOut(w, in, f)
}

// oneClick is what a mail program posts when she taps its "unsubscribe" (RFC 8058): the
// body says so, and nothing else stops anything. It has no cookie and no origin.
func (s *Server) oneClick(w http.ResponseWriter, r *http.Request, v *Visit) error {
	if err := r.ParseMultipartForm(4 << 10); err != nil && !errors.Is(err, http.ErrNotMultipart) { // either form is allowed
		return malformed(err)
	}
	if r.PostForm.Get("List-Unsubscribe") != "One-Click" {
		return db.Invalid{Field: "List-Unsubscribe", Code: "required"}
	}
	if wait := s.chat.take("my at "+neighbourhood(v.Address), "", addressMyPage, s.DB.Now()); wait > 0 {
		w.Header().Set("Retry-After", "60")
		w.WriteHeader(http.StatusTooManyRequests)
		return nil
	}
	err := s.DB.Write(r.Context(), func(tx *db.Tx) error {
		o, err := s.Desk.OpenPage(tx, r.PathValue("token"))
		if err != nil {
			return err
		}
		return s.Desk.StopFromPage(tx, o)
	})
	if lost(err) {
		return db.ErrNotFound
	}
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("ok\n"))
	return nil
}

// handOut streams her file under a name that says nothing of her.
func (s *Server) handOut(w http.ResponseWriter, in io.Reader, f privacy.File) error {
	h := w.Header()
	h.Set("Content-Type", "application/zip")
	h.Set("Content-Disposition", `attachment; filename="my-data-`+f.At.UTC().Format(time.DateOnly)+`.zip"`)
	h.Set("X-Robots-Tag", "noindex")
	if _, err := io.Copy(w, in); err != nil { // half of it is told: only breaking off says so
		panic(http.ErrAbortHandler)
	}
	return nil
}
