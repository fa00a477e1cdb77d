// Package channeltest holds an adapter against what the house relies on: every
// messenger's adapter runs it over bodies as its platform sends them.
package channeltest

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"dingdong/internal/channel"
)

// Channel is an adapter under test. Dir holds webhook bodies, *.json; Sign makes the
// request that the platform would make of a body.
type Channel struct {
	Adapter channel.Adapter
	Account channel.Account
	Dir     string
	Sign    func(channel.Account, []byte) channel.Request
}

// oversized is more than the house reads of a webhook; an adapter may still be
// handed it by a test or a tool.
const oversized = 4 << 20

// Run checks the inbound half of the contract. The outbound half needs a platform:
// each adapter's own tests have a fake one.
func Run(t *testing.T, c Channel) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(c.Dir, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no bodies in %s: %v", c.Dir, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) {
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			c.accepted(t, body)
			c.refused(t, body)
			c.changing(t, body)
		})
	}
	t.Run("empty body", c.emptyBody)
	t.Run("oversized body", c.oversizedBody)
	t.Run("limits", c.limits)
}

// accepted takes a body twice: nothing may depend on when or how often.
func (c Channel) accepted(t *testing.T, body []byte) {
	t.Helper()
	request := c.Sign(c.Account, bytes.Clone(body))
	first, err := c.Adapter.Receive(c.Account, request)
	if err != nil {
		t.Fatalf("a signed body was refused: %v", err)
	}
	if !bytes.Equal(request.Body, body) {
		t.Error("Receive changed the body")
	}
	again, err := c.Adapter.Receive(c.Account, c.Sign(c.Account, body))
	if err != nil || !reflect.DeepEqual(first, again) {
		t.Errorf("the same body came out otherwise the second time: %v", err)
	}
	ids := map[string]bool{}
	at := 0
	for i, in := range first {
		checkEvent(t, i, in)
		if ids[in.EventID] {
			t.Errorf("event %d has the id of another", i)
		}
		ids[in.EventID] = true
		// Ids that the platform gave show the order of the body.
		if here := bytes.Index(body, []byte(in.EventID)); here >= 0 {
			if here < at {
				t.Errorf("event %d comes before its turn", i)
			}
			at = here
		}
	}
	// Raw must be the adapter's own: the house reuses the buffer of the body.
	kept := make([]string, len(first))
	for i := range first {
		kept[i] = string(first[i].Raw)
	}
	for i := range request.Body {
		request.Body[i] = ' '
	}
	for i := range first {
		if string(first[i].Raw) != kept[i] {
			t.Errorf("event %d keeps a part of the request's own buffer", i)
		}
	}
}

func checkEvent(t *testing.T, i int, in channel.Inbound) {
	t.Helper()
	if in.EventID == "" || len(in.EventID) > 128 || in.At.IsZero() || in.Kind == "" {
		t.Errorf("event %d lacks an id, a time or a kind: %+v", i, in)
	}
	if _, offset := in.At.Zone(); offset != 0 {
		t.Errorf("event %d: its time is not UTC", i)
	}
	keeps := in.Kind == channel.Notice || in.Kind == channel.Unsupported
	if keeps != (len(in.Raw) > 0) {
		t.Errorf("event %d is a %s with %d raw bytes", i, in.Kind, len(in.Raw))
	}
	switch in.Kind {
	case channel.Message, channel.Postback, channel.Edit:
		if in.Peer.ID == "" || in.Peer.Type == "" || in.Body.Type == "" {
			t.Errorf("event %d is a %s of nobody or of nothing: %+v", i, in.Kind, in)
		}
	case channel.Follow, channel.Unfollow, channel.Unsend:
		if in.Peer.ID == "" {
			t.Errorf("event %d is a %s of nobody", i, in.Kind)
		}
	}
	if in.Kind == channel.Postback && in.Body.Data == "" {
		t.Errorf("event %d is a tap on nothing", i)
	}
	if len(in.Body.Choices) > 0 {
		t.Errorf("event %d offers us choices", i)
	}
	if (in.Kind == channel.Unsend || in.Kind == channel.Edit) && in.ExternalID == "" {
		t.Errorf("event %d is a %s of no message", i, in.Kind)
	}
	for _, s := range []string{in.EventID, in.Peer.ID, in.Peer.Name, in.ExternalID, in.Body.Text, in.Body.Data, string(in.Raw)} {
		if strings.ContainsRune(s, 0) || !utf8.ValidString(s) {
			t.Errorf("event %d holds text that no store takes: %q", i, s)
		}
	}
}

// refused tries what a stranger could send.
func (c Channel) refused(t *testing.T, body []byte) {
	t.Helper()
	other := c.Account
	other.Secret += "x"
	none := c.Account
	none.Secret = ""
	good := c.Sign(c.Account, body)
	changed := channel.Request{Header: good.Header, Query: good.Query, Body: bytes.Clone(body)}
	changed.Body[len(body)/2] ^= 1
	longer := channel.Request{Header: good.Header, Query: good.Query, Body: append(bytes.Clone(body), ' ')}
	for name, try := range map[string]struct {
		account channel.Account
		request channel.Request
	}{
		"unsigned":            {c.Account, channel.Request{Body: body}},
		"signed by another":   {c.Account, c.Sign(other, body)},
		"one bit changed":     {c.Account, changed},
		"one byte added":      {c.Account, longer},
		"account not set up":  {none, c.Sign(none, body)},
		"another's signature": {other, good},
	} {
		in, err := c.Adapter.Receive(try.account, try.request)
		if !errors.Is(err, channel.ErrSignature) || len(in) != 0 {
			t.Errorf("%s: %d events, %v", name, len(in), err)
		}
	}
}

// changing tries webhooks while an account's secret is changed.
func (c Channel) changing(t *testing.T, body []byte) {
	t.Helper()
	before, during, after := c.Account, c.Account, c.Account
	during.Secret += "x"
	during.OldSecret = before.Secret
	after.Secret = during.Secret
	for name, try := range map[string]struct {
		account  channel.Account
		by       channel.Account
		accepted bool
	}{
		"by the old one, in time":  {during, before, true},
		"by the new one, in time":  {during, after, true},
		"by the old one, too late": {after, before, false},
		"by the new one, later":    {after, after, true},
	} {
		in, err := c.Adapter.Receive(try.account, c.Sign(try.by, body))
		if (err == nil) != try.accepted || !try.accepted && (len(in) > 0 || !errors.Is(err, channel.ErrSignature)) {
			t.Errorf("signed %s: %d events, %v", name, len(in), err)
		}
	}
}

func (c Channel) emptyBody(t *testing.T) {
	for _, body := range [][]byte{nil, {}} {
		in, err := c.Adapter.Receive(c.Account, c.Sign(c.Account, body))
		if err == nil || len(in) != 0 {
			t.Errorf("%d events, %v", len(in), err)
		}
		if _, err := c.Adapter.Receive(c.Account, channel.Request{Body: body}); !errors.Is(err, channel.ErrSignature) {
			t.Errorf("unsigned: %v", err)
		}
	}
}

func (c Channel) oversizedBody(t *testing.T) {
	for name, body := range map[string][]byte{
		"one character": bytes.Repeat([]byte("x"), oversized),
		"open brackets": bytes.Repeat([]byte("["), oversized),
		"open objects":  bytes.Repeat([]byte(`{"a":`), oversized/5),
		"zeros":         make([]byte, oversized),
	} {
		in, err := c.Adapter.Receive(c.Account, c.Sign(c.Account, body))
		if !errors.Is(err, channel.ErrMalformed) || len(in) != 0 {
			t.Errorf("%s: %d events, %v", name, len(in), err)
		}
		forged := c.Sign(c.Account, body[:1])
		header := maps.Clone(forged.Header)
		if _, err := c.Adapter.Receive(c.Account, channel.Request{Header: header, Query: forged.Query, Body: body}); !errors.Is(err, channel.ErrSignature) {
			t.Errorf("%s, forged: %v", name, err)
		}
	}
}

func (c Channel) limits(t *testing.T) {
	l := c.Adapter.Limits()
	if l.Bubbles < 1 || l.TextUnits < 1 || l.ReplyLives < 0 {
		t.Errorf("%+v", l)
	}
}
