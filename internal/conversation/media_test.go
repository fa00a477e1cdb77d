package conversation

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"dingdong/internal/channel"
	"dingdong/internal/channel/line/linefake"
	"dingdong/internal/db/dbtest"
	"dingdong/internal/job"
)

// A platform that is ill for longer than a job has attempts must not cost a
// customer's picture: asking again is then no failure of the job.
func TestPictureOutlivesALongOutage(t *testing.T) {
	clock := dbtest.NewClock(time.Now())
	c := newCourierHouse(t, dbtest.NewAt(t, clock), linefake.Options{})
	in := says(userMei, 1, "")
	in.Body = channel.Body{Type: channel.Image}
	c.receive(in)
	args, err := json.Marshal(fetchArgs{Message: c.only(c.mei).LastMessageID})
	check(t, err)
	c.server.Close() // from now on nobody answers
	for _, tc := range []struct {
		age  time.Duration
		asks bool
	}{{0, true}, {3 * time.Hour, true}, {giveUpAfter + time.Hour, false}} {
		clock.Advance(tc.age)
		_, err := c.FetchMedia(t.Context(), job.Job{Kind: JobFetch, Args: args, Attempt: 1})
		if err == nil {
			t.Fatal("no error")
		}
		if asks := strings.HasPrefix(err.Error(), "not before"); asks != tc.asks {
			t.Errorf("after %s: %v", tc.age, err)
		}
	}
}
