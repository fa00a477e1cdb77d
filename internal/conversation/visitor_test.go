package conversation

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/jpeg"
	"sync"
	"testing"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/customer"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/staff"
)

// visitorOf makes somebody at a web chat of the first counter.
func (h *house) visitorOf(name string) Visitor {
	h.t.Helper()
	v := Visitor{ExternalID: "v_" + name, Name: name}
	h.write(func(tx *db.Tx) error {
		all, err := h.Accounts(tx)
		for _, a := range all {
			if a.Kind == channel.WebChat {
				v.Account = a
			}
		}
		if err == nil && v.Account.ID == "" {
			v.Account, err = h.SaveAccount(tx, staff.System(), AccountForm{Channel: channel.WebChat, Name: "Web", CounterID: h.counter})
		}
		return err
	})
	return v
}

func (h *house) visitorSays(v Visitor, key, text string) (m Message) {
	h.t.Helper()
	h.write(func(tx *db.Tx) (err error) {
		m, err = h.VisitorSays(tx, v, Saying{Key: key, Text: text})
		return err
	})
	return m
}

func TestAVisitorsKeyIsUsedOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		ana, bea := h.visitorOf("ana"), h.visitorOf("bea")
		var all sync.WaitGroup
		ids := make([]string, 20)
		for i := range ids {
			all.Go(func() {
				err := d.Write(context.Background(), func(tx *db.Tx) error {
					m, err := h.VisitorSays(tx, ana, Saying{Key: "k", Text: "once"})
					ids[i] = m.ID
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		for _, id := range ids {
			if id == "" || id != ids[0] {
				t.Fatalf("ids %v", ids)
			}
		}
		if m := h.visitorSays(bea, "k", "mine"); m.ID == ids[0] || m.Body.Text != "mine" {
			t.Errorf("another visitor's key gave %+v", m)
		}
		threads := h.threads(h.mei, Filter{Box: BoxAll})
		if len(threads) != 2 || threads[0].Unread != 1 {
			t.Errorf("threads: %+v", threads)
		}
	})
}

func TestVisitorSeenFollowsTheAdvisor(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		v := h.visitorOf("ana")
		one := h.visitorSays(v, "1", "one")
		seen := func() (c Cursor) {
			h.read(func(tx *db.Tx) error {
				talk, err := h.VisitorTalk(tx, v)
				if err != nil {
					return err
				}
				c, err = h.VisitorSeen(tx, talk)
				return err
			})
			return c
		}
		if one.Before(seen()) {
			t.Error("seen before anybody looked")
		}
		h.write(func(tx *db.Tx) error { return h.Seen(tx, h.mei, one.ThreadID) })
		two := h.visitorSays(v, "2", "two")
		if c := seen(); !one.Before(c) || two.Before(c) {
			t.Errorf("seen up to %+v, want between %v and %v", c, one.At, two.At)
		}
	})
}

func TestAVisitorsNameIsKeptOnceSheIsKnown(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		v := h.visitorOf("")
		v.ExternalID = "v_x"
		v.Name = "Ana"
		h.write(func(tx *db.Tx) error { return h.VisitorNamed(tx, v) })
		h.read(func(tx *db.Tx) error {
			if _, err := h.Book.Find(tx, v.Account.ID, v.ExternalID); !errors.Is(err, db.ErrNotFound) {
				t.Errorf("a name made a customer: %v", err)
			}
			return nil
		})
		h.visitorSays(v, "1", "hi")
		v.Name = "Ana Luz"
		h.write(func(tx *db.Tx) error { return h.VisitorNamed(tx, v) })
		if got := h.only(h.mei).Name; got != "Ana Luz" {
			t.Errorf("she is called %q", got)
		}
	})
}

func TestAVisitorsFile(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := newHouse(t, d)
		v := h.visitorOf("ana")
		ctx := context.Background()
		for name, bad := range map[string]string{"nothing": "", "svg": "<svg xmlns='http://www.w3.org/2000/svg'/>", "html": "<html>"} {
			_, err := h.ReceiveUpload(ctx, v, Handed{Key: name, From: bytes.NewReader([]byte(bad))})
			if !errors.As(err, new(db.Invalid)) {
				t.Errorf("%s: %v", name, err)
			}
		}
		h.read(func(tx *db.Tx) error {
			if _, err := h.Book.Find(tx, v.Account.ID, v.ExternalID); !errors.Is(err, db.ErrNotFound) {
				t.Errorf("a refused file made a customer: %v", err)
			}
			return nil
		})
		var picture bytes.Buffer
		check(t, jpeg.Encode(&picture, image.NewGray(image.Rect(0, 0, 30, 20)), nil))
		var all sync.WaitGroup
		ids := make([]string, 4)
		for i := range ids {
			all.Go(func() {
				m, err := h.ReceiveUpload(ctx, v, Handed{Key: "k", Name: "a.jpg", From: bytes.NewReader(picture.Bytes())})
				if err != nil {
					t.Error(err)
				}
				ids[i] = m.ID
			})
		}
		all.Wait()
		for _, id := range ids {
			if id != ids[0] {
				t.Fatalf("ids %v", ids)
			}
		}
		c, err := h.ContentFor(ctx, h.mei, ids[0], false)
		check(t, err)
		defer c.Close()
		if c.MIME != "image/jpeg" {
			t.Errorf("content %+v", c)
		}
		thread := h.only(h.mei)
		if thread.Unread != 1 || thread.Last.MediaState != MediaReady || thread.Reach != customer.ReachUnknown {
			t.Errorf("thread: %+v", thread)
		}
	})
}

func TestVisitorLinkOutlivesAMonth(t *testing.T) {
	h := newHouse(t, dbtest.New(t))
	m := Message{ID: "msg_x", At: base.AddDate(-1, 0, 0), Body: channel.Body{Media: &channel.Media{MIME: "image/png"}}}
	link := h.VisitorLink(m, true, base)
	if link != h.VisitorLink(m, true, base.Truncate(24*time.Hour)) {
		t.Error("the link changes within a day")
	}
	token := link[len("/m/") : len(link)-len(".jpg")]
	if payload, err := h.Vault.Verify(labelBlob, token, base.Add(visitorLinkTime)); err != nil || string(payload) != "msg_x/p" {
		t.Errorf("%q, %v", payload, err)
	}
}
