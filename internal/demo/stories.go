package demo

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// The conversations stand in stories.txt, in the order in which they are read:
//
//	# name | account | advisor ("-": nobody has taken it)
//	@ 12m             the block's last line was said 12 minutes ago
//	@ -3d 14:05       or its first line three days ago, on the counter's clock
//	> text            the customer; \n is a line break
//	< text            the advisor
//	* text            the automation
//	> [sticker 謝謝]   [place title|address|lat|lng]  [swatch b0123b c98a86]
//	> [unsend text]   said and taken back          [block]  she blocked the account
//	! close           ! transfer advisor note
//
//go:embed stories.txt
var storyText string

// story is one customer's thread.
type story struct {
	name, account, advisor string
	lines                  []line
}

// line is something said or done. Its kind is a word of stories.txt, or "text".
type line struct {
	by   byte // one of > < * !
	kind string
	text string
	at   time.Time
}

// readStories gives every line its time, reckoned from now on a counter's clock.
func readStories(text string, now time.Time, zone *time.Location) ([]story, error) {
	var all []story
	var block []string
	when := ""
	chance := rand.New(rand.NewPCG(20, 25)) // the same gaps every time
	settle := func() error {
		if len(block) == 0 {
			return nil
		}
		lines, err := spread(block, when, clock{now, zone, chance})
		if err != nil {
			return fmt.Errorf("story of %q: %w", all[len(all)-1].name, err)
		}
		s := &all[len(all)-1]
		s.lines = append(s.lines, lines...)
		block = nil
		return nil
	}
	for n, row := range strings.Split(text, "\n") {
		switch {
		case strings.TrimSpace(row) == "" || strings.HasPrefix(row, "//"):
		case strings.HasPrefix(row, "# "):
			if err := settle(); err != nil {
				return nil, err
			}
			head := strings.Split(row[2:], "|")
			if len(head) != 3 {
				return nil, fmt.Errorf("line %d: a story begins with name, account and advisor", n+1)
			}
			all = append(all, story{name: strings.TrimSpace(head[0]), account: strings.TrimSpace(head[1]), advisor: strings.TrimSpace(head[2])})
		case strings.HasPrefix(row, "@ "):
			if err := settle(); err != nil {
				return nil, err
			}
			when = row[2:]
		case strings.ContainsRune("><*!", rune(row[0])) && len(all) > 0 && when != "":
			block = append(block, row)
		default:
			return nil, fmt.Errorf("line %d makes no sense: %q", n+1, row)
		}
	}
	return all, settle()
}

type clock struct {
	now    time.Time
	zone   *time.Location
	chance *rand.Rand
}

// spread puts natural gaps between the lines of a block: a thought is followed
// by the next in seconds, an answer takes minutes.
func spread(block []string, when string, c clock) ([]line, error) {
	out := make([]line, len(block))
	var passed time.Duration
	offsets := make([]time.Duration, len(block))
	for i, row := range block {
		out[i] = parseLine(row)
		if i > 0 {
			gap := time.Duration(12+c.chance.IntN(40)) * time.Second
			if out[i].by != out[i-1].by {
				gap = time.Duration(60+c.chance.IntN(240)) * time.Second
			}
			passed += gap
		}
		offsets[i] = passed
	}
	var first time.Time
	if days, clockTime, ok := strings.Cut(when, " "); ok && strings.HasPrefix(days, "-") {
		n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(days, "-"), "d"))
		if err != nil {
			return nil, fmt.Errorf("time %q: %w", when, err)
		}
		at, err := time.Parse("15:04", clockTime)
		if err != nil {
			return nil, fmt.Errorf("time %q: %w", when, err)
		}
		day := c.now.In(c.zone).AddDate(0, 0, -n)
		first = time.Date(day.Year(), day.Month(), day.Day(), at.Hour(), at.Minute(), c.chance.IntN(60), 0, c.zone)
	} else {
		ago, err := time.ParseDuration(when)
		if err != nil {
			return nil, fmt.Errorf("time %q: %w", when, err)
		}
		first = c.now.Add(-ago - passed)
	}
	for i := range out {
		out[i].at = first.Add(offsets[i]).UTC().Truncate(time.Millisecond)
		if out[i].at.After(c.now) { // just after midnight, yesterday's evening still goes on
			out[i].at = c.now
		}
	}
	return out, nil
}

func parseLine(row string) line {
	l := line{by: row[0], kind: "text", text: strings.ReplaceAll(strings.TrimSpace(row[1:]), `\n`, "\n")}
	if inside, ok := strings.CutPrefix(l.text, "["); ok && strings.HasSuffix(inside, "]") {
		l.kind, l.text, _ = strings.Cut(strings.TrimSuffix(inside, "]"), " ")
	}
	if l.by == '!' {
		l.kind, l.text, _ = strings.Cut(l.text, " ")
	}
	return l
}

// lineUser is the id that a story's customer has on LINE, the same in every
// demonstration: the stand-in knows her by it.
func lineUser(s story) string {
	sum := sha256.Sum256([]byte("dingdong demo " + s.account + " " + s.name))
	return "U" + hex.EncodeToString(sum[:16])
}

// visitorUser is the id of a story's visitor of the web chat.
func visitorUser(s story) string {
	sum := sha256.Sum256([]byte("dingdong demo " + s.account + " " + s.name))
	return "v_" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:]))[:26]
}
