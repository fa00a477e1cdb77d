package line

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"dingdong/internal/channel"
)

const (
	testSecret = "8c570fa6dd201bb328f1c1eac23a96d8"
	testUser   = "U4af4980629a1b2c3d4e5f60718293a4b"
	testGroup  = "Ca56f94637c0d1e2f3a4b5c6d7e8f9012"
)

func signatureFor(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func signedRequest(body []byte) channel.Request {
	return channel.Request{Header: http.Header{"X-Line-Signature": {signatureFor(testSecret, body)}}, Body: body}
}

func receive(t testing.TB, body string) []channel.Inbound {
	t.Helper()
	in, err := New(nil).Receive(channel.Account{Secret: testSecret}, signedRequest([]byte(body)))
	if err != nil {
		t.Fatalf("receive: %v", err)
	}
	return in
}

func receiveFile(t *testing.T, name string) []channel.Inbound {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return receive(t, string(body))
}

func events(list ...string) string {
	return `{"destination":"U8e742f61d673b39c7fff3cecb7536ef0","events":[` + strings.Join(list, ",") + `]}`
}

func textEvent(id, text string) string {
	return fmt.Sprintf(`{"type":"message","message":{"type":"text","id":"1","text":%s},"webhookEventId":"%s",`+
		`"deliveryContext":{"isRedelivery":false},"timestamp":1776914799524,"source":{"type":"user","userId":"%s"},"replyToken":"r","mode":"active"}`, text, id, testUser)
}

func TestSignature(t *testing.T) {
	// The vector that LINE documents, "Verify webhook signature".
	body := `{"destination":"U8e742f61d673b39c7fff3cecb7536ef0","events":[]}`
	const signature = "GhRKmvmHys4Pi8DxkF4+EayaH0OqtJtaZxgTD9fMDLs="
	for _, c := range []struct {
		name   string
		header http.Header
		secret string
		body   string
		want   error
	}{
		{"as net/http spells it", http.Header{"X-Line-Signature": {signature}}, testSecret, body, nil},
		{"lower case", http.Header{"x-line-signature": {signature}}, testSecret, body, nil},
		{"upper case", http.Header{"X-LINE-SIGNATURE": {signature}}, testSecret, body, nil},
		{"missing", http.Header{}, testSecret, body, channel.ErrSignature},
		{"empty", http.Header{"X-Line-Signature": {""}}, testSecret, body, channel.ErrSignature},
		{"other secret", http.Header{"X-Line-Signature": {signature}}, "other", body, channel.ErrSignature},
		{"no secret", http.Header{"X-Line-Signature": {signatureFor("", []byte(body))}}, "", body, channel.ErrSignature},
		{"body changed", http.Header{"X-Line-Signature": {signature}}, testSecret, body + " ", channel.ErrSignature},
		{"hex", http.Header{"X-Line-Signature": {"1a144a9af987ca"}}, testSecret, body, channel.ErrSignature},
		{"no padding", http.Header{"X-Line-Signature": {strings.TrimRight(signature, "=")}}, testSecret, body, channel.ErrSignature},
	} {
		t.Run(c.name, func(t *testing.T) {
			in, err := New(nil).Receive(channel.Account{Secret: c.secret}, channel.Request{Header: c.header, Body: []byte(c.body)})
			if !errors.Is(err, c.want) || len(in) != 0 {
				t.Fatalf("got %v, %v; want %v", in, err, c.want)
			}
		})
	}
}

func TestReceiveMalformed(t *testing.T) {
	for name, body := range map[string]string{
		"empty": "", "no json": "hello", "cut": `{"events":[{"type":"mess`, "array": "[]", "null": "null", "text": `"x"`,
		"events a text": `{"events":"x"}`, "events an object": `{"events":{}}`, "two values": `{"events":[]}{}`,
		"nested beyond sense": `{"events":[` + strings.Repeat("[", 200000) + strings.Repeat("]", 200000) + `]}`,
	} {
		t.Run(name, func(t *testing.T) {
			in, err := New(nil).Receive(channel.Account{Secret: testSecret}, signedRequest([]byte(body)))
			if !errors.Is(err, channel.ErrMalformed) || in != nil {
				t.Fatalf("got %v, %v", in, err)
			}
		})
	}
}

func TestReceiveKinds(t *testing.T) {
	person := channel.Peer{Type: channel.Person, ID: testUser}
	for _, c := range []struct {
		file string
		kind channel.EventKind
		peer channel.Peer
	}{
		{"text", channel.Message, person},
		{"message_edited", channel.Edit, channel.Peer{Type: channel.Group, ID: testGroup, Sender: testUser}},
		{"unsend", channel.Unsend, person},
		{"follow", channel.Follow, person},
		{"follow_unblocked", channel.Follow, person},
		{"unfollow", channel.Unfollow, person},
		{"postback", channel.Postback, person},
		{"join", channel.Notice, channel.Peer{Type: channel.Group, ID: testGroup}},
		{"leave", channel.Notice, channel.Peer{Type: channel.Group, ID: testGroup}},
		{"member_joined", channel.Notice, channel.Peer{Type: channel.Group, ID: testGroup}},
		{"member_left", channel.Notice, channel.Peer{Type: channel.Group, ID: testGroup}},
		{"video_play_complete", channel.Notice, person},
		{"beacon", channel.Notice, person},
		{"account_link", channel.Notice, person},
		{"account_link_failed", channel.Notice, channel.Peer{}},
		{"membership", channel.Notice, person},
		{"module", channel.Notice, channel.Peer{}},
		{"activated", channel.Notice, person},
		{"deactivated", channel.Notice, person},
		{"bot_suspended", channel.Notice, channel.Peer{}},
		{"bot_resumed", channel.Notice, channel.Peer{}},
		{"delivery", channel.Notice, person},
		{"new_event_type", channel.Unsupported, person},
		{"room", channel.Message, channel.Peer{Type: channel.Room, ID: "Ra8dbf4673c4a5b6c7d8e9f0a1b2c3d4e", Sender: testUser}},
		{"group_without_user", channel.Message, channel.Peer{Type: channel.Group, ID: testGroup}},
	} {
		t.Run(c.file, func(t *testing.T) {
			in := receiveFile(t, c.file)
			if len(in) != 1 {
				t.Fatalf("%d events", len(in))
			}
			got := in[0]
			if got.Kind != c.kind || got.Peer != c.peer {
				t.Errorf("kind %s, peer %+v", got.Kind, got.Peer)
			}
			if !strings.HasPrefix(got.EventID, "01KPW6071XGPXPAF4XCN9") || got.At.Year() != 2026 {
				t.Errorf("id %q, time %v", got.EventID, got.At)
			}
			keeps := c.kind == channel.Notice || c.kind == channel.Unsupported
			if keeps != (len(got.Raw) > 0) {
				t.Errorf("raw is %q", got.Raw)
			}
		})
	}
}

func TestReceiveBodies(t *testing.T) {
	for _, c := range []struct {
		file string
		want channel.Body
	}{
		{"text", channel.Body{Type: channel.Text, Text: "您好，請問這支口紅 #07 還有貨嗎？", QuoteToken: "q"}},
		{"text_emoji_mention", channel.Body{Type: channel.Text, Text: "@Bellis Hello (love) 💄", QuoteToken: "q"}},
		{"text_quote", channel.Body{Type: channel.Text, Text: "這個", QuoteToken: "q", QuoteID: "610830548529053001"}},
		{"image", channel.Body{Type: channel.Image, Media: &channel.Media{}, QuoteToken: "q"}},
		{"image_external", channel.Body{Type: channel.Image, Media: &channel.Media{External: "https://example.com/original.jpg"}, QuoteToken: "q"}},
		{"video", channel.Body{Type: channel.Video, Media: &channel.Media{Duration: time.Minute}, QuoteToken: "q"}},
		{"audio", channel.Body{Type: channel.Audio, Media: &channel.Media{Duration: 4200 * time.Millisecond}}},
		{"file", channel.Body{Type: channel.File, Media: &channel.Media{Name: "收據.pdf", Size: 2138}}},
		{"location", channel.Body{Type: channel.Location, Place: &channel.Place{Title: "百貨公司", Address: "台北市信義區松高路 1 號", Latitude: 25.0392, Longitude: 121.5654}}},
		{"location_bare", channel.Body{Type: channel.Location, Place: &channel.Place{Latitude: 25.0392, Longitude: 121.5654}}},
		{"sticker", channel.Body{Type: channel.Sticker, Stick: &channel.Stick{PackageID: "11537", StickerID: "52002738", Animated: true, Keywords: []string{"cony", "sally", "Staring"}}, QuoteToken: "q"}},
		{"sticker_message", channel.Body{Type: channel.Sticker, Text: "Let's\nhang out\nthis weekend!", Stick: &channel.Stick{PackageID: "12287", StickerID: "738839"}, QuoteToken: "q"}},
		{"message_new_type", channel.Body{Type: channel.Unknown, QuoteToken: "q"}},
		{"message_edited", channel.Body{Type: channel.Text, Text: "Edited message", QuoteToken: "q"}},
		{"postback", channel.Body{Type: channel.Button, Data: "hold=42&answer=yes"}},
		{"postback_datetime", channel.Body{Type: channel.Button, Data: "storeId=12345\ndatetime=2026-12-25T01:00"}},
		{"postback_rich_menu", channel.Body{Type: channel.Button, Data: "richmenu-changed-to-b\nnewRichMenuAliasId=richmenu-alias-b\nstatus=SUCCESS"}},
	} {
		t.Run(c.file, func(t *testing.T) {
			got := receiveFile(t, c.file)[0]
			if got.Kind == channel.Message && (got.ExternalID == "" || got.ReadToken == "" || got.ReplyToken == "") {
				t.Errorf("id %q, read token %q, reply token %q", got.ExternalID, got.ReadToken, got.ReplyToken)
			}
			if got.Body.QuoteToken != "" {
				got.Body.QuoteToken = "q"
			}
			if !reflect.DeepEqual(got.Body, c.want) {
				t.Errorf("got %+v (media %+v), want %+v", got.Body, got.Body.Media, c.want)
			}
		})
	}
}

func TestReceiveFlags(t *testing.T) {
	if in := receiveFile(t, "standby")[0]; !in.Standby || in.ReplyToken != "" || in.Kind != channel.Message {
		t.Errorf("standby: %+v", in)
	}
	if in := receiveFile(t, "redelivery")[0]; !in.Redelivery {
		t.Errorf("redelivery: %+v", in)
	}
	if in := receiveFile(t, "follow_unblocked")[0]; !in.Unblocked {
		t.Errorf("unblocked: %+v", in)
	}
	if in := receiveFile(t, "follow")[0]; in.Unblocked || in.Standby || in.Redelivery {
		t.Errorf("follow: %+v", in)
	}
	if in := receiveFile(t, "unsend")[0]; in.ExternalID != "610830548529053001" {
		t.Errorf("unsend: %+v", in)
	}
	if in := receiveFile(t, "verify"); len(in) != 0 {
		t.Errorf("verify: %+v", in)
	}
	if in := receiveFile(t, "text")[0]; in.At != time.UnixMilli(1776914800000).UTC() {
		t.Errorf("time %v", in.At)
	}
}

func TestReceiveKeepsTheOthers(t *testing.T) {
	in := receiveFile(t, "mixed")
	want := []channel.EventKind{channel.Message, channel.Unsupported, channel.Unsupported, channel.Message, channel.Follow, channel.Message}
	if len(in) != len(want) {
		t.Fatalf("%d events", len(in))
	}
	ids := map[string]bool{}
	for i, one := range in {
		if one.Kind != want[i] || one.EventID == "" || ids[one.EventID] || one.At.IsZero() || one.Peer.ID != testUser {
			t.Errorf("%d: %+v", i, one)
		}
		ids[one.EventID] = true
	}
	if in[0].Body.Text != "kept" || in[5].Body.Text != "last" || !strings.HasPrefix(in[3].EventID, "sha256-") {
		t.Errorf("%+v", in)
	}
}

func TestReceiveOddEvents(t *testing.T) {
	base := textEvent("01KPW6071XGPXPAF4XCN900001", `"x"`)
	for name, event := range map[string]string{
		"null": "null", "number": "7", "text": `"x"`, "array": "[]", "empty object": "{}", "bool": "true",
		"type a number":        strings.Replace(base, `"type":"message"`, `"type":5`, 1),
		"time a text":          strings.Replace(base, `1776914799524`, `"yesterday"`, 1),
		"time beyond sense":    strings.Replace(base, `1776914799524`, `1e400`, 1),
		"text an object":       textEvent("01KPW6071XGPXPAF4XCN900001", `{"a":1}`),
		"message null":         `{"type":"message","message":null,"source":{"type":"user","userId":"U1"}}`,
		"no source":            strings.Replace(base, `"source"`, `"sauce"`, 1),
		"source null":          `{"type":"message","message":{"type":"text","id":"1","text":"x"},"source":null}`,
		"source unknown":       strings.Replace(base, `"type":"user"`, `"type":"planet"`, 1),
		"source without id":    strings.Replace(base, `"userId"`, `"noId"`, 1),
		"unsend without id":    `{"type":"unsend","unsend":{},"source":{"type":"user","userId":"U1"}}`,
		"edit without message": `{"type":"messageEdited","source":{"type":"user","userId":"U1"}}`,
		"postback null":        `{"type":"postback","postback":null,"source":{"type":"user","userId":"U1"}}`,
		"deep":                 `{"type":"message","message":` + strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000) + `}`,
	} {
		t.Run(name, func(t *testing.T) {
			in := receive(t, events(event, textEvent("01KPW6071XGPXPAF4XCN900002", `"after"`)))
			if len(in) != 2 || in[1].Body.Text != "after" {
				t.Fatalf("%+v", in)
			}
			if in[0].Kind != channel.Unsupported || in[0].EventID == "" || string(in[0].Raw) != event {
				t.Fatalf("%+v", in[0])
			}
		})
	}
}

func TestReceiveTime(t *testing.T) {
	base := textEvent("01KPW6071XGPXPAF4XCN900001", `"x"`)
	ulid := time.UnixMilli(1776914799677).UTC() // what the ULID says
	for name, c := range map[string]struct {
		event string
		want  time.Time
	}{
		"given":        {base, time.UnixMilli(1776914799524).UTC()},
		"missing":      {strings.Replace(base, `"timestamp":1776914799524,`, "", 1), ulid},
		"null":         {strings.Replace(base, `1776914799524`, "null", 1), ulid},
		"negative":     {strings.Replace(base, `1776914799524`, "-5", 1), ulid},
		"far too late": {strings.Replace(base, `1776914799524`, "9223372036854775807", 1), ulid},
		"neither":      {strings.NewReplacer(`1776914799524`, "0", "01KPW6071XGPXPAF4XCN900001", "x").Replace(base), time.Time{}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := receive(t, events(c.event))[0]; !got.At.Equal(c.want) || got.Kind != channel.Message {
				t.Fatalf("got %v, want %v", got.At, c.want)
			}
		})
	}
}

func TestDerivedIDSurvivesRedelivery(t *testing.T) {
	first := `{"type":"follow","deliveryContext":{"isRedelivery":false},"source":{"type":"user","userId":"U1"},"timestamp":1776914799524}`
	again := strings.Replace(first, "false", "true", 1)
	other := strings.Replace(first, "524", "525", 1)
	in := receive(t, events(first, again, other))
	if in[0].EventID != in[1].EventID || in[0].EventID == in[2].EventID || !in[1].Redelivery {
		t.Fatalf("%q %q %q", in[0].EventID, in[1].EventID, in[2].EventID)
	}
	long := receive(t, events(textEvent(strings.Repeat("x", 500), `"x"`)))[0]
	if len(long.EventID) > 128 {
		t.Fatalf("an id of %d bytes", len(long.EventID))
	}
}

func TestReceiveHostileText(t *testing.T) {
	for name, c := range map[string]struct{ json, want string }{
		"NUL":             {`"a\u0000b"`, "ab"},
		"lone surrogate":  {`"a\ud83db"`, "a\ufffdb"},
		"broken UTF-8":    {"\"a\xff\xfeb\"", "a\ufffd\ufffdb"},
		"html":            {`"<script>alert(1)</script>"`, "<script>alert(1)</script>"},
		"5,000 of emoji":  {`"` + strings.Repeat("💄", 2500) + `"`, strings.Repeat("💄", 2500)},
		"5,000 emoji":     {`"` + strings.Repeat("👩‍❤️‍👩", 5000) + `"`, strings.Repeat("👩‍❤️‍👩", 5000)},
		"empty":           {`""`, ""},
		"null is no text": {`null`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := receive(t, events(textEvent("01KPW6071XGPXPAF4XCN900001", c.json)))[0]
			if got.Kind != channel.Message || got.Body.Text != c.want {
				t.Fatalf("%s %.80q", got.Kind, got.Body.Text)
			}
		})
	}
}

func TestReceiveThousandEvents(t *testing.T) {
	var list []string
	for i := range 1000 {
		list = append(list, textEvent(fmt.Sprintf("01KPW6071XGPXPAF4XCN9%05d", i), fmt.Sprintf(`"%d"`, i)))
	}
	list[500] = `{"type":"beacon","webhookEventId":"01KPW6071XGPXPAF4XCN999999","timestamp":1776914799524}`
	in := receive(t, events(list...))
	if len(in) != 1000 {
		t.Fatalf("%d events", len(in))
	}
	for i, one := range in {
		if i != 500 && one.Body.Text != fmt.Sprint(i) {
			t.Fatalf("%d: %+v", i, one)
		}
	}
	if in[500].Kind != channel.Notice {
		t.Fatalf("%+v", in[500])
	}
}

func TestReceiveAbsurdNumbers(t *testing.T) {
	media := func(m string) channel.Media {
		in := receive(t, events(`{"type":"message","message":`+m+`,"webhookEventId":"x","source":{"type":"user","userId":"U1"}}`))
		if in[0].Body.Media == nil {
			t.Fatalf("%+v", in[0])
		}
		return *in[0].Body.Media
	}
	for _, n := range []string{"1e300", "-1", "9223372036854775807"} {
		if got := media(`{"type":"audio","id":"1","duration":` + n + `}`); got.Duration != 0 {
			t.Errorf("duration %s is %v", n, got.Duration)
		}
		if got := media(`{"type":"file","id":"1","fileName":"a","fileSize":` + n + `}`); got.Size != 0 {
			t.Errorf("size %s is %v", n, got.Size)
		}
	}
	for name, want := range map[string]string{
		`../../etc/passwd`: "passwd", `C:\\x\\a.exe`: "a.exe", `a\u0000b.pdf`: "ab.pdf", `gpj.\u202eexe`: "gpj.exe", `a\nb.pdf`: "ab.pdf",
	} {
		if got := media(`{"type":"file","id":"1","fileName":"` + name + `"}`); got.Name != want {
			t.Errorf("%s became %q", name, got.Name)
		}
	}
}

func FuzzReceive(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		f.Fatal("no bodies to start from", err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	ad := New(nil)
	f.Fuzz(func(t *testing.T, body []byte) {
		in, err := ad.Receive(channel.Account{Secret: testSecret}, signedRequest(body))
		if err != nil && !errors.Is(err, channel.ErrMalformed) {
			t.Fatal(err)
		}
		for _, one := range in {
			if one.EventID == "" || one.Kind == "" || len(one.EventID) > 128 {
				t.Fatalf("%+v", one)
			}
			if one.At.After(time.UnixMilli(lastMilli)) || !one.At.IsZero() && one.At.Before(time.UnixMilli(0)) {
				t.Fatalf("time %v", one.At)
			}
			for _, s := range []string{one.EventID, one.Peer.ID, one.Peer.Sender, one.ExternalID, one.ReplyToken, one.Body.Text, one.Body.Data, string(one.Raw)} {
				if strings.Contains(s, "\x00") || !utf8.ValidString(s) {
					t.Fatalf("%q", s)
				}
			}
		}
	})
}

// FuzzScanner holds our scanner against encoding/json: what one takes the other
// takes, and a string reads the same.
func FuzzScanner(f *testing.F) {
	for _, s := range []string{`{"a":[1,-0.5e+3,true,false,null,"x\u00e9\n"],"b":{}}`, `[]`, ` 1 `, `"\ud83d\udc84"`, `01`, `1.`, `-`, `"\x"`, "\"\xff\"", `{"a" 1}`, `[1,]`, `nul`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := scanner{data: data}
		s.skip()
		if got, want := s.ended(), json.Valid(data); got != want {
			t.Fatalf("we say %v, encoding/json says %v: %q", got, want, data)
		}
		var ours, theirs string
		s = scanner{data: data}
		s.text(&ours)
		if err := json.Unmarshal(data, &theirs); err == nil && (s.mismatch || ours != clean(theirs)) {
			t.Fatalf("we read %q, encoding/json %q", ours, theirs)
		}
	})
}

func BenchmarkReceive(b *testing.B) {
	file, err := os.ReadFile("testdata/text.json")
	if err != nil {
		b.Fatal(err)
	}
	// LINE sends no white space between the properties.
	var compact bytes.Buffer
	if err := json.Compact(&compact, file); err != nil {
		b.Fatal(err)
	}
	body := compact.Bytes()
	ad, acc, r := New(nil), channel.Account{Secret: testSecret}, signedRequest(body)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if in, err := ad.Receive(acc, r); err != nil || len(in) != 1 {
			b.Fatal(in, err)
		}
	}
}
