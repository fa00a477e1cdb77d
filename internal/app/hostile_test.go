package app

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"dingdong/internal/channel/line/linefake"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// giantPNG claims to be a picture of 30,000 by 30,000 pixels, and is small.
func giantPNG() []byte {
	var out bytes.Buffer
	out.WriteString("\x89PNG\r\n\x1a\n")
	chunk := func(kind string, data []byte) {
		out.Write(binary.BigEndian.AppendUint32(nil, uint32(len(data))))
		body := append([]byte(kind), data...)
		out.Write(body)
		out.Write(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(body)))
	}
	head := binary.BigEndian.AppendUint32(nil, 30_000)
	head = binary.BigEndian.AppendUint32(head, 30_000)
	chunk("IHDR", append(head, 8, 6, 0, 0, 0))
	chunk("IDAT", []byte{0x78, 0x9c, 0x03, 0, 0, 0, 0, 1})
	chunk("IEND", nil)
	return out.Bytes()
}

func TestHostileFilesFromHerPhone(t *testing.T) {
	h := newHouse(t)
	mei := h.signIn()
	script := `<script>alert(document.cookie)</script>`
	for name, c := range map[string]struct {
		file linefake.File
		as   func(user string, f linefake.File) linefake.Posted
	}{
		"a picture of 30,000 pixels":     {linefake.File{MIME: "image/png", Bytes: giantPNG()}, h.phone.Image},
		"a page that says picture":       {linefake.File{MIME: "image/jpeg", Bytes: []byte("<!doctype html>" + script)}, h.phone.Image},
		"an SVG with a script":           {linefake.File{MIME: "image/svg+xml", Bytes: []byte(`<svg xmlns="http://www.w3.org/2000/svg">` + script + `</svg>`)}, h.phone.Image},
		"a GIF that is a script as well": {linefake.File{MIME: "image/gif", Bytes: []byte("GIF89a/*" + strings.Repeat("\x00", 20) + "*/=1;alert(1)//")}, h.phone.Image},
		"a page as a file":               {linefake.File{Name: "../../evil.html", MIME: "text/html", Bytes: []byte("<html>" + script)}, h.phone.File},
		"a name with a line break":       {linefake.File{Name: "a\r\nX-Injected: yes\r\n\"; filename*=x.txt", MIME: "text/plain", Bytes: []byte("hello")}, h.phone.File},
		"nothing at all":                 {linefake.File{MIME: "image/jpeg"}, h.phone.Image},
	} {
		t.Run(name, func(t *testing.T) {
			posted := c.as("U1", c.file)
			id := h.messageID(posted.MessageID)
			eventually(t, func() string {
				if s := h.text(`SELECT media_state FROM message WHERE id = $1`, id); s == "pending" {
					return "it is still being fetched"
				}
				return ""
			})
			for _, path := range []string{"/media/" + id, "/media/" + id + "/preview"} {
				a := mei.get(path)
				kind := a.header.Get("Content-Type")
				if a.status == http.StatusOK && (strings.Contains(kind, "html") || strings.Contains(kind, "svg") || strings.Contains(kind, "javascript")) {
					t.Errorf("%s is served as %s", path, kind)
				}
				if a.header.Get("X-Content-Type-Options") != "nosniff" {
					t.Errorf("a browser may guess what %s is", path)
				}
				if p := a.header.Get("Content-Security-Policy"); a.status == http.StatusOK && !strings.Contains(p, "sandbox") {
					t.Errorf("%s may run: %q", path, p)
				}
				if a.header.Get("X-Injected") != "" || strings.Contains(a.header.Get("Content-Disposition"), "..") {
					t.Errorf("its name did something: %v", a.header)
				}
			}
			if a := mei.get("/inbox/" + h.thread("U1")); a.status != http.StatusOK || strings.Contains(a.body, script) {
				t.Errorf("her thread answers %d, or runs her script", a.status)
			}
		})
	}
}

func TestHostileUploads(t *testing.T) {
	h := newHouse(t)
	mei := h.signIn()
	h.deliver(linefake.TextEvent(linefake.Meta{User: "U1", At: eventTime}, "hi"))
	thread := h.thread("U1")
	for name, content := range map[string][]byte{
		"SVG":                  []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`),
		"a page":               []byte("<!doctype html><script>alert(1)</script>"),
		"a picture too large":  giantPNG(),
		"half a picture":       portrait(t)[:2000],
		"a program":            append([]byte("\x7fELF\x02\x01\x01"), make([]byte, 100)...),
		"a GIF that is script": []byte("GIF89a/*" + strings.Repeat("\x00", 20) + "*/=1;alert(1)//"),
		"nothing":              {},
	} {
		t.Run(name, func(t *testing.T) {
			req, err := http.NewRequest(http.MethodPost, h.url+"/inbox/"+thread+"/upload?name=nice.jpg&key="+url.QueryEscape(name), bytes.NewReader(content))
			must(t, err)
			a, err := do(mei.http, req)
			must(t, err)
			if a.status < 400 || a.status >= 500 {
				t.Errorf("answered %d", a.status)
			}
			if n := h.count("message"); n != 1 {
				t.Errorf("%d messages, not 1", n)
			}
		})
	}
	if n := len(files(t, h.dir+"/blobs")); n != 0 {
		t.Errorf("%d files are left of what was refused", n)
	}
}

func TestOtherSitesCannotUseHerSession(t *testing.T) {
	h := newHouse(t)
	mei := h.signIn()
	h.deliver(linefake.TextEvent(linefake.Meta{User: "U1", At: eventTime}, "hi"))
	thread := h.thread("U1")
	for name, headers := range map[string]map[string]string{
		"a form elsewhere":   {"Origin": "https://evil.example"},
		"an old browser":     {"Origin": "null"},
		"a fetch elsewhere":  {"Sec-Fetch-Site": "cross-site"},
		"a neighbour domain": {"Sec-Fetch-Site": "same-site"},
	} {
		t.Run(name, func(t *testing.T) {
			for _, path := range []string{"/inbox/" + thread + "/messages", "/inbox/" + thread + "/close", "/me/password", "/sign-out", "/sign-in"} {
				req, err := http.NewRequest(http.MethodPost, h.url+path, strings.NewReader("key=k&text=evil"))
				must(t, err)
				req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				for k, v := range headers {
					req.Header.Set(k, v)
				}
				a, err := do(mei.http, req)
				must(t, err)
				if a.status != http.StatusForbidden {
					t.Errorf("%s is answered with %d", path, a.status)
				}
			}
		})
	}
	if n := h.count("message"); n != 1 {
		t.Errorf("%d messages, not 1", n)
	}
	if a := mei.get("/inbox"); a.status != http.StatusOK {
		t.Errorf("she was signed out: %d", a.status)
	}
}

func TestASessionThatWasPlantedIsNotTaken(t *testing.T) {
	h := newHouse(t)
	victim := newBrowser(t, h.url)
	base, err := url.Parse(h.url)
	must(t, err)
	victim.http.Jar.SetCookies(base, []*http.Cookie{{Name: "dingdong", Value: "planted-by-somebody-else", Path: "/"}})
	a := victim.post("/sign-in", url.Values{"email": {advisorEmail}, "password": {advisorPassword}})
	if a.status != http.StatusSeeOther {
		t.Fatalf("sign-in answered %d", a.status)
	}
	cookies := victim.http.Jar.Cookies(base)
	if len(cookies) == 0 || strings.Contains(fmt.Sprint(cookies), "planted") {
		t.Errorf("her session is %v", cookies)
	}
	thief := newBrowser(t, h.url)
	thief.http.Jar.SetCookies(base, []*http.Cookie{{Name: "dingdong", Value: "planted-by-somebody-else", Path: "/"}})
	if a := thief.get("/inbox"); a.status == http.StatusOK {
		t.Error("who planted the session is signed in")
	}
	set := a.header.Get("Set-Cookie")
	if !strings.Contains(set, "HttpOnly") || !strings.Contains(set, "SameSite=Lax") {
		t.Errorf("the cookie is set as %q", set)
	}
	// Signed out means signed out, also for who kept a copy.
	victim.post("/sign-out", url.Values{})
	thief.http.Jar.SetCookies(base, cookies)
	if a := thief.get("/inbox"); a.status == http.StatusOK {
		t.Error("a copy of an ended session still works")
	}
}

func TestACounterGuessesAnothersIds(t *testing.T) {
	h := newHouse(t)
	h.phone.Befriend("U1")
	posted := h.phone.Image("U1", linefake.File{MIME: "image/jpeg", Bytes: portrait(t)})
	thread, message := h.thread("U1"), h.messageID(posted.MessageID)
	h.quiet()
	var foreign string
	h.write(func(tx *db.Tx) error {
		system := staff.System()
		stores, err := staff.ListStores(tx)
		if err != nil {
			return err
		}
		brand, err := staff.SaveBrand(tx, system, staff.BrandForm{Name: "Lumi"})
		if err != nil {
			return err
		}
		counter, err := staff.SaveCounter(tx, system, staff.CounterForm{StoreID: stores[0].ID, BrandID: brand.ID, Name: "Lumi Xinyi"})
		if err != nil {
			return err
		}
		p, err := staff.SaveStaff(tx, system, staff.StaffForm{Name: "Fang", Email: "fang@counter.example", Role: staff.Advisor, Counters: []string{counter.ID}})
		foreign = p.ID
		return err
	})
	must(t, h.Door.GivePassword(t.Context(), staff.System(), foreign, advisorPassword))
	fang := newBrowser(t, h.url)
	fang.post("/sign-in", url.Values{"email": {"fang@counter.example"}, "password": {advisorPassword}})
	if a := fang.get("/inbox?box=all"); a.status != http.StatusOK || strings.Contains(a.body, thread) {
		t.Fatalf("her own inbox: %d, or the other counter's thread is in it", a.status)
	}
	events, messages := h.count("event"), h.count("message")
	for _, path := range []string{"/inbox/" + thread, "/inbox/" + thread + "/messages?before=4000000000000000." + message, "/inbox/" + thread + "/head", "/inbox/" + thread + "/card",
		"/media/" + message, "/media/" + message + "/preview", "/live?thread=" + thread} {
		if a := fang.get(path); a.status != http.StatusNotFound && a.status != http.StatusForbidden {
			t.Errorf("GET %s is answered with %d", path, a.status)
		}
	}
	for _, act := range []string{"messages", "messages/" + message + "/resend", "take", "release", "transfer", "close", "reopen", "name", "draft", "typing", "seen", "upload?key=k&name=x.txt"} {
		form := url.Values{"key": {"k"}, "text": {"evil"}, "to": {foreign}, "name": {"evil"}}
		if a := fang.post("/inbox/"+thread+"/"+act, form); a.status != http.StatusNotFound && a.status != http.StatusForbidden {
			t.Errorf("POST %s is answered with %d", act, a.status)
		}
	}
	for _, path := range []string{"/admin/staff", "/admin/accounts", "/admin/tokens", "/admin/audit", "/admin/stores"} {
		if a := fang.get(path); a.status != http.StatusForbidden && a.status != http.StatusNotFound {
			t.Errorf("GET %s is answered with %d", path, a.status)
		}
	}
	if e, m := h.count("event"), h.count("message"); e != events || m != messages {
		t.Errorf("something happened: %d events more, %d messages more", e-events, m-messages)
	}
}
