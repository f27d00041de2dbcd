// Hostile runs the real worker against hostile servers, in 512 MiB and on one core, and prints for each server the peak of
// the memory, the time, and how many innocent neighbours landed. It exits 1 where a bound is broken.
//
// Arguments are parts of cases' names, such as "HTTP/2" or "wiki"; without any, all cases run. -list prints the names.
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
	chatty := flag.Bool("v", false, "print what the programs print too")
	flag.Parse()
	if *list {
		for _, a := range attacks() {
			fmt.Println(a.name)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := prove(ctx, os.Stdout, *chatty, flag.Args())
	stop()
	os.Exit(code)
}

// attacks are the cases, in the order in which they run.
func attacks() []attack {
	return slices.Concat(bodies(), expressions(), connections(), overTLS(), storms(), silences(), wikis(), listings(), corpora(), inPostgres())
}

// prove runs the cases whose names contain one of the words, or all, and returns the exit code.
func prove(ctx context.Context, out io.Writer, chatty bool, words []string) int {
	var chosen []attack
	for _, a := range attacks() {
		if len(words) == 0 || slices.ContainsFunc(words, func(w string) bool { return strings.Contains(a.name, w) }) {
			chosen = append(chosen, a)
		}
	}
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
