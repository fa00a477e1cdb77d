package conversation

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/channel/line/linefake"
	"dingdong/internal/consent"
	"dingdong/internal/db"
	"dingdong/internal/db/dbtest"
)

// TestNothingLeavesThatMayNot tells random stories of grants, withdrawals, words of hers
// and wishes of several automations, in several time zones, with a worker of many slots,
// and then looks at what left: each had its purpose, at a decent hour, within the budget.
// It knows the rules by heart, not from the planner.
func TestNothingLeavesThatMayNot(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			clock := dbtest.NewClock(monday)
			dbtest.EachAt(t, clock, func(t *testing.T, d *db.DB) { newStory(t, d, clock, seed).tell() })
		})
	}
}

type story struct {
	*talk
	r    *rand.Rand
	zone *time.Location
	said []turn // grants and withdrawals
	met  time.Time
}

// turn is a change of her mind.
type turn struct {
	at    time.Time
	state consent.State
}

func newStory(t *testing.T, d *db.DB, clock *dbtest.Clock, seed uint64) *story {
	r := rand.New(rand.NewPCG(seed, 7))
	name := []string{"Asia/Taipei", "America/New_York", "Asia/Riyadh", "Pacific/Auckland"}[seed%4]
	zone, err := time.LoadLocation(name)
	check(t, err)
	h := &talk{courierHouse: newCourierHouse(t, d, linefake.Options{}), clock: clock}
	h.write(func(tx *db.Tx) error {
		if _, err := tx.Exec(`UPDATE store SET timezone = $1`, name); err != nil {
			return err
		}
		return h.Consent().EnsureShipped(tx)
	})
	h.hears("hello")
	h.thread = h.only(h.mei)
	h.work()
	return &story{talk: h, r: r, zone: zone, met: clock.Now()}
}

func (s *story) tell() {
	for n := range 200 {
		s.clock.Advance(time.Second) // so that nothing leaves at the moment at which she changes her mind
		s.settle()
		switch s.r.IntN(10) {
		case 0:
			s.hears("word " + strconv.Itoa(n))
		case 1, 2:
			state := consent.Granted
			if s.r.IntN(5) == 0 {
				state = consent.Withdrawn
			}
			s.agrees(state)
			s.said = append(s.said, turn{s.clock.Now(), state})
		case 3, 4, 5, 6:
			f := Draft{Purpose: consent.Marketing, Kind: "kind " + strconv.Itoa(s.r.IntN(3)), Priority: s.r.IntN(10), AuthorID: "journey", Author: AuthorAutomation,
				Body: channel.Body{Type: channel.Text, Text: "wish " + strconv.Itoa(n)}}
			if s.r.IntN(3) == 0 {
				f.NotBefore = s.clock.Now().Add(time.Duration(s.r.IntN(72)) * time.Hour)
			}
			if s.r.IntN(3) == 0 {
				f.Expires = s.clock.Now().Add(time.Duration(1+s.r.IntN(240)) * time.Hour)
			}
			again := f
			again.Body.Text += " again"
			s.sends(slices.Concat([]Draft{f}, slices.Repeat([]Draft{again}, s.r.IntN(5)/4))...)
		}
		s.settle()
		s.clock.Advance(time.Duration(s.r.IntN(40*60)) * time.Minute)
		s.settle()
	}
	s.judge()
}

// settle waits until nothing is due any more.
func (s *story) settle() {
	s.t.Helper()
	eventually(s.t, 60*time.Second, func() bool {
		var due int
		s.read(func(tx *db.Tx) error {
			return tx.QueryRow(`SELECT (SELECT COUNT(*) FROM message WHERE status = 'queued') +
				(SELECT COUNT(*) FROM message WHERE status = 'planned' AND at <= $1)`, db.Micro(s.clock.Now())).Scan(&due)
		})
		return due == 0
	})
}

func (s *story) judge() {
	s.t.Helper()
	var went []time.Time
	refused := map[string]int{}
	planned := 0
	s.read(func(tx *db.Tx) error {
		rows, err := tx.Query(`SELECT ` + messageColumns + messageFrom + `WHERE m.author = 'automation' ORDER BY m.at`)
		all, err := collectRows(rows, err)
		for _, m := range all {
			switch m.Status {
			case StatusSent:
				went = append(went, m.At)
				if !m.Expires.IsZero() && m.At.After(m.Expires) {
					s.t.Errorf("at %s went what was stale since %s", m.At, m.Expires)
				}
			case StatusRefused:
				refused[m.Failure]++
			case StatusPlanned:
				planned++
			default:
				s.t.Errorf("a message is %s", m.Status)
			}
		}
		return err
	})
	s.t.Logf("%d went, %d are planned, refused: %v", len(went), planned, refused)
	for i, at := range went {
		if !s.agreedAt(at) {
			s.t.Errorf("at %s she had not agreed", at)
		}
		if hour := at.In(s.zone).Hour(); hour < 9 || hour >= 21 {
			s.t.Errorf("it is %s on her clock", at.In(s.zone))
		}
		if i > 0 && at.Sub(went[i-1]) < 20*time.Hour {
			s.t.Errorf("%s follows %s", at, went[i-1])
		}
		// The first week has three places, and counts for itself; later there are two in thirty days.
		days := func(t time.Time) int { return int(t.Sub(s.met) / (24 * time.Hour)) }
		if days(at) < 6 { // the border is a local day
			continue
		}
		within := 0
		for _, other := range went[:i+1] {
			if at.Sub(other) < 30*24*time.Hour && days(other) > 8 {
				within++
			}
		}
		if within > 2 {
			s.t.Errorf("at %s it is the %d. in thirty days", at, within)
		}
	}
	if sent := s.fake.Sent("U1"); len(sent) != len(went) {
		s.t.Errorf("her phone has %d messages, the house says %d", len(sent), len(went))
	}
}

func (s *story) agreedAt(at time.Time) bool {
	agreed := false
	for _, c := range s.said {
		if !c.at.After(at) {
			agreed = c.state == consent.Granted
		}
	}
	return agreed
}
