package customer

import (
	"testing"
	"time"

	"dingdong/internal/db"
)

func TestTagsInUseAreCounted(t *testing.T) {
	eachShop(t, func(s *shop) {
		s.days("scent:light", 30)
		proof := Proof{Source: SourceStaff, At: opening, CounterID: s.counter}
		s.give(s.lin, "scent:light", proof)
		s.give(s.lin, "concern:sensitive", proof)
		s.give(s.wang, "concern:sensitive", proof)
		count := func(name string) (n int) {
			s.read(func(tx *db.Tx) error {
				counts, err := s.TagCounts(tx)
				s.check(err)
				tag, err := s.tag(tx, "name", name)
				n = counts[tag.ID]
				return err
			})
			return n
		}
		if a, b := count("scent:light"), count("concern:sensitive"); a != 1 || b != 2 {
			s.t.Errorf("%d and %d", a, b)
		}
		s.clock.Advance(31 * 24 * time.Hour)
		if n := count("scent:light"); n != 0 {
			s.t.Errorf("%d still have what has expired", n)
		}
	})
}
