package demo

import (
	"encoding/json"
	"fmt"
	"math"
	"time"

	"dingdong/internal/consent"
)

// What customers agreed to: some signed at the counter, some said yes in the chat,
// one in eight took it back, and one in four was never asked, as it is where a
// counter has just begun to ask.

// answers are the kinds of customers, in turn.
var answers = [][]consent.Entry{
	{yes(consent.Marketing, consent.HowChat), yes(consent.Profiling, consent.HowChat)},
	nil,
	{yes(consent.Marketing, consent.HowTablet), yes(consent.Profiling, consent.HowTablet), no(consent.Sharing, consent.HowTablet)},
	{yes(consent.Marketing, consent.HowStaff)},
	nil,
	{yes(consent.Marketing, consent.HowPage), no(consent.Marketing, consent.HowPage)},
	{yes(consent.Marketing, consent.HowPage), yes(consent.Profiling, consent.HowPage), yes(consent.TryOn, consent.HowPage)},
	{no(consent.Marketing, consent.HowStaff), yes(consent.Profiling, consent.HowStaff)},
}

func yes(purpose string, how consent.How) consent.Entry {
	return consent.Entry{Purpose: purpose, State: consent.Granted, How: how}
}

func no(purpose string, how consent.How) consent.Entry {
	return consent.Entry{Purpose: purpose, State: consent.Withdrawn, How: how}
}

// agree enters what everybody answered, some hours after her story began.
func (k *knowing) agree() error {
	room := k.desk.Consent()
	if err := room.EnsureShipped(k.tx); err != nil {
		return err
	}
	for i, key := range k.order {
		k.who = k.known[key]
		at := k.who.since.Add(20 * time.Minute)
		for _, e := range answers[i%len(answers)] {
			e.Customer, e.Language, e.At = k.who.customer, "zh-TW", at
			if at = at.Add(3 * time.Hour); e.At.After(k.now) {
				break
			}
			if e.How == consent.HowTablet || e.How == consent.HowStaff {
				v, err := k.viewer()
				if err != nil {
					return err
				}
				e.Staff = v.ID
			}
			if e.How == consent.HowTablet && e.State == consent.Granted {
				e.Evidence = scrawl(i)
			}
			if _, err := room.Record(k.tx, e); err != nil {
				return fmt.Errorf("consent of %q: %w", key, err)
			}
		}
	}
	return nil
}

// scrawl is a made-up signature: a wave and a stroke below it.
func scrawl(seed int) []byte {
	const width, height = 600, 200
	wave := [][2]int{}
	for x := 60; x <= 480; x += 6 {
		y := 95 + 38*math.Sin(float64(x)/float64(17+seed%9)) - float64(x)/20
		wave = append(wave, [2]int{x, int(y)})
	}
	raw, _ := json.Marshal(map[string]any{"width": width, "height": height, // numbers only: it cannot fail
		"strokes": [][][2]int{wave, {{90, 160}, {300, 150}, {500, 132}}}})
	return raw
}
