package doctor

import (
	"context"
	"slices"
	"strings"
	"time"

	"shoal/internal/harvest"
)

// Verdict is what one look came to. Scripts rely on the words.
type Verdict string

// The verdicts.
const (
	OK         Verdict = "ok"
	Warning    Verdict = "warning"     // a worker runs, and a person should know
	Fault      Verdict = "fault"       // a worker would leave
	NotChecked Verdict = "not checked" // Found has the reason
)

// Finding is the result of one look.
type Finding struct {
	Verdict Verdict
	Found   string // what is there, in a sentence without credentials
	Change  string // what to do about a warning or a fault; empty: the advice of the row
	Err     error  // what a worker would meet; only its exit code is used

	after string // the row that has to be in order first
}

// Row is one check.
type Row struct {
	Name   string        // stable, such as redis.policy
	About  string        // what is looked at, for people
	Needs  []string      // the rows that have to succeed first; one that is not there is no obstacle
	Limit  time.Duration // how long it may take; 0: [Limit]
	Change string        // what to do where the finding has no advice of its own
	Look   func(ctx context.Context) Finding
}

// Limit is how long a look takes at most, unless its row has another limit.
const Limit = 5 * time.Second

// Group is the rows about one service. Groups are looked at independently, the rows of one in their
// order.
type Group struct {
	Name string // stable, such as redis
	At   string // which one, for people, without credentials
	Rows []Row
}

func fine(format string, args ...any) Finding {
	return Finding{Verdict: OK, Found: harvest.Linef(format, args...)}
}

func unknown(format string, args ...any) Finding {
	return Finding{Verdict: NotChecked, Found: harvest.Linef(format, args...)}
}

func warn(change, format string, args ...any) Finding {
	return Finding{Verdict: Warning, Found: harvest.Linef(format, args...), Change: change}
}

// wrong is a fault that a worker meets as err.
func wrong(err error) Finding {
	return Finding{Verdict: Fault, Found: once(harvest.ErrorText(err)), Err: err}
}

// wrongly is a fault in words of our own.
func wrongly(err error, change, format string, args ...any) Finding {
	return Finding{Verdict: Fault, Found: harvest.Linef(format, args...), Change: change, Err: err}
}

// orFine is a fault if there is an error.
func orFine(err error, format string, args ...any) Finding {
	if err != nil {
		return wrong(err)
	}
	return fine(format, args...)
}

// with returns the names and more of them.
func with(names []string, more ...string) []string { return slices.Concat(names, more) }

// because is why a row was not looked at, given the line of one that it needs: what is not in order
// comes before what waits for it.
func because(need Line) Finding {
	if need.after != "" {
		return Finding{Verdict: NotChecked, Found: need.Found, after: need.after}
	}
	f := unknown("%s (%s) has to be in order first", need.About, need.Check)
	f.after = need.Check
	return f
}

// expired is the finding of a look that did not end in time.
func expired(ctx context.Context, limit time.Duration) Finding {
	if ctx.Err() != nil {
		return unknown("it was interrupted")
	}
	return unknown("no answer within %s", limit)
}

// once drops what a driver repeats for each way that it has tried.
func once(text string) string {
	var parts []string
	for part := range strings.SplitSeq(text, "; ") {
		if part = strings.TrimSpace(part); part != "" && !slices.ContainsFunc(parts, func(p string) bool { return strings.HasSuffix(p, part) }) {
			parts = append(parts, part)
		}
	}
	return strings.ReplaceAll(strings.Join(parts, "; "), ":; ", ": ")
}

// brief has about two digits.
func brief(d time.Duration) string {
	for _, unit := range []time.Duration{time.Second, time.Millisecond, time.Microsecond} {
		switch {
		case d >= 10*unit:
			return d.Round(unit).String()
		case d >= unit:
			return d.Round(unit / 10).String()
		}
	}
	return "1µs"
}
