package app

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"dingdong/internal/channel/line/linefake"
)

// thread is the thread of a LINE user, once there is one.
func (h *home) thread(user string) string {
	h.t.Helper()
	hash := h.Desk.Book.ExternalHash(h.account.ID, user)
	var id string
	eventually(h.t, func() string {
		if n := h.number(`SELECT COUNT(*) FROM thread t JOIN identity i ON i.customer_id = t.customer_id WHERE i.external_hash = $1`, hash); n == 0 {
			return "she has no thread"
		}
		return ""
	})
	id = h.text(`SELECT t.id FROM thread t JOIN identity i ON i.customer_id = t.customer_id WHERE i.external_hash = $1`, hash)
	return id
}

// messageID is our id of a message, by the platform's.
func (h *home) messageID(external string) string {
	h.t.Helper()
	eventually(h.t, func() string {
		if h.number(`SELECT COUNT(*) FROM message WHERE external_id = $1`, external) == 0 {
			return "message " + external + " has not come"
		}
		return ""
	})
	return h.text(`SELECT id FROM message WHERE external_id = $1`, external)
}

// statusOn reads the status of a message off the advisor's page.
func statusOn(page, messageID string) string {
	found := regexp.MustCompile(`id="m-` + regexp.QuoteMeta(messageID) + `"[^>]*data-status="([a-z]*)"`).FindStringSubmatch(page)
	if found == nil {
		return "not on the page"
	}
	return found[1]
}

// say answers in a thread as her page does and returns the message's id.
func (b *browser) say(thread, key, text string) string {
	b.t.Helper()
	a := b.post("/inbox/"+thread+"/messages", url.Values{"key": {key}, "text": {text}})
	found := regexp.MustCompile(`id="m-([a-z0-9_]+)"`).FindStringSubmatch(a.body)
	if a.status != http.StatusOK || found == nil {
		b.t.Fatalf("saying something was answered %d: %.300s", a.status, a.body)
	}
	return found[1]
}

func TestSheWritesAndIsAnswered(t *testing.T) {
	h := newHouse(t)
	mei := h.signIn()
	h.phone.Person("U1", "林怡君")
	h.phone.Follow("U1")
	h.phone.Text("U1", "請問 32 號色還有嗎？")
	thread := h.thread("U1")

	eventually(t, func() string {
		inbox := mei.get("/inbox?box=all")
		switch {
		case inbox.status != http.StatusOK:
			return fmt.Sprint("the inbox answers ", inbox.status)
		case !strings.Contains(inbox.body, "請問 32 號色還有嗎？"):
			return "her words are not in the inbox"
		case !strings.Contains(inbox.body, "林怡君"):
			return "her name has not been fetched"
		}
		return ""
	})
	if got := h.number(`SELECT waiting_since FROM thread WHERE id = $1`, thread); got == 0 {
		t.Error("nobody knows that she waits")
	}

	id := mei.say(thread, "key-1", "有的，我幫您留一支。")
	if again := mei.say(thread, "key-1", "有的，我幫您留一支。"); again != id {
		t.Errorf("the same key made a second message: %s and %s", id, again)
	}
	eventually(t, func() string {
		if got := h.phone.Sent("U1"); len(got) != 1 || got[0].Text != "有的，我幫您留一支。" {
			return fmt.Sprintf("her phone shows %+v", got)
		}
		return ""
	})
	if got := h.phone.Sent("U1")[0]; got.ReplyToken == "" {
		t.Error("a free reply was possible, and a push was paid for")
	}
	eventually(t, func() string {
		if s := statusOn(mei.get("/inbox/"+thread).body, id); s != "sent" {
			return "her page says " + s
		}
		return ""
	})
	// The token is spent: what follows is pushed, in order.
	for n := range 7 {
		mei.say(thread, fmt.Sprint("more-", n), fmt.Sprint("line ", n))
	}
	eventually(t, func() string {
		sent := h.phone.Sent("U1")
		if len(sent) != 8 {
			return fmt.Sprintf("%d messages on her phone, not 8", len(sent))
		}
		for n, m := range sent[1:] {
			if m.Text != fmt.Sprint("line ", n) || m.RetryKey == "" {
				return fmt.Sprintf("message %d is %+v", n, m)
			}
		}
		return ""
	})
	if h.number(`SELECT waiting_since FROM thread WHERE id = $1`, thread) != 0 {
		t.Error("she is answered and still waits")
	}
	if n := h.number(`SELECT COUNT(*) FROM thread WHERE assignee_id = $1`, h.advisor); n != 1 {
		t.Error("who answers first does not own the thread")
	}
	h.quiet()
	if odd := h.phone.Oddities(); len(odd) > 0 {
		t.Errorf("the platform noticed: %q", odd)
	}
}

func TestOthersDoNotSeeHer(t *testing.T) {
	h := newHouse(t)
	h.phone.Text("U1", "private words")
	thread := h.thread("U1")
	stranger := newBrowser(t, h.url)
	for _, path := range []string{"/inbox", "/inbox/" + thread, "/inbox/" + thread + "/card", "/live"} {
		if a := stranger.get(path); a.status == http.StatusOK || strings.Contains(a.body, "private words") {
			t.Errorf("%s answered %d to nobody", path, a.status)
		}
	}
	if a := stranger.post("/inbox/"+thread+"/messages", url.Values{"key": {"k"}, "text": {"hello"}}); a.status < 400 {
		t.Errorf("nobody wrote in the thread: %d", a.status)
	}
	if n := h.count("message"); n != 1 {
		t.Errorf("%d messages, not 1", n)
	}
}

// portrait is a JPEG of some size with content that does not compress away.
func portrait(t *testing.T) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 640, 480))
	seed := uint32(7)
	for y := range 480 {
		for x := range 640 {
			seed = seed*1664525 + 1013904223
			img.Set(x, y, color.RGBA{uint8(seed >> 24), uint8(x), uint8(y), 255})
		}
	}
	var out bytes.Buffer
	must(t, jpeg.Encode(&out, img, nil))
	return out.Bytes()
}

func TestHerPictureComesInSealedAndGoesWhenSheSaysSo(t *testing.T) {
	h := newHouse(t)
	mei := h.signIn()
	picture := portrait(t)
	posted := h.phone.Image("U1", linefake.File{Name: "me.jpg", MIME: "image/jpeg", Bytes: picture})
	h.phone.NotReady(posted.MessageID, 1) // the platform is still at it
	id := h.messageID(posted.MessageID)
	eventually(t, func() string {
		if s := h.text(`SELECT media_state FROM message WHERE id = $1`, id); s != "ready" {
			return "the picture is " + s
		}
		return ""
	})
	a := mei.get("/media/" + id)
	if a.status != http.StatusOK || a.body != string(picture) || a.header.Get("Content-Type") != "image/jpeg" {
		t.Errorf("the advisor gets %d, %d bytes of %s", a.status, len(a.body), a.header.Get("Content-Type"))
	}
	small := mei.get("/media/" + id + "/preview")
	if size, _, err := image.DecodeConfig(strings.NewReader(small.body)); err != nil || size.Width != 640 {
		t.Errorf("the preview: %d, %v, %v", small.status, size, err)
	}
	if a := newBrowser(t, h.url).get("/media/" + id); a.status == http.StatusOK {
		t.Error("nobody is shown her picture")
	}
	blobs := files(t, h.dir+"/blobs")
	if len(blobs) < 2 {
		t.Fatalf("%d files in the media folder, not picture and preview", len(blobs))
	}
	for name, content := range blobs {
		if bytes.Contains(content, picture[:64]) || bytes.Contains(content, picture[len(picture)/2:len(picture)/2+64]) || bytes.Contains(content, []byte("JFIF")) {
			t.Errorf("%s holds the picture in clear", name)
		}
	}

	h.phone.Unsend("U1", posted.MessageID)
	eventually(t, func() string {
		if n := len(files(t, h.dir+"/blobs")); n > 0 {
			return fmt.Sprintf("%d files are left of the picture", n)
		}
		return ""
	})
	if a := mei.get("/media/" + id); a.status != http.StatusNotFound {
		t.Errorf("the picture she took back is answered with %d", a.status)
	}
	if n := h.number(`SELECT COUNT(*) FROM message WHERE id = $1 AND body IS NULL AND unsent_at IS NOT NULL`, id); n != 1 {
		t.Error("the message she took back still has a body")
	}
}

// TestUnsendOvertakesTheFetch: she takes a picture back while it is being fetched.
func TestUnsendOvertakesTheFetch(t *testing.T) {
	h := newHouse(t)
	fetching, goOn := make(chan struct{}, 8), make(chan struct{})
	h.phone.Fail(func(r *http.Request) linefake.Fault {
		if strings.HasSuffix(r.URL.Path, "/content") {
			fetching <- struct{}{}
			<-goOn
		}
		return linefake.Fault{}
	})
	// The picture is already on its way when she takes it back, so the platform serves it.
	posted := h.phone.Image("U1", linefake.File{MIME: "image/jpeg", Bytes: portrait(t)})
	<-fetching
	unsend := linefake.UnsendEvent(linefake.Meta{User: "U1", MessageID: posted.MessageID, At: h.DB.Now()})
	h.deliver(unsend)
	close(goOn)
	h.quiet()
	if n := len(files(t, h.dir+"/blobs")); n > 0 {
		t.Errorf("%d files are left of the picture", n)
	}
	if n := h.number(`SELECT COUNT(*) FROM message WHERE body IS NULL AND blob = '' AND unsent_at IS NOT NULL`); n != 1 {
		t.Error("the message has a body, or a blob")
	}
}

func TestFollowAndBlock(t *testing.T) {
	h := newHouse(t)
	mei := h.signIn()
	h.phone.Person("U1", "Vivian")
	h.phone.Follow("U1")
	h.phone.Text("U1", "hi")
	thread := h.thread("U1")
	h.phone.Block("U1")
	eventually(t, func() string {
		if h.number(`SELECT COUNT(*) FROM identity WHERE reach = 'blocked'`) == 0 {
			return "the block is not known"
		}
		return ""
	})
	id := mei.say(thread, "blocked", "are you there?")
	if s := h.text(`SELECT status || ':' || failure FROM message WHERE id = $1`, id); s != "refused:blocked" {
		t.Errorf("to somebody who blocked us a message is %s", s)
	}
	h.phone.Unblock("U1")
	eventually(t, func() string {
		if h.number(`SELECT COUNT(*) FROM identity WHERE reach = 'friend'`) == 0 {
			return "the unblock is not known"
		}
		return ""
	})
	mei.say(thread, "friends", "welcome back")
	eventually(t, func() string {
		if got := h.phone.Sent("U1"); len(got) != 1 || got[0].Text != "welcome back" {
			return fmt.Sprintf("her phone shows %+v", got)
		}
		return ""
	})
	if h.phone.Lost("U1") != 0 {
		t.Error("a call was made for somebody who had blocked us")
	}
}

// TestSheIsAnsweredOverAPoorPlatform: five hundreds, too-many-requests and lost
// answers, before and after taking effect, and still each line once, in order.
func TestSheIsAnsweredOverAPoorPlatform(t *testing.T) {
	h := newHouse(t)
	mei := h.signIn()
	h.phone.Befriend("U1")
	h.phone.Text("U1", "hi")
	thread := h.thread("U1")
	for _, f := range []linefake.Fault{{Status: 500}, {Drop: true, After: true}, {Status: 429, RetryAfter: time.Second},
		{Status: 503, After: true}, {Drop: true}} {
		h.phone.FailNext(1, f)
	}
	for n := range 6 {
		mei.say(thread, fmt.Sprint("key ", n), fmt.Sprint("line ", n))
	}
	eventuallyIn(t, 25*time.Second, func() string {
		if n := h.number(`SELECT COUNT(*) FROM message WHERE author = 'staff' AND status <> 'sent'`); n > 0 {
			return fmt.Sprintf("%d lines are not sent", n)
		}
		return ""
	})
	var got []string
	for _, m := range h.phone.Sent("U1") {
		got = append(got, m.Text)
	}
	if want := "line 0|line 1|line 2|line 3|line 4|line 5"; strings.Join(got, "|") != want {
		t.Errorf("her phone shows %q", got)
	}
	if odd := h.phone.Oddities(); len(odd) > 0 {
		t.Errorf("the platform noticed: %q", odd)
	}
}
