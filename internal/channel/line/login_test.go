package line_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/channel/line"
	"dingdong/internal/channel/line/linefake"
)

func TestVerifyAsksThePlatform(t *testing.T) {
	p, err := linefake.New(linefake.Options{LIFF: linefake.LIFF{ID: "2001-abcd", Channel: "2001"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	ad := line.New(server.Client())
	acc := channel.Account{APIBase: server.URL, LoginChannel: "2001"}
	user := p.Person("", "Mei")
	peer, err := ad.Verify(t.Context(), acc, p.IDToken(user))
	if err != nil || peer.ID != user || peer.Name != "Mei" || peer.Type != channel.Person {
		t.Errorf("got %+v, %v", peer, err)
	}
	other := acc
	other.LoginChannel = "2002"
	for name, c := range map[string]struct {
		acc   channel.Account
		token string
		kind  channel.ErrorKind
	}{
		"another channel": {other, p.IDToken(user), channel.Rejected},
		"no channel set":  {channel.Account{APIBase: server.URL}, p.IDToken(user), channel.Misconfigured},
		"forged":          {acc, p.IDToken(user) + "x", channel.Rejected},
		"none":            {acc, "", channel.Rejected},
		"with a newline":  {acc, "a\r\nb", channel.Rejected},
		"oversized":       {acc, strings.Repeat("a", 1<<20), channel.Rejected},
	} {
		_, err := ad.Verify(t.Context(), c.acc, c.token)
		var e *channel.Error
		if !errors.As(err, &e) || e.Kind != c.kind {
			t.Errorf("%s: got %v, want %s", name, err, c.kind)
		}
	}
}

// TestVerifyBelievesNothing: what answers at the platform's address may be wrong.
func TestVerifyBelievesNothing(t *testing.T) {
	const user = "U0123456789abcdef0123456789abcdef"
	now := time.Now()
	good := map[string]any{"iss": "https://access.line.me", "aud": "2001", "sub": user, "exp": now.Add(time.Hour).Unix()}
	with := func(key string, value any) map[string]any {
		out := map[string]any{}
		for k, v := range good {
			out[k] = v
		}
		out[key] = value
		return out
	}
	for name, c := range map[string]struct {
		status int
		body   any
		kind   channel.ErrorKind
	}{
		"good":           {200, good, ""},
		"other issuer":   {200, with("iss", "https://evil.example"), channel.Rejected},
		"other audience": {200, with("aud", "2002"), channel.Rejected},
		"too old":        {200, with("exp", now.Add(-time.Minute).Unix()), channel.Rejected},
		"no end":         {200, with("exp", 0), channel.Rejected},
		"odd subject":    {200, with("sub", "../../admin"), channel.Rejected},
		"a group's id":   {200, with("sub", "C"+user[1:]), channel.Rejected},
		"not JSON":       {200, nil, channel.Retry},
		"refused":        {400, map[string]string{"error": "invalid_request", "error_description": "IdToken expired."}, channel.Rejected},
		"ill":            {500, nil, channel.Retry},
		"busy":           {429, nil, channel.Throttled},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodPost || r.URL.Path != "/oauth2/v2.1/verify" || r.FormValue("client_id") != "2001" || r.FormValue("id_token") != "tok" ||
				r.Header.Get("Authorization") != "" {
				t.Errorf("%s: asked %s %s %v", name, r.Method, r.URL, r.Form)
			}
			w.WriteHeader(c.status)
			if c.body != nil {
				_ = json.NewEncoder(w).Encode(c.body)
			}
		}))
		peer, err := line.New(server.Client()).Verify(t.Context(), channel.Account{APIBase: server.URL, LoginChannel: "2001", Token: "secret-token"}, "tok")
		server.Close()
		var e *channel.Error
		errors.As(err, &e)
		switch {
		case c.kind == "" && (err != nil || peer.ID != user):
			t.Errorf("%s: got %+v, %v", name, peer, err)
		case c.kind != "" && (e == nil || e.Kind != c.kind):
			t.Errorf("%s: got %v, want %s", name, err, c.kind)
		case name == "refused" && !strings.Contains(e.Message, "IdToken expired."):
			t.Errorf("the reason is lost: %v", err)
		}
	}
}

func TestChoicesOnLINE(t *testing.T) {
	w := newWorld(t, linefake.Options{})
	user := w.Person("", "Lin")
	w.Befriend(user)
	ask := func(choices ...channel.Choice) channel.Body {
		return channel.Body{Type: channel.Text, Text: "Which?", Choices: choices}
	}
	key := 0
	send := func(bodies ...channel.Body) error {
		key++
		_, err := w.ad.Send(t.Context(), w.acc, channel.Outbound{To: user, Bodies: bodies, RetryKey: "123e4567-e89b-12d3-a456-42661417400" + string(rune('0'+key))})
		return err
	}
	yes, no := channel.Choice{Label: "好，我願意", Data: "dd:card:vis_1:yes"}, channel.Choice{Label: "No", Data: "dd:card:vis_1:no"}
	if err := send(ask(yes, no)); err != nil {
		t.Fatal(err)
	}
	last := func() linefake.Message { sent := w.Sent(user); return sent[len(sent)-1] }
	if got := last().Choices; len(got) != 2 || got[0].Label != yes.Label || got[0].Data != yes.Data || got[0].Shows != yes.Label {
		t.Errorf("her phone shows %+v", got)
	}
	// Several bubbles in a call: the last one carries what was offered.
	if err := send(ask(yes), channel.Body{Type: channel.Text, Text: "Take your time."}); err != nil {
		t.Fatal(err)
	}
	if got := last(); got.Text != "Take your time." || len(got.Choices) != 1 {
		t.Errorf("the last bubble is %+v", got)
	}
	posted := w.Tap(user, yes.Label)
	if posted.EventID == "" {
		t.Fatal("the button could not be tapped")
	}
	if in := w.inbound(t); in.Kind != channel.Postback || in.Body.Data != yes.Data || in.Peer.ID != user || in.EventID != posted.EventID {
		t.Errorf("the tap came as %+v", in)
	}
	if w.Tap(user, yes.Label).EventID != "" {
		t.Error("a button stays after the next message")
	}
	many := make([]channel.Choice, 14)
	for i := range many {
		many[i] = yes
	}
	for name, b := range map[string]channel.Body{
		"fourteen":        ask(many...),
		"no label":        ask(channel.Choice{Data: "x"}),
		"no data":         ask(channel.Choice{Label: "x"}),
		"label too long":  ask(channel.Choice{Label: strings.Repeat("字", 21), Data: "x"}),
		"emoji too long":  ask(channel.Choice{Label: strings.Repeat("💄", 11), Data: "x"}),
		"data too long":   ask(channel.Choice{Label: "x", Data: strings.Repeat("x", 301)}),
		"data with a NUL": ask(channel.Choice{Label: "x", Data: "a\x00b"}),
	} {
		var e *channel.Error
		if err := send(b); !errors.As(err, &e) || e.Kind != channel.Rejected {
			t.Errorf("%s: %v", name, err)
		}
	}
}
