package insight

import (
	"fmt"
	"testing"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/event"
)

// BenchmarkReact compares what it costs to take a message in with what it costs to
// read it: every message of these says four things that its customer has said before.
func BenchmarkReact(b *testing.B) {
	const group, people = 64, 200
	clock := dbtest.NewClock(base)
	h := newHouse(b, dbtest.NewAt(b, clock), clock)
	for _, f := range must(Shipped()) {
		h.write(func(tx *db.Tx) error {
			v, err := h.SaveDraft(tx, h.mark, Draft{Language: f.Language(), YAML: f.YAML})
			if err != nil {
				return err
			}
			return h.Publish(tx, h.mark, v.ID)
		})
	}
	n := 0
	receive := func() {
		h.write(func(tx *db.Tx) error {
			for i := range group {
				_, err := h.Desk.Receive(tx, h.account, []channel.Inbound{{EventID: fmt.Sprint("e", n+i), ExternalID: fmt.Sprint("x", n+i), Kind: channel.Message,
					At: base.Add(time.Duration(n+i) * time.Millisecond), Peer: channel.Peer{Type: channel.Person, ID: fmt.Sprint("U", (n+i)%people)},
					ReplyToken: "r", Body: channel.Body{Type: channel.Text, Text: "請問 21 號還有嗎?我是敏感肌,想找淡一點的香水"}}})
				if err != nil {
					return err
				}
			}
			return nil
		})
		n += group
	}
	react := func() {
		h.write(func(tx *db.Tx) error {
			events, err := event.After(tx, h.seen, 10*group)
			for _, e := range events {
				h.seen = e.Seq
				check(b, h.React(tx, e))
			}
			return err
		})
	}
	for n < 2*people {
		receive()
	}
	react()
	var in, out time.Duration
	for b.Loop() {
		began := time.Now()
		receive()
		middle := time.Now()
		react()
		in, out = in+middle.Sub(began), out+time.Since(middle)
	}
	b.ReportMetric(float64(in.Microseconds())/float64(b.N*group), "µs/received")
	b.ReportMetric(float64(out.Microseconds())/float64(b.N*group), "µs/read")
	b.ReportMetric(float64(out)/float64(in), "read/received")
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
