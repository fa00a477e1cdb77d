package app

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// A house at rest keeps no more memory than it needs: the collector leaves garbage lying
// until twice as much has come, which at night is never.
const (
	restLook  = 5 * time.Second
	restCalm  = 2 << 20 // allocated between two looks by a house where nothing happens
	restWorth = 8 << 20 // allocated since the memory was given back: less is not worth a collection
)

// rest says when memory should be given back to the machine.
type rest struct{ seen, returned uint64 }

// due takes how many bytes were ever allocated. It is true once after each piece of work,
// when nothing happened since the last look.
func (r *rest) due(allocated uint64) bool {
	calm := allocated-r.seen < restCalm
	r.seen = allocated
	if !calm || allocated-r.returned < restWorth {
		return false
	}
	r.returned = allocated
	return true
}

// giveBack gives memory back whenever the house comes to rest.
func giveBack(ctx context.Context) {
	var r rest
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	tick := time.NewTicker(restLook)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if metrics.Read(sample); r.due(sample[0].Value.Uint64()) {
				runtime.GC() // twice: what lies in pools survives the first
				debug.FreeOSMemory()
			}
		}
	}
}
