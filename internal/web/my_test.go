package web

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/consent"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/staff"
)

func TestHerPageHasTheSameWordsInEveryLanguage(t *testing.T) {
	all := must(myTexts())
	for _, l := range consent.Languages() {
		for key, text := range all["en"] {
			other := all[l][key]
			if other == "" {
				t.Errorf("%s: %s is missing", l, key)
			}
			for _, place := range regexp.MustCompile(`\{\w+\}`).FindAllString(text, -1) {
				if !strings.Contains(other, place) {
					t.Errorf("%s: %s lacks %s", l, key, place)
				}
			}
		}
		if len(all[l]) != len(all["en"]) {
			t.Errorf("%s has %d words, en %d", l, len(all[l]), len(all["en"]))
		}
	}
}

// myHouse is a web chat with a visitor who has a page of her own.
type myHouse struct {
	*chatHouse
	identity customer.Identity
}

func newMyHouse(t *testing.T) *myHouse {
	t.Helper()
	h := &myHouse{chatHouse: newChatHouse(t)}
	h.write(func(tx *db.Tx) error {
		if err := h.Desk.Book.EnsureDefaults(tx); err != nil {
			return err
		}
		if err := h.Desk.Consent().EnsureShipped(tx); err != nil {
			return err
		}
		_, err := h.Desk.Receive(tx, h.account, []channel.Inbound{{EventID: "e1", Kind: channel.Message, At: tx.Now, ExternalID: "x1",
			Peer: channel.Peer{Type: channel.Person, ID: "v_lin", Name: "Lin Yi"}, Body: channel.Body{Type: channel.Text, Text: "a secret between us"}}})
		if err != nil {
			return err
		}
		if h.identity, err = h.Desk.Book.Find(tx, h.account.ID, "v_lin"); err != nil {
			return err
		}
		if _, err := h.Desk.Book.Learn(tx, h.identity.CustomerID, customer.Learnt{Name: "scents", Value: "rose", Proof: customer.Proof{Source: customer.SourceAPI, By: "test", At: tx.Now}}); err != nil {
			return err
		}
		_, err = h.Desk.Consent().Record(tx, consent.Entry{Customer: h.identity.CustomerID, Purpose: consent.Marketing, State: consent.Granted, How: consent.HowPage})
		return err
	})
	return h
}

func (h *myHouse) link(asked bool) string {
	u := must(url.Parse(h.Desk.PageURL(h.identity.ID, asked, h.DB.Now())))
	return u.Path
}

func (h *myHouse) may(purpose string) (may bool) {
	h.t.Helper()
	h.write(func(tx *db.Tx) (err error) {
		may, err = h.Desk.Consent().May(tx, h.identity.CustomerID, purpose, h.account.ID)
		return err
	})
	return may
}

// chatted counts what the house said in her chat.
func (h *myHouse) chatted() (n int) {
	h.t.Helper()
	h.write(func(tx *db.Tx) error {
		return tx.QueryRow(`SELECT COUNT(*) FROM message WHERE author = 'automation'`).Scan(&n)
	})
	return n
}

var formField = regexp.MustCompile(`name="form" value="([^"]+)"`)

func TestHerPage(t *testing.T) {
	h := newMyHouse(t)
	b := newBrowser(t, h)
	fresh := b.get(h.link(true))
	want(t, fresh, http.StatusOK, "Lin Yi", "香味: 玫瑰", `lang="zh-TW"`)
	outline := b.get(h.link(false))
	want(t, outline, http.StatusOK, "您的專屬頁面", "全部停止")
	for _, secret := range []string{"Lin Yi", "玫瑰", "a secret between us"} {
		if strings.Contains(outline.Body.String(), secret) {
			t.Errorf("a link that may have been forwarded shows %q", secret)
		}
	}
	if strings.Contains(fresh.Body.String(), "a secret between us") {
		t.Error("the page shows what was written")
	}
	for name, value := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex, nofollow, noarchive", "Content-Security-Policy": myPolicy} {
		if got := outline.Header().Get(name); got != value {
			t.Errorf("%s is %q, want %q", name, got, value)
		}
	}
	if strings.Contains(outline.Body.String(), "<script") {
		t.Error("the page has a script")
	}
	for _, l := range consent.Languages() {
		got := b.get(h.link(true) + "?language=" + l)
		want(t, got, http.StatusOK, `<html lang="`+l+`"`, must(myTexts())[l]["stop_button"])
		if rtl := strings.Contains(got.Body.String(), `dir="rtl"`); rtl != (l == "ar") {
			t.Errorf("%s: right to left is %v", l, rtl)
		}
	}
	want(t, b.get(h.link(false)+"?language=xx&done=nothing"), http.StatusOK, `lang="zh-TW"`)
}

func TestAPageOfNobody(t *testing.T) {
	h := newMyHouse(t)
	b := newBrowser(t, h)
	good := h.link(false)
	for name, path := range map[string]string{
		"nonsense": "/my/nonsense", "cut": good[:len(good)-3], "changed": "/my/B" + strings.TrimPrefix(good, "/my/A"), "markup": "/my/%3Cscript%3E",
		"somebody erased": must(url.Parse(h.Desk.PageURL("idn_gone", true, h.DB.Now()))).Path,
	} {
		got := b.get(path)
		want(t, got, http.StatusNotFound, "noindex")
		if strings.Contains(got.Body.String(), "<form") || strings.Contains(got.Body.String(), "<script>") {
			t.Errorf("%s: %s", name, got.Body)
		}
		if code := b.post(path, url.Values{"act": {"stop"}}).Code; code != http.StatusNotFound {
			t.Errorf("%s: a POST gives %d", name, code)
		}
	}
	b.Header.Set("Accept-Language", "th")
	want(t, b.get("/my/nonsense"), http.StatusNotFound, "ลิงก์นี้ใช้ไม่ได้แล้ว")
}

// Scanners and previews fetch links, some of them post to them.
func TestScannersStopNothing(t *testing.T) {
	h := newMyHouse(t)
	link := h.link(true)
	server := h.url
	for name, c := range map[string]struct {
		method, path, kind, body string
		status                   int
	}{
		"get":                         {"GET", "", "", "", 200},
		"get with an act":             {"GET", "?act=stop", "", "", 200},
		"head":                        {"HEAD", "", "", "", 200},
		"get one-click":               {"GET", "/one-click", "", "", 404},
		"head one-click":              {"HEAD", "/one-click", "", "", 404},
		"post nothing":                {"POST", "", "", "", 403},
		"post an act without a form":  {"POST", "", "application/x-www-form-urlencoded", "act=stop", 403},
		"post a made-up form":         {"POST", "", "application/x-www-form-urlencoded", "act=stop&form=abc", 403},
		"post the link as form":       {"POST", "", "application/x-www-form-urlencoded", "act=stop&form=" + strings.TrimPrefix(link, "/my/"), 403},
		"post one-click with nothing": {"POST", "/one-click", "", "", 422},
		"post one-click, other words": {"POST", "/one-click", "application/x-www-form-urlencoded", "List-Unsubscribe=yes", 422},
		"one-click in the address":    {"POST", "/one-click?List-Unsubscribe=One-Click", "application/x-www-form-urlencoded", "", 422},
		"one-click as JSON":           {"POST", "/one-click", "application/json", `{"List-Unsubscribe":"One-Click"}`, 422},
		"put":                         {"PUT", "", "", "", 404},
	} {
		t.Run(name, func(t *testing.T) {
			r := must(http.NewRequest(c.method, server+link+c.path, strings.NewReader(c.body)))
			r.Header.Set("Content-Type", c.kind)
			r.Header.Set("Sec-Purpose", "prefetch")
			got := must(http.DefaultClient.Do(r))
			got.Body.Close()
			if got.StatusCode != c.status && !(c.status == 404 && got.StatusCode == 405) {
				t.Errorf("%d, want %d", got.StatusCode, c.status)
			}
			if !h.may(consent.Marketing) {
				t.Fatal("it stopped her messages")
			}
		})
	}
	before := h.chatted()
	r := must(http.NewRequest("POST", server+link+"/one-click", strings.NewReader("List-Unsubscribe=One-Click")))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "https://mail.example")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	for range 2 {
		r.Body = io.NopCloser(strings.NewReader("List-Unsubscribe=One-Click"))
		got := must(http.DefaultClient.Do(r))
		got.Body.Close()
		if got.StatusCode != http.StatusOK {
			t.Fatalf("one click: %d", got.StatusCode)
		}
	}
	if h.may(consent.Marketing) || h.chatted() != before+1 {
		t.Errorf("one click: allowed %v, %d messages in her chat", h.may(consent.Marketing), h.chatted()-before)
	}
}

func TestSheChangesHerPage(t *testing.T) {
	h := newMyHouse(t)
	act := func(link string, form url.Values) *url.URL {
		t.Helper()
		b := newBrowser(t, h)
		page := b.get(link)
		form.Set("form", formField.FindStringSubmatch(page.Body.String())[1])
		form.Set("language", "en")
		got := b.post(link, form)
		if got.Code != http.StatusSeeOther {
			t.Fatalf("%v: %d\n%s", form, got.Code, got.Body)
		}
		return must(url.Parse(got.Header().Get("Location")))
	}
	before := h.chatted()
	to := act(h.link(false), url.Values{"act": {"stop"}})
	if h.may(consent.Marketing) || h.chatted() != before+1 {
		t.Error("one tap did not stop it, or her chat heard nothing")
	}
	want(t, newBrowser(t, h).get(to.RequestURI()), http.StatusOK, "Stopped. We have confirmed it in your chat.", "We do not write to you first.")
	// A link alone gives nothing back.
	to = act(h.link(false), url.Values{"act": {"allow"}, "purpose": {"marketing"}, "version": {"1"}})
	if h.may(consent.Marketing) || to.Query().Get("done") != "asked" {
		t.Errorf("a forwarded link agreed, %s", to)
	}
	act(h.link(true), url.Values{"act": {"allow"}, "purpose": {"marketing"}, "version": {"1"}})
	if !h.may(consent.Marketing) {
		t.Error("she agreed, and it does not count")
	}
	for _, what := range []string{"export", "erase", "link"} {
		n := h.chatted()
		act(h.link(true), url.Values{"act": {what}})
		if h.chatted() != n+1 {
			t.Errorf("%s: nothing in her chat", what)
		}
	}
	b := newBrowser(t, h)
	link := h.link(true)
	form := formField.FindStringSubmatch(b.get(link).Body.String())[1]
	for _, bad := range []url.Values{{"act": {"everything"}}, {"act": {"refuse"}, "purpose": {"service"}}, {"act": {"allow"}, "purpose": {"nothing"}}, {}} {
		bad.Set("form", form)
		if code := b.post(link, bad).Code; code < 400 || code >= 500 {
			t.Errorf("%v: %d", bad, code)
		}
	}
	// What writes into her chat is bounded; a stop never is.
	codes := []int{}
	for range 10 {
		codes = append(codes, b.post(link, url.Values{"form": {form}, "act": {"link"}}).Code)
	}
	if !slices.Contains(codes, http.StatusTooManyRequests) {
		t.Errorf("her chat can be flooded: %v", codes)
	}
	for range 40 {
		b.post(link, url.Values{"form": {form}, "act": {"refuse"}, "purpose": {"sharing"}})
	}
	if code := b.post(link, url.Values{"form": {form}, "act": {"stop"}}).Code; code != http.StatusSeeOther || h.may(consent.Marketing) {
		t.Errorf("a stop was put off: %d", code)
	}
}

// A form of another page does not work on hers.
func TestTheFormOfAnotherPage(t *testing.T) {
	h := newMyHouse(t)
	other := h.Desk.Vault.Sign(myFormLabel, []byte("idn_other"), h.DB.Now().Add(time.Hour))
	old := h.Desk.Vault.Sign(myFormLabel, []byte(h.identity.ID), h.DB.Now().Add(-time.Second))
	for name, form := range map[string]string{"another's": other, "too old": old, "nothing": ""} {
		b := newBrowser(t, h)
		if code := b.post(h.link(true), url.Values{"act": {"stop"}, "form": {form}}).Code; code != http.StatusForbidden || !h.may(consent.Marketing) {
			t.Errorf("%s: %d", name, code)
		}
	}
}

// A counter for which another system entered her sees her card before she has written to
// it: her page says so.
func TestHerPageNamesTheCountersSheWasEnteredFor(t *testing.T) {
	h := newMinimum(t, dbtest.New(t))
	b, counter := newBrowser(t, h), ""
	page := func() *httptest.ResponseRecorder {
		u := must(url.Parse(h.Desk.PageURL(h.lumi.own.IdentityID, true, h.DB.Now())))
		return b.get(u.Path)
	}
	h.read(func(tx *db.Tx) error {
		return tx.QueryRow(`SELECT name FROM counter WHERE id = $1`, h.rose.counter).Scan(&counter)
	})
	lacks(t, page(), counter)
	h.write(func(tx *db.Tx) error {
		crm, card := staff.Machine("crm", staff.CustomersWrite), customer.Contact{Kind: customer.Member, Value: "VIP-77", Verified: true, Source: customer.SourceAPI}
		if _, err := h.Desk.AddContact(tx, crm, h.lumi.own.CustomerID, card); err != nil {
			return err
		}
		id, err := h.Desk.Book.Enter(tx, customer.Entry{CounterID: h.rose.counter})
		if err == nil {
			_, err = h.Desk.AddContact(tx, crm, id, card)
		}
		return err
	})
	want(t, page(), http.StatusOK, counter)
}
