package web

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"dingdong/internal/conversation"
	"dingdong/internal/db"
)

func TestStaffUploads(t *testing.T) {
	h := newDeskHouse(t)
	m := h.hears("林怡君", "您好")
	b := h.as(t, h.Advisor)
	b.Header.Set("Content-Type", "application/octet-stream")
	path := "/inbox/" + m.ThreadID + "/upload"
	for name, bad := range map[string]string{
		"svg":            `<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`,
		"html":           `<!doctype html><html><body><script>alert(1)</script></body></html>`,
		"svg named jpg":  `<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`,
		"broken picture": "\xff\xd8\xff\xe0" + strings.Repeat("x", 500),
		"empty":          "",
	} {
		t.Run(name, func(t *testing.T) {
			want(t, b.do(http.MethodPost, path+"?key="+name[:3]+"&name=a.jpg", strings.NewReader(bad)), http.StatusUnprocessableEntity)
		})
	}
	want(t, b.do(http.MethodPost, path+"?key=big&name=a.bin", bytes.NewReader(make([]byte, conversation.MaxUpload+10))), http.StatusUnprocessableEntity)
	for range 2 { // the answer to the first was lost
		want(t, b.do(http.MethodPost, path+"?key=pic&name=..%2F..%2Fetc%2Fpasswd.jpg", bytes.NewReader(picture(t))), http.StatusOK, "bubble-image", `width="64" height="48"`)
	}
	want(t, b.do(http.MethodPost, path+"?key=pdf&name=price%20list%22.pdf", strings.NewReader("%PDF-1.7\n1 0 obj\n")), http.StatusOK, "bubble-file", "price list.pdf")
	if n := h.count(`SELECT COUNT(*) FROM message WHERE author = 'staff'`); n != 2 {
		t.Errorf("%d messages", n)
	}
}

func TestMediaIsServedHarmlessly(t *testing.T) {
	h := newDeskHouse(t)
	m := h.hears("林怡君", "您好")
	b := h.as(t, h.Advisor)
	b.Header.Set("Content-Type", "application/octet-stream")
	upload := func(key string, data []byte) (found conversation.Message) {
		want(t, b.do(http.MethodPost, "/inbox/"+m.ThreadID+"/upload?key="+key+"&name="+key, bytes.NewReader(data)), http.StatusOK)
		h.read(func(tx *db.Tx) (err error) {
			found, err = h.Desk.Said(tx, h.viewer2(tx, h.Advisor), m.ThreadID, key)
			return err
		})
		return found
	}
	pic, pdf := upload("a.jpg", picture(t)), upload("b.pdf", []byte("%PDF-1.7\n1 0 obj\n"))
	got := b.get("/media/" + pic.ID)
	want(t, got, http.StatusOK)
	head := got.Header()
	if head.Get("Content-Type") != "image/jpeg" || head.Get("Content-Disposition") != "" || head.Get("Content-Security-Policy") != mediaPolicy ||
		head.Get("X-Content-Type-Options") != "nosniff" || !bytes.Equal(got.Body.Bytes(), picture(t)) {
		t.Errorf("picture: %v", head)
	}
	want(t, b.get("/media/"+pic.ID+"/preview"), http.StatusOK)
	got = b.get("/media/" + pdf.ID)
	if !strings.HasPrefix(got.Header().Get("Content-Disposition"), "attachment;") || got.Header().Get("Content-Type") != "application/octet-stream" {
		t.Errorf("pdf: %v", got.Header())
	}
	b.Header.Set("Range", "bytes=2-4")
	got = b.get("/media/" + pic.ID)
	if got.Code != http.StatusPartialContent || !bytes.Equal(got.Body.Bytes(), picture(t)[2:5]) {
		t.Errorf("a range: %d %q", got.Code, got.Body)
	}
	stranger := newBrowser(t, h)
	link := strings.TrimPrefix(h.Desk.MediaLink(pic, false), h.PublicURL)
	if !strings.HasSuffix(link, ".jpg") {
		t.Errorf("link %q", link)
	}
	got = stranger.get(link)
	want(t, got, http.StatusOK)
	if got.Header().Get("Content-Type") != "image/jpeg" || !bytes.Equal(got.Body.Bytes(), picture(t)) {
		t.Errorf("by link: %v", got.Header())
	}
	want(t, stranger.get(link[:len(link)-10]+"AAAAAA.jpg"), http.StatusNotFound)
	want(t, stranger.get("/m/"), http.StatusNotFound)
}
