package app

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"dingdong/internal/channel"
	"dingdong/internal/channel/line/linefake"
	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

// treasure is a server inside the group's own network that no stranger may make
// us call.
type treasure struct {
	*httptest.Server
	mu    sync.Mutex
	calls []string
}

func newTreasure(t *testing.T) *treasure {
	s := &treasure{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.calls = append(s.calls, r.Method+" "+r.URL.String()+" "+r.Header.Get("Authorization"))
		s.mu.Unlock()
		w.Header().Set("Content-Type", "image/jpeg")
		fmt.Fprint(w, "the treasure")
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *treasure) untouched(t *testing.T) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.calls) > 0 {
		t.Errorf("we called where a stranger sent us: %q", s.calls)
	}
}

// crookedPlatform is the platform, but it answers some paths in its own way: a
// stranger who holds its place, or one of its guests who found a gap.
func crookedPlatform(t *testing.T, h *home, answer func(w http.ResponseWriter, r *http.Request) bool) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !answer(w, r) {
			h.phone.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(s.Close)
	h.write(func(tx *db.Tx) (err error) {
		h.account, err = h.Desk.SaveAccount(tx, staff.System(), conversation.AccountForm{ID: h.account.ID, Channel: channel.LINE, Name: h.account.Name,
			CounterID: h.account.CounterID, APIBase: s.URL, DataBase: s.URL})
		return err
	})
}

func TestNobodySendsUsInside(t *testing.T) {
	for name, c := range map[string]struct {
		crooked func(inside string) func(w http.ResponseWriter, r *http.Request) bool
		event   func(inside string) string // the message of an event
	}{
		"a picture that lies elsewhere": {event: func(inside string) string {
			return `{"type":"image","id":"1","contentProvider":{"type":"external","originalContentUrl":"` + inside + `/a.jpg","previewImageUrl":"` + inside + `/b.jpg"}}`
		}},
		"a video that lies elsewhere": {event: func(inside string) string {
			return `{"type":"video","id":"1","duration":1,"contentProvider":{"type":"external","originalContentUrl":"` + inside + `/a.mp4","previewImageUrl":"` + inside + `/b.jpg"}}`
		}},
		"a voice note that lies elsewhere": {event: func(inside string) string {
			return `{"type":"audio","id":"1","duration":1,"contentProvider":{"type":"external","originalContentUrl":"` + inside + `/a.m4a"}}`
		}},
		"an id that is a path": {event: func(inside string) string {
			return `{"type":"image","id":"../../../` + strings.TrimPrefix(inside, "http://") + `/x?y=#","contentProvider":{"type":"line"}}`
		}},
		"an id that is an address": {event: func(inside string) string {
			return `{"type":"image","id":"@` + strings.TrimPrefix(inside, "http://") + `/","contentProvider":{"type":"line"}}`
		}},
		"a text with a link": {event: func(inside string) string { return `{"type":"text","id":"1","text":"look at ` + inside + `/page"}` }},
		"content that is moved": {
			event: func(string) string { return `{"type":"image","id":"77","contentProvider":{"type":"line"}}` },
			crooked: func(inside string) func(w http.ResponseWriter, r *http.Request) bool {
				return func(w http.ResponseWriter, r *http.Request) bool {
					if !strings.HasSuffix(r.URL.Path, "/content") {
						return false
					}
					http.Redirect(w, r, inside+"/moved", http.StatusFound)
					return true
				}
			},
		},
		"a profile with a picture": {
			event: func(string) string { return `{"type":"text","id":"1","text":"hello"}` },
			crooked: func(inside string) func(w http.ResponseWriter, r *http.Request) bool {
				return func(w http.ResponseWriter, r *http.Request) bool {
					if !strings.HasPrefix(r.URL.Path, "/v2/bot/profile/") {
						return false
					}
					fmt.Fprintf(w, `{"displayName":"Vivian","userId":"U","pictureUrl":"%s/me.jpg","statusMessage":"%s"}`, inside, inside)
					return true
				}
			},
		},
		"a profile that is moved": {
			event: func(string) string { return `{"type":"text","id":"1","text":"hello"}` },
			crooked: func(inside string) func(w http.ResponseWriter, r *http.Request) bool {
				return func(w http.ResponseWriter, r *http.Request) bool {
					if !strings.HasPrefix(r.URL.Path, "/v2/bot/profile/") {
						return false
					}
					http.Redirect(w, r, inside+"/profile", http.StatusTemporaryRedirect)
					return true
				}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			inside := newTreasure(t)
			h := newHouse(t)
			var asked sync.Map // what the platform was asked for, as it stood in the request
			crooked := func(http.ResponseWriter, *http.Request) bool { return false }
			if c.crooked != nil {
				crooked = c.crooked(inside.URL)
			}
			crookedPlatform(t, h, func(w http.ResponseWriter, r *http.Request) bool {
				asked.Store(r.RequestURI, true)
				return crooked(w, r)
			})
			h.phone.Befriend("U1")
			body := []byte(`{"destination":"U1","events":[{"type":"message","webhookEventId":"01SSRF","timestamp":1795000000000,"mode":"active","source":{"type":"user","userId":"U1"},"replyToken":"r","message":` +
				c.event(inside.URL) + `}]}`)
			if a := h.knock(body, linefake.Sign(lineSecret, body)); a.status != http.StatusOK {
				t.Fatalf("answered %d", a.status)
			}
			if n := h.count("message"); n != 1 {
				t.Fatalf("%d messages, not 1: it is kept, whatever it names", n)
			}
			// Everything that follows has been tried once.
			eventually(t, func() string {
				if n := h.number(`SELECT COUNT(*) FROM job WHERE kind IN ('fetch_media', 'profile') AND attempt = 0`); n > 0 {
					return fmt.Sprintf("%d jobs have not been tried", n)
				}
				if n := h.number(`SELECT COUNT(*) FROM job WHERE kind IN ('fetch_media', 'profile') AND claim <> 0`); n > 0 {
					return fmt.Sprintf("%d jobs are being tried", n)
				}
				return ""
			})
			mei := h.signIn()
			page := mei.get("/inbox/" + h.thread("U1"))
			if page.status != http.StatusOK {
				t.Errorf("her thread answers %d", page.status)
			}
			if name != "a text with a link" && strings.Contains(page.body, inside.URL) {
				t.Error("the advisor's browser is sent there instead")
			}
			inside.untouched(t)
			asked.Range(func(path, _ any) bool {
				if strings.Contains(path.(string), "/../") || !strings.HasPrefix(path.(string), "/v2/bot/") {
					t.Errorf("the platform was asked for %s", path)
				}
				return true
			})
		})
	}
}
