package web

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"dingdong/internal/conversation"
	"dingdong/internal/db"
	"dingdong/internal/staff"
)

func TestTapsOfAVisitor(t *testing.T) {
	c := newChatHouse(t)
	var second string
	c.write(func(tx *db.Tx) error {
		counter, err := staff.GetCounter(tx, c.Counter)
		if err != nil {
			return err
		}
		brand, err := staff.SaveBrand(tx, staff.System(), staff.BrandForm{Name: "Nocturne"})
		if err != nil {
			return err
		}
		made, err := staff.SaveCounter(tx, staff.System(), staff.CounterForm{StoreID: counter.StoreID, BrandID: brand.ID, Name: "Nocturne"})
		if err != nil {
			return err
		}
		second = made.ID
		c.account, err = c.Desk.SaveAccount(tx, staff.System(), conversation.AccountForm{ID: c.account.ID, Name: "Rosée", CounterID: c.Counter,
			Counters: &[]string{second}})
		return err
	})
	v := c.visits("")
	tap := func(data string) any { return chatTap{uuid.NewString(), data} }
	v.want(http.StatusUnprocessableEntity, nil, "POST", "/taps", tap(conversation.DataCounters)) // nothing was offered yet
	line := v.listens(v.Cursor)
	if m := v.says("換櫃"); m.Text != "換櫃" || m.From != "visitor" {
		t.Errorf("her command on her own page: %+v", m)
	}
	offer := line.next("message").message(t)
	for offer.From != "automation" {
		offer = line.next("message").message(t)
	}
	if len(offer.Choices) != 2 {
		t.Fatalf("she is offered %+v", offer)
	}
	for name, bad := range map[string]any{
		"not offered": tap("dd:counter:" + c.Counter + "x"), "none": tap(""), "too long": tap(strings.Repeat("x", 301)),
		"no key": chatTap{"", offer.Choices[1].Data}, "a NUL": tap("dd:\x00"),
	} {
		if r := v.do("POST", "/taps", bad); r.StatusCode < 400 || r.StatusCode >= 500 {
			t.Errorf("%s: %d", name, r.StatusCode)
		}
	}
	good := tap(offer.Choices[1].Data)
	var answer chatTapped
	v.want(http.StatusOK, &answer, "POST", "/taps", good)
	v.want(http.StatusOK, &answer, "POST", "/taps", good)
	if answer.Message != nil {
		t.Errorf("a command is a message: %+v", answer.Message)
	}
	if talk := v.thread(); talk.CounterID != second {
		t.Errorf("she speaks with %s", talk.CounterID)
	}
	v.says("hi")
	if got := v.history(); len(got) != 4 || got[3] != "visitor: hi" {
		t.Errorf("her chat is %q", got)
	}
}
