package web

import (
	"testing"
	"time"
)

func TestClock(t *testing.T) {
	l := shipped(t)
	taipei, err := time.LoadLocation("Asia/Taipei")
	if err != nil {
		t.Fatal(err)
	}
	en := Clock{Now: noon, Zone: taipei, Words: l.byTag["en"]}
	zh := Clock{Now: noon, Zone: taipei, Words: l.byTag["zh-TW"]}
	ago := func(d time.Duration) time.Time { return noon.Add(-d) }
	const day = 24 * time.Hour
	for name, c := range map[string]struct{ got, want string }{
		"time of day in the store":     {en.Time(noon), "14:31"},
		"stamp today":                  {en.Stamp(ago(29 * time.Minute)), "14:02"},
		"stamp before midnight there":  {zh.Stamp(ago(15 * time.Hour)), "昨天"},
		"stamp in the week":            {en.Stamp(ago(3 * day)), "Wednesday"},
		"stamp later":                  {en.Stamp(ago(20 * day)), "2 November"},
		"stamp last year":              {zh.Stamp(ago(365 * day)), "2024 年 11 月 22 日"},
		"stamp from a clock ahead":     {en.Stamp(ago(-2 * day)), "24 November"},
		"separator today":              {en.Day(noon), "Today, 22 November"},
		"separator today, Chinese":     {zh.Day(noon), "今天 11 月 22 日"},
		"separator yesterday, Chinese": {zh.Day(ago(day)), "昨天 11 月 21 日"},
		"separator later":              {en.Day(ago(40 * day)), "13 October"},
		"moment":                       {en.Moment(ago(day)), "yesterday, 14:31"},
		"moment, Chinese":              {zh.Moment(noon), "今天 14:31"},
		"moment later":                 {zh.Moment(ago(40 * day)), "10 月 13 日 14:31"},
		"ago now":                      {en.Ago(ago(time.Second)), "just now"},
		"ago":                          {zh.Ago(ago(3 * time.Minute)), "3 分前"},
		"ago long":                     {en.Ago(ago(2 * time.Hour)), "12:31"},
		"machine":                      {en.Machine(noon), "2025-11-22T06:31:00Z"},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", name, c.got, c.want)
		}
	}
	if !en.SameDay(noon, ago(14*time.Hour)) || en.SameDay(noon, ago(15*time.Hour)) {
		t.Error("the day does not change at midnight in the store")
	}
}

func TestWaiting(t *testing.T) {
	l := shipped(t)
	c := Clock{Now: noon, Zone: time.UTC, Words: l.byTag["zh-TW"]}
	for _, w := range []struct {
		since       time.Duration
		text, level string
	}{
		{10 * time.Second, "剛剛", "now"},
		{-10 * time.Second, "剛剛", "now"}, // the platform's clock is ahead
		{3 * time.Minute, "3 分", "fresh"},
		{6 * time.Minute, "6 分", "warm"},
		{15 * time.Minute, "15 分", "late"},
		{3 * time.Hour, "3 小時", "late"},
		{50 * time.Hour, "2 天", "late"},
	} {
		got := c.Waiting(noon.Add(-w.since))
		if got.Text != w.text || got.Level != w.level || got.Since != noon.Add(-w.since).Unix() {
			t.Errorf("%v: %+v, want %s %s", w.since, got, w.text, w.level)
		}
	}
	if got := c.Waiting(time.Time{}); got != (Wait{}) {
		t.Errorf("nobody waits: %+v", got)
	}
}

func TestDayOfSummerTime(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	c := Clock{Now: time.Date(2025, 3, 31, 0, 30, 0, 0, zone), Zone: zone, Words: shipped(t).byTag["en"]}
	if got := c.Stamp(time.Date(2025, 3, 30, 0, 30, 0, 0, zone)); got != "yesterday" {
		t.Errorf("across a day of 23 hours: %q", got)
	}
}
