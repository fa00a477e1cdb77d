package conversation

import (
	"bytes"
	"image"
	"image/png"
	"testing"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
)

func TestUploadsThatWereNeverSentGo(t *testing.T) {
	clock := dbtest.NewClock(time.Now())
	h := newHouse(t, dbtest.NewAt(t, clock))
	h.receive(says("U1", 1, "hello"))
	th := h.only(h.mei)
	var picture bytes.Buffer
	check(t, png.Encode(&picture, image.NewRGBA(image.Rect(0, 0, 4, 4))))
	var ups []Upload
	for range 2 {
		up, err := h.Upload(t.Context(), h.mei, File{ThreadID: th.ID, Name: "a.png", From: bytes.NewReader(picture.Bytes())})
		check(t, err)
		ups = append(ups, up)
	}
	h.write(func(tx *db.Tx) error {
		_, err := h.Say(tx, h.mei, Draft{ThreadID: th.ID, Blob: ups[0].Blob, Preview: ups[0].Preview, Body: channel.Body{Type: ups[0].Type, Media: &ups[0].Media}})
		return err
	})
	if n, err := h.DropLeftovers(t.Context()); n != 0 || err != nil {
		t.Errorf("dropped %d at once, %v", n, err)
	}
	clock.Advance(leftoverTime + time.Minute)
	if n, err := h.DropLeftovers(t.Context()); n != 2 || err != nil { // the picture and its preview
		t.Errorf("dropped %d, %v", n, err)
	}
	if _, _, err := h.Blobs.Get(t.Context(), ups[0].Blob); err != nil {
		t.Error("what was sent is gone:", err)
	}
}
