package line_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/channel/line"
	"dingdong/internal/channel/line/linefake"
)

// world is an adapter, a platform and what the platform's webhooks became.
type world struct {
	*linefake.Platform
	ad   *line.Adapter
	acc  channel.Account
	hook string
	now  clock

	mu     sync.Mutex
	got    []channel.Inbound
	secret string // what the receiver believes
	refuse func() bool
}

// clock is a platform's time that a test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func newWorld(t testing.TB, o linefake.Options) *world {
	t.Helper()
	w := &world{now: clock{at: time.Date(2026, 9, 1, 10, 0, 0, 0, time.UTC)}}
	o.Now, o.AllowHTTP, o.Backoff = w.now.Now, true, time.Millisecond
	p, err := linefake.New(o)
	if err != nil {
		t.Fatal(err)
	}
	w.Platform = p
	api := httptest.NewServer(p)
	in := httptest.NewServer(http.HandlerFunc(w.receive))
	w.hook = in.URL + "/in/acc_1"
	p.SetWebhook(w.hook, true)
	made := p.Options()
	w.secret = made.Secret
	w.ad = line.New(&http.Client{Transport: line.NewTransport(), Timeout: 300 * time.Millisecond})
	w.acc = channel.Account{ID: "acc_1", Kind: channel.LINE, Secret: made.Secret, Token: made.Token, APIBase: api.URL, DataBase: api.URL}
	t.Cleanup(func() {
		p.Close()
		in.Close()
		api.Close()
	})
	return w
}

func (w *world) receive(rw http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.mu.Lock()
	defer w.mu.Unlock()
	in, err := w.ad.Receive(channel.Account{Secret: w.secret}, channel.Request{Header: r.Header, Body: body})
	if err != nil || w.refuse != nil && w.refuse() {
		rw.WriteHeader(http.StatusForbidden)
		return
	}
	w.got = append(w.got, in...)
}

// inbound waits for the webhooks so far and gives the last of them.
func (w *world) inbound(t *testing.T) channel.Inbound {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := w.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.got) == 0 {
		t.Fatal("no webhook came")
	}
	return w.got[len(w.got)-1]
}

func (w *world) friend() string {
	id := w.Person("", "Mei")
	w.Befriend(id)
	return id
}

func (w *world) push(to, text string, key int) (channel.Receipt, error) {
	return w.ad.Send(context.Background(), w.acc, channel.Outbound{To: to, RetryKey: fmt.Sprintf("123e4567-e89b-12d3-a456-%012d", key),
		Bodies: []channel.Body{{Type: channel.Text, Text: text}}})
}

func (w *world) reply(token, text string) (channel.Receipt, error) {
	return w.ad.Send(context.Background(), w.acc, channel.Outbound{ReplyToken: token, Bodies: []channel.Body{{Type: channel.Text, Text: text}}})
}

func errorOf(err error) channel.Error {
	var e *channel.Error
	if errors.As(err, &e) {
		return *e
	}
	return channel.Error{}
}

func TestOnceInSpiteOfFaults(t *testing.T) {
	w := newWorld(t, linefake.Options{})
	for key, c := range []struct {
		name     string
		fault    linefake.Fault
		kind     channel.ErrorKind
		unknown  bool
		repeated bool
	}{
		{"500 before", linefake.Fault{Status: 500}, channel.Retry, true, false},
		{"500 after", linefake.Fault{Status: 500, After: true}, channel.Retry, true, true},
		{"503 after", linefake.Fault{Status: 503, After: true}, channel.Retry, true, true},
		{"dropped before", linefake.Fault{Drop: true}, channel.Retry, true, false},
		{"dropped after", linefake.Fault{Drop: true, After: true}, channel.Retry, true, true},
		{"no answer before", linefake.Fault{Hang: true}, channel.Retry, true, false},
		{"no answer after", linefake.Fault{Hang: true, After: true}, channel.Retry, true, true},
		{"too fast", linefake.Fault{Status: 429, Message: "The API rate limit has been exceeded. Try again later.", RetryAfter: 3 * time.Second}, channel.Throttled, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			user := w.friend()
			w.FailNext(1, c.fault)
			_, err := w.push(user, c.name, key)
			if e := errorOf(err); e.Kind != c.kind || e.Unknown != c.unknown {
				t.Fatalf("first try: %v (%+v)", err, e)
			}
			second, err := w.push(user, c.name, key)
			if err != nil || second.Repeated != c.repeated || len(second.ExternalIDs) != 1 {
				t.Fatalf("second try: %+v %v", second, err)
			}
			third, err := w.push(user, c.name, key)
			if err != nil || !third.Repeated || third.ExternalIDs[0] != second.ExternalIDs[0] || third.QuoteTokens[0] != second.QuoteTokens[0] {
				t.Fatalf("third try: %+v %v", third, err)
			}
			sent := w.Sent(user)
			if len(sent) != 1 || sent[0].ID != second.ExternalIDs[0] || sent[0].Text != c.name {
				t.Fatalf("arrived: %+v", sent)
			}
		})
	}
	if odd := w.Oddities(); len(odd) > 0 {
		t.Error(odd)
	}
}

func TestRetryKeyLastsADay(t *testing.T) {
	w := newWorld(t, linefake.Options{})
	user := w.friend()
	w.push(user, "x", 1)
	w.now.advance(23 * time.Hour)
	if r, err := w.push(user, "x", 1); err != nil || !r.Repeated {
		t.Fatal(r, err)
	}
	w.now.advance(2 * time.Hour)
	if r, err := w.push(user, "x", 1); err != nil || r.Repeated {
		t.Fatal(r, err)
	}
}

func TestReplyToken(t *testing.T) {
	w := newWorld(t, linefake.Options{MonthlyLimit: 1})
	user := w.friend()
	w.Text(user, "hello")
	in := w.inbound(t)
	if _, err := w.reply(in.ReplyToken, "first"); err != nil {
		t.Fatal(err)
	}
	_, err := w.reply(in.ReplyToken, "again")
	if errorOf(err).Kind != channel.TokenSpent {
		t.Fatal(err)
	}
	w.Text(user, "hello?")
	late := w.inbound(t)
	w.now.advance(61 * time.Second)
	if _, err := w.reply(late.ReplyToken, "late"); errorOf(err).Kind != channel.TokenSpent {
		t.Fatal(err)
	}
	if sent := w.Sent(user); len(sent) != 1 || sent[0].ReplyToken != in.ReplyToken || sent[0].RetryKey != "" {
		t.Fatalf("%+v", sent)
	}
	// Replies are free: the one push of the month is still there.
	if q, err := w.ad.Quota(context.Background(), w.acc); err != nil || q != (channel.Quota{Limited: true, Limit: 1}) {
		t.Fatal(q, err)
	}
	if _, err := w.push(user, "push", 1); err != nil {
		t.Fatal(err)
	}
	if _, err := w.push(user, "push", 2); errorOf(err).Kind != channel.OverQuota {
		t.Fatal(err)
	}
	if r, err := w.push(user, "push", 1); err != nil || !r.Repeated {
		t.Fatal("a repeat is no new message", r, err)
	}
}

func TestReplyTokenOfARedelivery(t *testing.T) {
	w := newWorld(t, linefake.Options{})
	user := w.friend()
	refusals := 0
	w.refuse = func() bool { // runs under mu
		w.now.advance(2 * time.Minute)
		refusals++
		return refusals < 3
	}
	w.Text(user, "hello")
	in := w.inbound(t)
	if !in.Redelivery || refusals != 3 {
		t.Fatalf("%+v after %d", in, refusals)
	}
	w.now.advance(-2*time.Minute + 59*time.Second)
	if _, err := w.reply(in.ReplyToken, "in the second minute"); err != nil {
		t.Fatal(err)
	}
}

func TestThrottledByRate(t *testing.T) {
	w := newWorld(t, linefake.Options{PerSecond: 2})
	user := w.friend()
	for i := range 2 {
		if _, err := w.push(user, "x", i); err != nil {
			t.Fatal(err)
		}
	}
	_, err := w.push(user, "x", 3)
	if e := errorOf(err); e.Kind != channel.Throttled || e.RetryAfter != 2*time.Second || e.Unknown {
		t.Fatal(err)
	}
	w.now.advance(time.Second)
	if r, err := w.push(user, "x", 3); err != nil || r.Repeated {
		t.Fatal(r, err)
	}
}

func TestBlockedAndStrangers(t *testing.T) {
	w := newWorld(t, linefake.Options{MonthlyLimit: 10})
	user := w.Person("", "Mei")
	w.Follow(user)
	if in := w.inbound(t); in.Kind != channel.Follow || in.Unblocked {
		t.Fatalf("%+v", in)
	}
	if p, err := w.ad.Profile(context.Background(), w.acc, channel.Peer{Type: channel.Person, ID: user}); err != nil || p.Name != "Mei" {
		t.Fatal(p, err)
	}
	w.Block(user)
	if in := w.inbound(t); in.Kind != channel.Unfollow {
		t.Fatalf("%+v", in)
	}
	if _, err := w.push(user, "x", 1); err != nil {
		t.Fatal(err)
	}
	if len(w.Sent(user)) != 0 || w.Lost(user) != 1 {
		t.Fatal("a blocked account was heard")
	}
	if _, err := w.ad.Profile(context.Background(), w.acc, channel.Peer{Type: channel.Person, ID: user}); errorOf(err).Kind != channel.Unreachable {
		t.Fatal(err)
	}
	w.Unblock(user)
	if in := w.inbound(t); in.Kind != channel.Follow || !in.Unblocked {
		t.Fatalf("%+v", in)
	}
	stranger := w.Person("", "Passer-by")
	w.push(stranger, "unasked", 2)
	w.Text(stranger, "hello")
	w.push(stranger, "answer", 3)
	w.now.advance(8 * 24 * time.Hour)
	w.push(stranger, "too late", 4)
	if sent := w.Sent(stranger); len(sent) != 1 || sent[0].Text != "answer" || w.Lost(stranger) != 2 {
		t.Fatalf("%+v", sent)
	}
	if q, err := w.ad.Quota(context.Background(), w.acc); err != nil || q.Used != 1 {
		t.Fatal("what does not arrive does not count", q, err)
	}
	if _, err := w.push("U"+strings.Repeat("0", 32), "x", 5); errorOf(err).Kind != channel.Rejected {
		t.Fatal(err)
	}
}

func TestEverythingACustomerDoes(t *testing.T) {
	w := newWorld(t, linefake.Options{})
	user := w.friend()
	photo := linefake.File{Name: "lip.jpg", MIME: "image/jpeg", Bytes: []byte("jpeg bytes"), Duration: 1500 * time.Millisecond}
	said := w.Text(user, "您好\n💄")
	for _, c := range []struct {
		name string
		do   func() linefake.Posted
		kind channel.EventKind
		body channel.BodyType
	}{
		{"quote", func() linefake.Posted { return w.Quote(user, "that one", said.MessageID) }, channel.Message, channel.Text},
		{"sticker", func() linefake.Posted { return w.Sticker(user, "11537", "52002734") }, channel.Message, channel.Sticker},
		{"image", func() linefake.Posted { return w.Image(user, photo) }, channel.Message, channel.Image},
		{"video", func() linefake.Posted { return w.Video(user, photo) }, channel.Message, channel.Video},
		{"audio", func() linefake.Posted { return w.Audio(user, photo) }, channel.Message, channel.Audio},
		{"file", func() linefake.Posted { return w.File(user, photo) }, channel.Message, channel.File},
		{"location", func() linefake.Posted { return w.Location(user, linefake.Place{Title: "Store", Latitude: 25}) }, channel.Message, channel.Location},
		{"postback", func() linefake.Posted { return w.Postback(user, "hold=1", "Yes") }, channel.Postback, channel.Button},
		{"unsend", func() linefake.Posted { return w.Unsend(user, said.MessageID) }, channel.Unsend, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			posted := c.do()
			in := w.inbound(t)
			if in.EventID != posted.EventID || in.Kind != c.kind || in.Body.Type != c.body || in.Peer.ID != user || !in.At.Equal(w.now.Now()) {
				t.Fatalf("%+v", in)
			}
			if c.kind == channel.Message && (in.ExternalID != posted.MessageID || in.ReadToken == "" || in.ReplyToken == "") {
				t.Fatalf("%+v", in)
			}
			switch c.name {
			case "quote":
				if in.Body.QuoteID != said.MessageID || in.Body.QuoteToken == "" {
					t.Fatalf("%+v", in.Body)
				}
			case "file":
				if in.Body.Media.Name != "lip.jpg" || in.Body.Media.Size != 10 {
					t.Fatalf("%+v", in.Body.Media)
				}
			case "audio":
				if in.Body.Media.Duration != photo.Duration {
					t.Fatalf("%+v", in.Body.Media)
				}
			case "unsend":
				if in.ExternalID != said.MessageID {
					t.Fatalf("%+v", in)
				}
			}
		})
	}
}

func TestContent(t *testing.T) {
	w := newWorld(t, linefake.Options{})
	user := w.friend()
	film := w.Video(user, linefake.File{MIME: "video/mp4", Bytes: []byte("mp4 bytes")})
	w.NotReady(film.MessageID, 1)
	ctx := context.Background()
	if _, _, err := w.ad.Fetch(ctx, w.acc, film.MessageID, channel.Video); !errors.Is(err, channel.ErrNotReady) {
		t.Fatal(err)
	}
	r, media, err := w.ad.Fetch(ctx, w.acc, film.MessageID, channel.Video)
	if err != nil {
		t.Fatal(err)
	}
	got, _ := io.ReadAll(r)
	r.Close()
	if string(got) != "mp4 bytes" || media.MIME != "video/mp4" || media.Size != 9 {
		t.Fatal(string(got), media)
	}
	w.Unsend(user, film.MessageID)
	if _, _, err := w.ad.Fetch(ctx, w.acc, film.MessageID, channel.Video); !errors.Is(err, channel.ErrGone) {
		t.Fatal(err)
	}
}

func TestQuoteReadTyping(t *testing.T) {
	w := newWorld(t, linefake.Options{})
	user := w.friend()
	w.Text(user, "which one?")
	in := w.inbound(t)
	_, err := w.ad.Send(context.Background(), w.acc, channel.Outbound{ReplyToken: in.ReplyToken, Bodies: []channel.Body{{Type: channel.Text, Text: "this", QuoteID: in.Body.QuoteToken}}})
	if err != nil {
		t.Fatal(err)
	}
	if sent := w.Sent(user); sent[0].QuotedID != in.ExternalID {
		t.Fatalf("%+v", sent)
	}
	if err := w.ad.MarkRead(context.Background(), w.acc, in.ReadToken); err != nil {
		t.Error(err)
	}
	if err := w.ad.MarkRead(context.Background(), w.acc, "other"); errorOf(err).Kind != channel.Rejected {
		t.Error(err)
	}
	if err := w.ad.Typing(context.Background(), w.acc, user, 7*time.Second); err != nil {
		t.Error(err)
	}
	if err := w.ad.Typing(context.Background(), w.acc, testGroup, time.Second); errorOf(err).Kind != channel.Rejected || strings.Contains(err.Error(), testGroup) {
		t.Error(err)
	}
}

const testGroup = "Ca56f94637c0d1e2f3a4b5c6d7e8f9012"

func TestEveryBodyIsTaken(t *testing.T) {
	w := newWorld(t, linefake.Options{})
	user := w.friend()
	media := &channel.Media{URL: "http://127.0.0.1/m", Preview: "http://127.0.0.1/p", Name: "a.pdf", Duration: time.Second}
	_, err := w.ad.Send(context.Background(), w.acc, channel.Outbound{To: user, RetryKey: "123e4567-e89b-12d3-a456-426614174000", Bodies: []channel.Body{
		{Type: channel.Image, Media: media}, {Type: channel.Video, Media: media}, {Type: channel.Audio, Media: media}, {Type: channel.File, Media: media},
		{Type: channel.Location, Place: &channel.Place{Latitude: 25}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	var types []string
	for _, m := range w.Sent(user) {
		types = append(types, m.Type)
	}
	if got := strings.Join(types, " "); got != "image video audio text location" {
		t.Fatal(got)
	}
}

func TestCheckAgainstThePlatform(t *testing.T) {
	w := newWorld(t, linefake.Options{Name: "Counter", BasicID: "@counter", MonthlyLimit: 100})
	codes := func(acc channel.Account) string {
		found, info, err := w.ad.Check(context.Background(), acc, w.hook)
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, f := range found {
			all = append(all, f.Code)
		}
		if found[0].OK && info.BasicID != "@counter" {
			t.Errorf("%+v", info)
		}
		return strings.Join(all, " ")
	}
	if got := codes(w.acc); got != "token_ok bot_ok webhook_ok webhook_test_ok quota_ok" {
		t.Error(got)
	}
	w.SetQuota(100, 95)
	w.SetWebhook(w.hook+"/other", false)
	if got := codes(w.acc); got != "token_ok bot_ok webhook_other webhook_off webhook_test_ok quota_low" {
		t.Error(got)
	}
	bad := w.acc
	bad.Token = "other"
	if got := codes(bad); got != "token_refused" {
		t.Error(got)
	}
	w.mu.Lock()
	w.secret = "changed since" // the platform signs with the old one
	w.mu.Unlock()
	if got := codes(w.acc); got != "token_ok bot_ok webhook_other webhook_off webhook_test_failed quota_low" {
		t.Error(got)
	}
}

func BenchmarkSend(b *testing.B) {
	w := newWorld(b, linefake.Options{AutoFriend: true})
	b.ReportAllocs()
	b.SetParallelism(32)
	var count atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			n := int(count.Add(1))
			if _, err := w.push(fmt.Sprintf("U%032x", n%1000), "hello", n); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
