package web

import (
	"bytes"
	"context"
	"encoding/json"
	"image"
	"image/jpeg"
	"io"
	"net/http"
	"strings"
	"testing"

	"dingdong/internal/channel"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/job"
)

// pictured is a channel whose people show a picture.
type pictured struct{ channel.Adapter }

func (pictured) Portrait(context.Context, channel.Account, string) (io.ReadCloser, error) {
	var b bytes.Buffer
	err := jpeg.Encode(&b, image.NewRGBA(image.Rect(0, 0, 400, 400)), nil)
	return io.NopCloser(&b), err
}

// portrays gives the customer of a thread a picture, as the job does that follows her
// profile, and returns its address.
func (h *minimum) portrays(t *testing.T, th conversation.Thread) string {
	t.Helper()
	h.Desk.Adapters[th.Channel] = pictured{h.Desk.Adapters[th.Channel]}
	args := must(json.Marshal(map[string]string{"identity": th.IdentityID}))
	h.write(func(tx *db.Tx) error {
		_, _, err := h.Desk.Book.PortraitAt(tx, th.IdentityID, "https://profile.line-scdn.net/x")
		return err
	})
	after := must(h.Desk.FetchPortrait(t.Context(), job.Job{ID: "job_" + strings.ToLower(th.ID[4:]), Args: args, Attempt: 1}))
	h.write(after)
	return "/faces/" + th.ID + "/job_" + th.ID[4:]
}

func TestFaces(t *testing.T) {
	h := newMinimum(t, dbtest.New(t))
	path := h.portrays(t, h.rose.own)
	mei, boss, stranger := h.as(t, h.rose.advisor), h.as(t, h.rose.manager), h.as(t, h.lumi.advisor)

	got := mei.get(path)
	want(t, got, http.StatusOK)
	if size, kind, err := image.DecodeConfig(got.Body); err != nil || kind != "jpeg" || size.Width != 192 {
		t.Errorf("%s of %d pixels, %v", kind, size.Width, err)
	}
	for name, value := range map[string]string{"Content-Type": "image/jpeg", "Content-Security-Policy": mediaPolicy, "Cache-Control": "private, max-age=3600",
		"X-Content-Type-Options": "nosniff", "Content-Disposition": ""} {
		if got.Header().Get(name) != value {
			t.Errorf("%s: %q", name, got.Header().Get(name))
		}
	}
	want(t, boss.get(path), http.StatusOK)
	for name, wrong := range map[string]*browser{"another brand's advisor": stranger, "somebody who is not signed in": newBrowser(t, h)} {
		if got := wrong.get(path); got.Code == http.StatusOK || got.Header().Get("Content-Type") == "image/jpeg" {
			t.Errorf("%s gets %d", name, got.Code)
		}
	}
	want(t, mei.get(path+"0"), http.StatusNotFound)
	want(t, mei.get("/faces/"+h.rose.wen.ID+"/"+path[strings.LastIndex(path, "/")+1:]), http.StatusNotFound)

	// Where she is shown, and nowhere for those who have none.
	img := `<img src="` + path + `" alt="" loading="lazy" decoding="async">`
	want(t, mei.get("/inbox?box=all"), http.StatusOK, img)
	want(t, mei.get("/inbox/"+h.rose.own.ID), http.StatusOK, img)
	want(t, mei.get("/inbox/"+h.rose.own.ID+"/head"), http.StatusOK, img)
	want(t, mei.get("/inbox/"+h.rose.own.ID+"/card/head"), http.StatusOK, img)
	want(t, mei.get("/find?q=Only+quartz"), http.StatusOK, img)
	if body := mei.get("/inbox?box=all").Body.String(); strings.Count(body, "/faces/") != 1 {
		t.Errorf("%d pictures in the list", strings.Count(body, "/faces/"))
	}
}
