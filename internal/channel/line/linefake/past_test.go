package linefake

import (
	"encoding/json"
	"net/http/httptest"
	"path/filepath"
	"testing"
	"time"
)

func TestAPastIsRememberedOnceAndSurvives(t *testing.T) {
	file := filepath.Join(t.TempDir(), "line.json")
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	past := Past{User: "U1", Name: "怡君", Lines: []Line{
		{ID: "1", Mine: true, Type: "text", Text: "hello", At: at},
		{ID: "2", Type: "text", Text: "hi", At: at.Add(time.Minute)},
		{ID: "3", Mine: true, Type: "image", At: at.Add(2 * time.Minute), File: File{MIME: "image/jpeg", Bytes: []byte("jpeg")}},
	}}
	for range 2 {
		p, err := New(Options{StateFile: file})
		if err != nil {
			t.Fatal(err)
		}
		p.Remember(past)
		w := httptest.NewRecorder()
		p.ServeHTTP(w, httptest.NewRequest("GET", "/phone/api/people/U1/messages", nil))
		var shown []bubble
		if err := json.Unmarshal(w.Body.Bytes(), &shown); err != nil || len(shown) != 3 || shown[0].Text != "hello" || shown[2].URL != "media/3" {
			t.Errorf("%v: %s", err, w.Body)
		}
		if m := p.mediaOf("3"); m == nil || string(m.bytes) != "jpeg" {
			t.Errorf("her picture: %+v", m)
		}
		if len(p.Sent("U1")) != 1 {
			t.Errorf("sent: %+v", p.Sent("U1"))
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
