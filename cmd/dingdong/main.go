// Command dingdong is the second counter of a department store.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	_ "time/tzdata" // for machines without time zone files

	"dingdong/internal/app"
)

// garbage is how much may lie about, in hundredths of what is in use, before it is collected.
// A house uses little: ten megabytes more while it works spare every page a seventh of its
// processor time, and they go back to the machine when it rests.
const garbage = 200

func main() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbage)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(app.Main(ctx, os.Args[1:], app.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr}))
}
