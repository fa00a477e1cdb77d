package db

import (
	"strings"
	"time"
)

// Stretch is a run of ids, which are ordered by the time they were made: what is
// old is found by its primary key, without an index by time.
type Stretch struct {
	After, Before string // ids; both are left out
	Limit         int
}

// IDTime is when an id was made, zero for what is no id of ours.
func IDTime(id string) time.Time {
	_, number, ok := strings.Cut(id, "_")
	if !ok || len(number) != idLength {
		return time.Time{}
	}
	// 26 signs of five bits are 130: the first two stand for nothing, the next 48 are milliseconds.
	var ms uint64
	for _, sign := range []byte(number[:10]) {
		at := strings.IndexByte(alphabet, sign)
		if at < 0 {
			return time.Time{}
		}
		ms = ms<<5 | uint64(at)
	}
	return time.UnixMilli(int64(ms)).UTC()
}
