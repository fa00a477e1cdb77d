package conversation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/event"
	"dingdong/internal/staff"
)

func TestReceiveOpensOneThread(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		got := h.receive(says("U1", 1, "請問有 21 號嗎?"), says("U1", 2, "謝謝 🙏"))
		if got != (Received{New: 2}) {
			t.Errorf("received %+v", got)
		}
		th := h.only(h.mei)
		if th.Unread != 2 || !th.WaitingSince.Equal(base.Add(time.Second)) || th.Last.Body.Text != "謝謝 🙏" {
			t.Errorf("thread %+v", th)
		}
		if want, got := []string{"請問有 21 號嗎?", "謝謝 🙏"}, h.texts(h.mei, th.ID); !slices.Equal(got, want) {
			t.Errorf("texts %q", got)
		}
	})
}

func TestRedeliveryIsANoOp(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		body := []channel.Inbound{says("U1", 1, "one"), says("U1", 2, "two")}
		h.receive(body...)
		if got := h.receive(body...); got != (Received{Repeated: 2}) {
			t.Errorf("second delivery: %+v", got)
		}
		if th := h.only(h.mei); th.Unread != 2 {
			t.Errorf("unread %d, want 2", th.Unread)
		}
		var events []event.Event
		h.read(func(tx *db.Tx) (err error) { events, err = event.After(tx, 0, 100); return err })
		n := 0
		for _, e := range events {
			if e.Kind == event.MessageReceived {
				n++
			}
		}
		if n != 2 {
			t.Errorf("%d message events, want 2", n)
		}
	})
}

func TestSameEventOnManyConnectionsAtOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		var wg sync.WaitGroup
		var mu sync.Mutex
		sum := Received{}
		for range 32 {
			wg.Go(func() {
				err := h.DB.Write(context.Background(), func(tx *db.Tx) error {
					r, err := h.Receive(tx, h.account, []channel.Inbound{says("U1", 1, "only once")})
					mu.Lock()
					defer mu.Unlock()
					if err == nil && r.New == 1 {
						sum.New++
					}
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if got := h.texts(h.mei, h.only(h.mei).ID); len(got) != 1 {
			t.Errorf("%d messages, want one", len(got))
		}
	})
}

func TestEventsOutOfOrder(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		h.receive(says("U1", 3, "three"))
		h.receive(says("U1", 1, "one"))
		h.receive(says("U1", 2, "two"))
		th := h.only(h.mei)
		if got := h.texts(h.mei, th.ID); !slices.Equal(got, []string{"one", "two", "three"}) {
			t.Errorf("order %q", got)
		}
		if th.Last.Body.Text != "three" || !th.WaitingSince.Equal(base.Add(time.Second)) {
			t.Errorf("last %q, waiting since %v", th.Last.Body.Text, th.WaitingSince)
		}
		var heard int64
		h.read(func(tx *db.Tx) error { return tx.QueryRow(`SELECT heard_at FROM thread`).Scan(&heard) })
		if !db.Time(heard).Equal(base.Add(3 * time.Second)) {
			t.Errorf("last heard %v", db.Time(heard))
		}
	})
}

func TestUnsendInEitherOrder(t *testing.T) {
	unsend := says("U1", 9, "")
	unsend.Kind, unsend.ExternalID, unsend.Body = channel.Unsend, "ext-U1-1", channel.Body{}
	for name, order := range map[string][]channel.Inbound{
		"message first": {says("U1", 1, "my secret"), unsend},
		"unsend first":  {unsend, says("U1", 1, "my secret")},
	} {
		t.Run(name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				h := newHouse(t, d)
				h.receive(says("U1", 0, "hello"))
				for _, e := range order {
					h.receive(e)
				}
				if got := h.texts(h.mei, h.only(h.mei).ID); !slices.Equal(got, []string{"hello", "(unsent)"}) {
					t.Errorf("texts %q", got)
				}
				var bodies int
				h.read(func(tx *db.Tx) error {
					return tx.QueryRow(`SELECT COUNT(*) FROM message WHERE external_id = 'ext-U1-1' AND body IS NOT NULL`).Scan(&bodies)
				})
				if bodies != 0 {
					t.Error("the content of an unsent message is still stored")
				}
			})
		})
	}
}

func TestFollowAndBlockByTimestamp(t *testing.T) {
	at := func(kind channel.EventKind, n int) channel.Inbound {
		e := says("U1", n, "")
		e.Kind, e.Body, e.EventID = kind, channel.Body{}, fmt.Sprintf("%s-%d", kind, n)
		return e
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		h.receive(at(channel.Follow, 1), at(channel.Unfollow, 5), at(channel.Follow, 3)) // the last one arrives late
		th := h.only(h.mei)
		if th.Reach != customer.ReachBlocked {
			t.Errorf("reach %s, want blocked: the newest by the platform's clock decides", th.Reach)
		}
		if !th.WaitingSince.IsZero() {
			t.Error("somebody who only followed waits for an answer")
		}
		if got := h.texts(h.mei, th.ID); !slices.Equal(got, []string{"(follow)", "(follow)", "(block)"}) {
			t.Errorf("lines %q", got)
		}
	})
}

func TestGroupsStayApart(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		e := says("U1", 1, "in the group")
		e.Peer = channel.Peer{Type: channel.Group, ID: "C1", Sender: "U1"}
		h.receive(e, says("U1", 2, "in private"))
		if got := h.texts(h.mei, h.only(h.mei).ID); !slices.Equal(got, []string{"in private"}) {
			t.Errorf("her thread holds %q", got)
		}
		var kept int
		h.read(func(tx *db.Tx) error {
			return tx.QueryRow(`SELECT COUNT(*) FROM message m JOIN thread t ON t.id = m.thread_id WHERE t.kind = 'group'`).Scan(&kept)
		})
		if kept != 1 {
			t.Errorf("%d group messages kept, want 1", kept)
		}
	})
}

func TestNoticesAreKeptOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		odd := channel.Inbound{EventID: "x1", Kind: channel.Unsupported, At: base, Raw: []byte(`{"type":"somethingNew"}`)}
		if got := h.receive(odd, odd); got != (Received{New: 1, Repeated: 1}) {
			t.Errorf("received %+v", got)
		}
	})
}

func TestStandbyIsShownAndNotAnswered(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		e := says("U1", 1, "hello")
		e.Standby, e.ReplyToken = true, ""
		h.receive(e)
		th := h.only(h.mei)
		if !th.Standby || !th.WaitingSince.IsZero() {
			t.Errorf("thread %+v", th)
		}
		h.write(func(tx *db.Tx) error {
			m, err := h.Say(tx, h.mei, Draft{ThreadID: th.ID, Body: channel.Body{Type: channel.Text, Text: "hi"}})
			if m.Status != StatusRefused || m.Failure != "standby" {
				t.Errorf("status %s %s", m.Status, m.Failure)
			}
			return err
		})
	})
}

func TestThousandEventsInOneBody(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		var body []channel.Inbound
		for n := range 1000 {
			body = append(body, says(fmt.Sprintf("U%d", n%50), n, fmt.Sprint(n)))
		}
		if got := h.receive(body...); got.New != 1000 {
			t.Errorf("received %+v", got)
		}
		if got := len(h.threads(h.mei, Filter{Box: BoxAll, Limit: 100})); got != 50 {
			t.Errorf("%d threads, want 50", got)
		}
	})
}

func TestLongestText(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		text := strings.Repeat("💄", 5000)
		h.receive(says("U1", 1, text))
		if got := h.texts(h.mei, h.only(h.mei).ID); got[0] != text {
			t.Errorf("%d bytes came back of %d", len(got[0]), len(text))
		}
	})
}

// A wrong clock of a platform must not pin a message to the end of a thread.
func TestTimeFromTheFuture(t *testing.T) {
	h := newHouse(t, dbtest.New(t))
	late := says("U1", 1, "from 2099")
	late.At = time.Now().Add(24 * time.Hour * 365 * 70)
	h.receive(late)
	if th := h.only(h.mei); th.LastAt.After(time.Now().Add(time.Minute)) {
		t.Errorf("last at %v", th.LastAt)
	}
}

func TestVisibility(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		h.receive(says("U1", 1, "hello"))
		th := h.only(h.mei)
		for _, tc := range []struct {
			name         string
			viewer       staff.Viewer
			sees, writes bool
		}{
			{"advisor of the counter", h.mei, true, true},
			{"advisor of another counter", h.foreign, false, false},
			{"manager of the store", h.manager, true, true},
			{"marketing", h.marketing, false, false},
			{"privacy officer", h.officer, true, false},
			{"nobody", staff.Viewer{}, false, false},
		} {
			t.Run(tc.name, func(t *testing.T) {
				wantRead, wantWrite := error(nil), error(nil)
				if !tc.sees {
					wantRead, wantWrite = db.ErrNotFound, db.ErrNotFound
				} else if !tc.writes {
					wantWrite = staff.ErrForbidden
				}
				reads := map[string]func(tx *db.Tx) error{
					"thread":   func(tx *db.Tx) error { _, err := h.Thread(tx, tc.viewer, th.ID); return err },
					"messages": func(tx *db.Tx) error { _, _, err := h.Messages(tx, tc.viewer, Page{ThreadID: th.ID}); return err },
					"message":  func(tx *db.Tx) error { _, err := h.MessageFor(tx, tc.viewer, th.LastMessageID); return err },
					"notes":    func(tx *db.Tx) error { _, err := h.Notes(tx, tc.viewer, th.ID, time.Time{}); return err },
				}
				for name, fn := range reads {
					if err := h.DB.Read(t.Context(), fn); !errors.Is(err, wantRead) {
						t.Errorf("%s: %v, want %v", name, err, wantRead)
					}
				}
				writes := map[string]func(tx *db.Tx) error{
					"say": func(tx *db.Tx) error {
						_, err := h.Say(tx, tc.viewer, Draft{ThreadID: th.ID, Body: channel.Body{Type: channel.Text, Text: "hi"}})
						return err
					},
					"take":    func(tx *db.Tx) error { return h.Take(tx, tc.viewer, th.ID) },
					"release": func(tx *db.Tx) error { return h.Release(tx, tc.viewer, th.ID) },
					"close":   func(tx *db.Tx) error { return h.CloseThread(tx, tc.viewer, th.ID) },
					"reopen":  func(tx *db.Tx) error { return h.Reopen(tx, tc.viewer, th.ID) },
					"draft":   func(tx *db.Tx) error { return h.SaveDraft(tx, tc.viewer, th.ID, "hm") },
					"rename":  func(tx *db.Tx) error { return h.Rename(tx, tc.viewer, th.ID, "Ms Lin") },
				}
				for name, fn := range writes {
					if err := h.DB.Write(t.Context(), fn); !errors.Is(err, wantWrite) {
						t.Errorf("%s: %v, want %v", name, err, wantWrite)
					}
				}
				n := len(h.threads(tc.viewer, Filter{Box: BoxAll}))
				if (n == 1) != tc.sees {
					t.Errorf("inbox shows %d threads", n)
				}
			})
		}
	})
}
