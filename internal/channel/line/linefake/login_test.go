package linefake

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestIDTokens(t *testing.T) {
	now := time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	p, base := start(t, Options{Now: clock, LIFF: LIFF{ID: "2001-a", Channel: "2001"}})
	other, _ := start(t, Options{Now: clock, LIFF: LIFF{Channel: "2001"}})
	user := p.Person("", "Mei")
	token := p.IDToken(user)
	forged := strings.Split(token, ".")
	forged[1] = strings.Split(p.IDToken(p.Person("", "Eve")), ".")[1]
	verify := func(form url.Values) (int, string) {
		return ask(t, "POST", base+"/oauth2/v2.1/verify", "", form.Encode(), "Content-Type", "application/x-www-form-urlencoded")
	}
	for name, c := range map[string]struct {
		token, client, user string
		after               time.Duration
		status              int
		says                string
	}{
		"good":             {token, "2001", "", 0, 200, `"sub":"` + user + `"`},
		"hers":             {token, "2001", user, 0, 200, `"name":"Mei"`},
		"another person's": {token, "2001", "U2", 0, 400, "Subject"},
		"another channel":  {token, "2002", "", 0, 400, "Audience"},
		"no channel":       {token, "", "", 0, 400, "client_id"},
		"too old":          {token, "2001", "", time.Hour, 400, "expired"},
		"changed":          {strings.Join(forged, "."), "2001", "", 0, 400, "Invalid IdToken."},
		"another platform": {other.IDToken(other.Person("", "X")), "2001", "", 0, 400, "Invalid IdToken."},
		"none":             {"", "2001", "", 0, 400, "Invalid IdToken."},
		"nonsense":         {"a.b.c", "2001", "", 0, 400, "Invalid IdToken."},
	} {
		now = now.Add(c.after)
		status, body := verify(url.Values{"id_token": {c.token}, "client_id": {c.client}, "user_id": {c.user}})
		now = now.Add(-c.after)
		if status != c.status || !strings.Contains(body, c.says) {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	if p.IDToken("Unobody") != "" {
		t.Error("nobody has an id token")
	}
}

func TestPhoneScansCards(t *testing.T) {
	p, base := start(t, Options{LIFF: LIFF{ID: "2001-a", Page: "http://127.0.0.1:1/liff/acc_1"},
		Cards: func() []Card { return []Card{{"Mei", "https://liff.line.me/2001-a?card=ABC234"}} }})
	user := p.Person("", "Lin")
	if status, body := ask(t, "GET", base+"/phone/api/cards", "", ""); status != 200 || !strings.Contains(body, "card=ABC234") {
		t.Errorf("cards: %d %s", status, body)
	}
	if status, body := ask(t, "GET", base+"/phone/api/account", "", ""); status != 200 || !strings.Contains(body, `"liffPage":"http://127.0.0.1:1/liff/acc_1"`) {
		t.Errorf("account: %d %s", status, body)
	}
	_, body := ask(t, "POST", base+"/phone/api/people/"+user+"/token", "", "")
	var got struct{ Token string }
	if err := json.Unmarshal([]byte(body), &got); err != nil || got.Token == "" {
		t.Fatalf("token: %s", body)
	}
	if claims, wrong := p.readID(got.Token); wrong != "" || claims.Subject != user {
		t.Errorf("%+v %s", claims, wrong)
	}
	if status, _ := ask(t, "POST", base+"/phone/api/people/Unobody/token", "", ""); status != 404 {
		t.Errorf("a token for nobody: %d", status)
	}
	if status, body := ask(t, "GET", base+"/liff/sdk.js", "", ""); status != 200 || !strings.Contains(body, "window.liff") {
		t.Errorf("sdk: %d", status)
	}
	bare, where := start(t, Options{})
	_ = bare
	if _, body := ask(t, "GET", where+"/phone/api/cards", "", ""); strings.TrimSpace(body) != "[]" {
		t.Errorf("no cards: %s", body)
	}
}
