package conversation

import (
	"fmt"
	"sync/atomic"
	"testing"

	"dingdong/internal/channel"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
)

// BenchmarkReceive is one text of one of 2,000 customers, committed.
func BenchmarkReceive(b *testing.B) {
	h := newHouse(b, dbtest.New(b))
	body := make([]channel.Inbound, 0, 2000)
	for n := range 2000 {
		body = append(body, says(fmt.Sprintf("U%032d", n), 0, "hello"))
	}
	h.receive(body...)
	var n atomic.Int64
	b.SetParallelism(32)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := int(n.Add(1))
			in := says(fmt.Sprintf("U%032d", i%2000), i, "請問 21 號還有嗎?我是敏感肌,想找淡一點的香水")
			if err := h.DB.Write(b.Context(), func(tx *db.Tx) error {
				_, err := h.Receive(tx, h.account, []channel.Inbound{in})
				return err
			}); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
