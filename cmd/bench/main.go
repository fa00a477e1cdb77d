// Command bench measures what docs/performance.md promises, each figure beside
// a floor that was measured in the same run: the machine may be slow or busy,
// the ratio says how much of it the house uses.
//
//	make bench
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

type options struct {
	binary  string
	out     string
	only    string
	seconds time.Duration
	stored  int

	people    int
	purchases int
	importDB  string
}

// result is one line of the report.
type result struct {
	name, figure, against, verdict string
}

type run struct {
	ctx     context.Context
	o       options
	results []result
	// delivery is the processor time to deliver one message that is alone in its call.
	delivery time.Duration
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "floor" {
		if err := floorMain(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, "floor:", err)
			os.Exit(1)
		}
		return
	}
	var o options
	flag.StringVar(&o.binary, "binary", "bin/dingdong", "the program to measure")
	flag.StringVar(&o.out, "out", "", "file to write the report to; empty: only print it")
	flag.StringVar(&o.only, "only", "", "comma separated: inbound,latency,postgres,outbound,ding,idle,consent,pages,find,insight,import,retention")
	flag.DurationVar(&o.seconds, "time", 8*time.Second, "length of each measurement")
	flag.IntVar(&o.stored, "stored", 1_000_000, "messages stored for the large measurements")
	flag.IntVar(&o.people, "people", 1_000_000, "customers of the nightly retention run")
	flag.IntVar(&o.purchases, "purchases", 1_000_000, "purchases in the file of the import")
	flag.StringVar(&o.importDB, "import-db", "", "database of the import; empty: SQLite in a temporary folder")
	flag.Parse()
	debug.SetGCPercent(400) // the load shares the cores with what is measured
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	r := &run{ctx: ctx, o: o}
	for _, part := range []struct {
		name string
		do   func() error
	}{
		{"inbound", r.inbound}, {"latency", r.latency}, {"outbound", r.outbound}, {"ding", r.ding},
		{"idle", r.idle}, {"consent", r.consent}, {"postgres", r.postgres}, {"pages", r.large}, {"find", r.find}, {"insight", r.insight}, {"import", r.importing}, {"retention", r.retention},
	} {
		if o.only != "" && !slices.Contains(strings.Split(o.only, ","), part.name) {
			continue
		}
		fmt.Fprintf(os.Stderr, "-- %s\n", part.name)
		if err := part.do(); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", part.name, err)
			os.Exit(1)
		}
	}
	if err := r.report(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func (r *run) note(name, figure, against string, ok bool) {
	verdict := "reached"
	if !ok {
		verdict = "**missed**"
	}
	r.results = append(r.results, result{name, figure, against, verdict})
	fmt.Fprintf(os.Stderr, "   %-44s %-28s %-44s %s\n", name, figure, against, verdict)
}

func (r *run) report() error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Performance\n\nMade by `make bench` on %s, on a machine with %d cores (%s), %s, %s/%s. The load generator ran on the same cores.\n"+
		"Only ratios within one run are trustworthy; absolute figures move by a third between runs on a shared machine.\n\n",
		time.Now().Format("2006-01-02"), runtime.NumCPU(), cpuName(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	b.WriteString("| what | measured | asked for | |\n| --- | --- | --- | --- |\n")
	for _, x := range r.results {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", x.name, x.figure, x.against, x.verdict)
	}
	b.WriteString(howItIsMeasured)
	fmt.Print(b.String())
	if r.o.out == "" {
		return nil
	}
	return os.WriteFile(r.o.out, []byte(b.String()), 0o644)
}

func cpuName() string {
	raw, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(raw)) {
		if name, ok := strings.CutPrefix(line, "model name"); ok {
			return strings.TrimSpace(strings.TrimLeft(name, "\t :"))
		}
	}
	return "unknown"
}

const howItIsMeasured = `
## How

* **Floor**: a process with the same HTTP server that checks the signature, reads the JSON and commits one row an event through
  the same group commit (` + "`synchronous=FULL`" + `). Nothing else.
* **Inbound**: signed LINE webhooks with one text each, of 2,000 customers, over 64 connections from a second process, counted when
  200 came back, which is after the commit: identified, deduplicated, sealed, threaded, event appended. Ten sentences as people write
  them, in turn; two of them say something that a card keeps. In the last of the three lines every message says four such things.
* **With reactions and page**: the same, timed until the reactions' cursor and an advisor's open page have both reached the last event.
* **Latency**: 2,000 webhooks a second, sent on a clock whether or not the former were answered; from the planned moment to the answer.
* **Outbound**: messages queued beforehand to a fake LINE in another process with 20 ms latency, from the start of the server until the last one
  arrived; checked there: every one once, in the order of its thread.
* **Consent**: processor time of ` + "`Send`" + `, 64 messages a transaction, the kinds in turns, a campaign's handed over together, each to people who have heard
  nothing yet; the same message with nothing to ask is held against it. The mean of the middle half of thirty rounds. What delivery
  costs is the program's processor time in the measurement of one bubble a call, divided by the messages. A single unasked message is one
  by hand, by the API, or the notice of a handover.
* **Ding**: 200 open pages of 8 advisors, 200 webhooks a second; from the moment before the webhook is sent to the moment when a page
  has the event.
* **A message read**: 16 chats in eight languages, over and over, against the shipped lexicons; the floor is what one would write first, strings.Contains for each phrase. Processor
  time, so that a busy machine is not measured.
* **Import**: a file of receipts with one line each, two in five with a member number, through the reader, the checks, the look-ups and the store. The bare
  insert before it stores rows of the same shape with the same indexes in the same database, batches and transactions, and does nothing else. Meanwhile somebody else
  writes next to nothing ten times a second: how long that takes is how long a message may wait behind an import.
* **Memory**: resident, twelve seconds after the last thing happened; the program's own code is more than half of it.
* **Pages**: whole requests over loopback, with what is stored as the line says, when reactions have caught up.
* **What the host took** is the share of this machine's time that its host gave to others meanwhile (steal time). A page is measured up to
  twelve times, acknowledgement and outbound up to three, with ten seconds between, until that is under 1 %; the calmest is reported.
`
