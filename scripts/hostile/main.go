// Hostile runs the real worker against hostile servers, in 512 MiB and on one core, and prints for
// each server the peak of the memory, the time, and how many innocent neighbours landed. It exits 1
// where a bound is broken.
//
// Arguments are parts of cases' names, such as "HTTP/2" or "wiki". Without any, all cases run but
// those that take long and have a near relative that runs; -all runs these too. -list prints the
// names.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	limit      = 512 << 20
	neighbours = 60
	longest    = 5 * time.Minute // for one case that names no bound of its own
	maxOutput  = 4 << 20         // what a program may print in one case
)

func main() {
	list := flag.Bool("list", false, "print the names of the cases")
	all := flag.Bool("all", false, "run the cases too that take long and have a near relative")
	chatty := flag.Bool("v", false, "print what the programs print too")
	flag.Parse()
	if *list {
		for _, a := range attacks() {
			if onlyAll[a.name] {
				a.name += " (-all)"
			}
			fmt.Fprintln(os.Stdout, a.name)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := prove(ctx, os.Stdout, *chatty, choose(attacks(), *all, flag.Args()))
	stop()
	os.Exit(code)
}

// attacks are the cases, in the order in which they run.
func attacks() []attack {
	return slices.Concat(bodies(), expressions(), connections(), overTLS(), storms(), silences(), wikis(), listings(), corpora(), inPostgres())
}

// onlyAll are the cases that a run without arguments leaves out.
var onlyAll = map[string]bool{
	"40 bodies of 15 MB, unpacked":                         true,
	"jq: split by a pattern":                               true,
	"jq: numbers of 15 million digits":                     true,
	"jq: combinations":                                     true,
	"jq: list minus list":                                  true,
	"HTTP/2: 40 bodies of 1 GB, 1 MB packed":               true,
	"HTTP/2: millions of empty objects":                    true,
	"HTTP/2: a silent black hole for one URL":              true,
	"HTTP/2: no answer to some, PING answered":             true,
	"silence: 429, Retry-After: 1e18":                      true,
	"silence: 429, Retry-After: -99999999999":              true,
	"silence: 429, Retry-After in the year 9999":           true,
	"silence: 429, reset in the far future":                true,
	"wiki: half a million normalized titles":               true,
	"corpus: empty lines of 1.2 GB":                        true,
	"PostgreSQL: 40 bodies of 15 MB, 15 kB packed":         true,
	"PostgreSQL: wiki: millions of empty pages in 70 KiB":  true,
	"PostgreSQL: wiki: 8 MiB of text each":                 true,
	"PostgreSQL: listing: a page of a million wrong names": true,
}

// choose returns the cases whose names contain one of the words; without words those of a usual
// run, or all.
func choose(from []attack, all bool, words []string) []attack {
	var chosen []attack
	for _, a := range from {
		named := slices.ContainsFunc(words, func(w string) bool { return strings.Contains(a.name, w) })
		if named || len(words) == 0 && (all || !onlyAll[a.name]) {
			chosen = append(chosen, a)
		}
	}
	return chosen
}

// prove runs cases and returns the exit code.
func prove(ctx context.Context, out io.Writer, chatty bool, chosen []attack) int {
	if len(chosen) == 0 {
		fmt.Fprintln(os.Stderr, "hostile: no case has such a name; -list prints them")
		return 2
	}
	s, err := newStage(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, "hostile:", err)
		return 2
	}
	defer s.close()
	s.chatty = chatty
	if !s.enforced {
		fmt.Fprintln(out, "this user may make no memory cgroup: the peak is watched, and GOMEMLIMIT is nine tenths of the limit")
	}
	fmt.Fprintf(out, "%-44s %8s %8s %11s %s\n", "case", "peak MiB", "seconds", "neighbours", "exit, and the others")
	broken := 0
	for _, a := range chosen {
		if !s.run(ctx, out, a) {
			broken++
		}
		if ctx.Err() != nil {
			return 130
		}
	}
	if broken > 0 {
		fmt.Fprintf(out, "%d of %d cases broke a bound\n", broken, len(chosen))
		return 1
	}
	fmt.Fprintf(out, "%d cases, all within their bounds\n", len(chosen))
	return 0
}
