package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// calm measures up to a number of times, with pauses, until the host of this machine took
// next to nothing of it from us, and keeps the calmest: what somebody else's machine does
// beside ours is not what is asked about. It says how much was taken all the same.
func calm[T any](times int, measure func() (T, error)) (best T, stolen string, err error) {
	least := 2.0
	for n := range times {
		if n > 0 {
			time.Sleep(10 * time.Second)
		}
		before := ticks()
		figure, err := measure()
		if err != nil {
			return figure, "", err
		}
		if share := ticks().since(before); share < least {
			best, least = figure, share
		}
		if least < 0.01 {
			break
		}
	}
	return best, fmt.Sprintf("the host took %.0f %%", 100*least), nil
}

// spent is the machine's time so far: all of it, and what its host gave to others while
// we had something to do.
type spent struct{ all, stolen float64 }

// ticks reads it from Linux; elsewhere nothing is known to be stolen.
func ticks() (s spent) {
	raw, err := os.ReadFile("/proc/stat")
	if err != nil {
		return s
	}
	line, _, _ := strings.Cut(string(raw), "\n")
	for i, field := range strings.Fields(line) {
		var n float64
		if i == 0 || i > 8 { // the name; what guests had is counted already
			continue
		}
		fmt.Sscan(field, &n)
		s.all += n
		if i == 8 {
			s.stolen = n
		}
	}
	return s
}

func (s spent) since(before spent) float64 {
	if s.all == before.all {
		return 0
	}
	return (s.stolen - before.stolen) / (s.all - before.all)
}

// cpu is what this process has used of the processors so far.
func cpu() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
