package web

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// delicate finds, by the address, what must ask again: who may do what, secrets, and
// what takes data out of the house. A new route that it finds is marked fresh, or stands
// in notDelicate with a reason.
var delicate = regexp.MustCompile(`^(GET|POST) /admin/(staff|accounts|tokens|webhooks|export|sign-in|sso)(/|s/|s$|$)|\.csv$|export|erase`)

var notDelicate = []string{
	"GET /admin/staff", "GET /admin/accounts", "GET /admin/tokens", "GET /admin/webhooks", // lists show no secret
	"POST /admin/staff/{staff}/away",        // who is at her counter
	"POST /admin/accounts/{account}/check",  // asks the platform how things stand
	"POST /admin/webhooks/{endpoint}/pause", // stops what goes out; the other lets it go on to where it went before
	"POST /admin/webhooks/{endpoint}/resume",
	"GET /admin/exports", "GET /admin/exports/{export}", "POST /admin/exports/trace", // who asked for what; the file itself asks again
	"POST /admin/exports/{export}/drop", // destroys it
	"POST /admin/webhooks/{endpoint}/deliveries/{delivery}/retry",
}

func TestWhatIsDelicateAsksAgain(t *testing.T) {
	h := newHouse(t)
	n := 0
	for _, rt := range h.routes() {
		if rt.access.fresh {
			n++
		}
		if delicate.MatchString(rt.pattern) && !rt.access.fresh && !slices.Contains(notDelicate, rt.pattern) {
			t.Errorf("%s wants no fresh proof", rt.pattern)
		}
	}
	if n < 20 {
		t.Errorf("only %d routes ask again", n)
	}
}

// ages lets everybody's proof grow old.
func (h *adminHouse) ages() {
	h.t.Helper()
	h.write(func(tx *db.Tx) error {
		_, err := tx.Exec(`UPDATE session SET proven_at = $1`, db.Micro(tx.Now.Add(-staff.FreshFor)))
		return err
	})
}

func TestEveryFreshRouteAsksAgain(t *testing.T) {
	h := newAdminHouse(t)
	f := h.prepare("admin")
	b := h.as(t, h.Admin)
	officer := h.as(t, h.Privacy)
	for _, rt := range h.routes() {
		if !rt.access.fresh {
			continue
		}
		h.ages()
		method, path, _ := strings.Cut(f.path(rt.pattern), " ")
		who := b
		if v := must(h.viewer(h.Admin)); rt.access.permission != "" && !v.May(rt.access.permission) {
			who = officer
		}
		who.Header = http.Header{"Accept": {"text/html"}}
		if method == http.MethodGet {
			wantRedirect(t, who.get(path+"?x=1"), "/again?next="+url.QueryEscape(path+"?x=1"))
		} else {
			got := who.post(path, url.Values{"counters": {"b", "a"}, "name": {"<Ada>"}, "again_password": {"hers"}})
			want(t, got, http.StatusUnauthorized, `name="again_next" value="`+path+`"`, `name="again_post"`, `name="name" value="&lt;Ada&gt;"`,
				`name="counters" value="b">`+"\n"+`<input type="hidden" name="counters" value="a">`)
			if strings.Contains(got.Body.String(), "hers") {
				t.Errorf("%s: the password is kept", rt.pattern)
			}
		}
		who.Header.Set("HX-Request", "true")
		if got := who.do(method, path, strings.NewReader("a=b")); got.Code != http.StatusUnauthorized || got.Header().Get("X-Again") == "" ||
			!strings.Contains(got.Body.String(), "<dialog") {
			t.Errorf("%s: htmx is answered %d %s", rt.pattern, got.Code, got.Body)
		}
		who.Header = http.Header{"Accept": {"application/json"}}
		if got := who.do(method, path, strings.NewReader("a=b")); got.Code != http.StatusUnauthorized || !strings.Contains(got.Body.String(), `"error"`) {
			t.Errorf("%s: a script is answered %d", rt.pattern, got.Code)
		}
	}
}

func (h *adminHouse) viewer(id string) (v staff.Viewer, err error) {
	h.read(func(tx *db.Tx) error {
		v, err = staff.ViewerByID(tx, id)
		return nil
	})
	return v, err
}

func TestSheGoesOnWhereSheWas(t *testing.T) {
	h := newAdminHouse(t, func(d *Deps) { d.Demo = true })
	b := h.as(t, h.Admin)
	h.ages()
	form := url.Values{"name": {"Till"}, "scopes": {staff.ThreadsRead, staff.StaffRead}}
	want(t, b.post("/admin/tokens", form), http.StatusUnauthorized, "Is it still you?")
	if n := h.tokens(); n != 0 {
		t.Fatalf("%d tokens without a proof", n)
	}
	before := b.cookies[h.sessionCookie()]
	form.Set("again_next", "/admin/tokens")
	form.Set("again_post", "1")
	form.Set("again_demo", "1")
	got := b.post("/again", form)
	if got.Code != http.StatusTemporaryRedirect || got.Header().Get("Location") != "/admin/tokens" {
		t.Fatalf("%d to %q: %s", got.Code, got.Header().Get("Location"), got.Body)
	}
	if b.cookies[h.sessionCookie()] == before {
		t.Error("the token did not change")
	}
	want(t, b.post("/admin/tokens", form), http.StatusOK, "dd_")
	if n := h.tokens(); n != 1 {
		t.Errorf("%d tokens", n)
	}
	wantRedirect(t, b.get("/again?next=/admin/tokens"), "/admin/tokens")
	h.ages()
	want(t, b.get("/again?next=//evil.test"), http.StatusOK, `name="again_next" value="/"`)
	got = b.post("/again", url.Values{"again_next": {"https://evil.test/"}, "again_demo": {"1"}})
	wantRedirect(t, got, "/")
}

func (h *adminHouse) tokens() (n int) {
	h.read(func(tx *db.Tx) error { return tx.QueryRow(`SELECT COUNT(*) FROM api_token`).Scan(&n) })
	return n
}

func TestProofByPassword(t *testing.T) {
	h := newAdminHouse(t)
	must(0, h.Door.GivePassword(t.Context(), staff.System(), h.Admin, "velvet counter lipstick"))
	b := h.as(t, h.Admin)
	h.Demo = false
	h.ages()
	want(t, b.get("/again?next=/admin/tokens/new"), http.StatusOK, `autocomplete="current-password"`)
	form := url.Values{"again_next": {"/admin/tokens/new"}, "again_demo": {"1"}, "again_password": {"wrong"}}
	want(t, b.post("/again", form), http.StatusUnprocessableEntity, "not your current password", `value="/admin/tokens/new"`)
	b.Header.Set("Accept", "application/json")
	want(t, b.post("/again", form), http.StatusUnprocessableEntity, `"error"`)
	form.Set("again_password", "velvet counter lipstick")
	want(t, b.post("/again", form), http.StatusNoContent)
	b.Header.Set("Accept", "text/html")
	want(t, b.get("/admin/tokens/new"), http.StatusOK)
	form.Set("again_password", "wrong")
	for range 10 {
		if got := b.post("/again", form); got.Code == http.StatusTooManyRequests {
			return
		}
	}
	t.Error("the question can be guessed without end")
}

func TestAFileIsNotKept(t *testing.T) {
	h := newAdminHouse(t)
	b := h.as(t, h.Admin)
	h.ages()
	b.Header.Set("Content-Type", "multipart/form-data; boundary=x")
	want(t, b.do(http.MethodPost, "/admin/tokens", strings.NewReader("--x--")), http.StatusUnauthorized, "cannot be kept")
}
