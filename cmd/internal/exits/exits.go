// Package exits is the table of the errors that end a program: the exit code of each, and the
// section of docs/exit-codes.md that covers it.
//
// In go an error and the signal that came; out come a code, and a line that leads to the section.
// It never changes an error, and prints nothing.
package exits

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"shoal/cmd/internal/console"
	"shoal/docs"
	"shoal/internal/config"
	"shoal/internal/corpus"
	"shoal/internal/exchange"
	"shoal/internal/harvest"
	"shoal/internal/ledger"
	"shoal/internal/listing"
	"shoal/internal/pace"
	"shoal/internal/runs"
	"shoal/internal/store"
	"shoal/internal/worker"
)

// The exit codes, a contract with scripts and with Kubernetes.
const (
	ExitDrained    = 0  // drained, or the command did its work
	ExitUnexpected = 1  // an unforeseen error; a retry may help
	ExitUsage      = 2  // usage, configuration or an unsafe server setting
	ExitOverLimit  = 3  // drained with more dead, skipped, missing or rejected than allowed
	ExitRefused    = 4  // the upstream refuses us, a person is needed
	ExitPatience   = 5  // a dependency, the upstream or a backoff outlasted --patience
	ExitIncomplete = 6  // damaged corpus or failed completeness proof
	ExitFenced     = 13 // another worker owns the shard, or works on the run
	ExitSIGINT     = console.ExitSIGINT
	ExitSIGTERM    = console.ExitSIGTERM
)

// Kind is one kind of error that reaches a person.
type Kind struct {
	Name   string // of its section
	Code   int
	errors []error          // that it is, any of them
	is     func(error) bool // or that it is otherwise; may be nil
}

// Kinds is the table, in which the first kind that an error is of counts.
func Kinds() []Kind {
	return []Kind{
		{Name: "another-process", Code: ExitFenced, errors: []error{store.ErrFenced, worker.ErrFenced, store.ErrHeld, store.ErrBusy}},
		{Name: "contradiction", Code: ExitUsage, is: contradicts},
		{Name: "unsafe-store", Code: ExitUsage, errors: []error{store.ErrUnsafe}},
		{Name: "unsafe-redis", Code: ExitUsage, errors: []error{ledger.ErrUnsafe, pace.ErrUnsafeRedis}},
		{Name: "store-address", Code: ExitUsage, errors: []error{store.ErrSettings}},
		{Name: "store-version", Code: ExitUsage, errors: []error{store.ErrSchema}},
		{Name: "no-tables", Code: ExitUsage, errors: []error{store.ErrNoTables}},
		{Name: "no-run", Code: ExitUsage, errors: []error{store.ErrNoRun}},
		{Name: "no-bodies", Code: ExitUsage, errors: []error{store.ErrNoBodies}},
		{Name: "empty-listing", Code: ExitUsage, errors: []error{listing.ErrEmpty}},
		{Name: "usage", Code: ExitUsage, errors: []error{config.ErrUsage}},
		{Name: "over-limit", Code: ExitOverLimit, errors: []error{runs.ErrOverLimit}},
		{Name: "misfit", Code: ExitRefused, is: misfits},
		{Name: "listing", Code: ExitRefused, errors: []error{listing.ErrBroken}},
		{Name: "refused", Code: ExitRefused, errors: []error{worker.ErrRefused}},
		{Name: "store-away", Code: ExitPatience, errors: []error{store.ErrUnavailable}},
		{Name: "redis-away", Code: ExitPatience, errors: []error{ledger.ErrAway, pace.ErrAway}},
		{Name: "corpus-away", Code: ExitPatience, errors: []error{corpus.ErrAway}},
		{Name: "table-stalled", Code: ExitPatience, errors: []error{listing.ErrStalled}},
		{Name: "patience", Code: ExitPatience, errors: []error{worker.ErrPatience}},
		{Name: "damaged-corpus", Code: ExitIncomplete, errors: []error{corpus.ErrDamaged}},
		{Name: "incomplete", Code: ExitIncomplete, errors: []error{worker.ErrIncomplete}},
		{Name: "unexpected", Code: ExitUnexpected, is: func(error) bool { return true }},
	}
}

func contradicts(err error) bool {
	_, ok := errors.AsType[*harvest.Contradiction](err)
	return ok
}

// misfits reports whether a setting does not fit the upstream's answers.
func misfits(err error) bool {
	refused, ok := errors.AsType[*exchange.Refused](err)
	return ok && refused.Setting != ""
}

// Of returns the kind of an error.
func Of(err error) Kind {
	all := Kinds()
	return all[slices.IndexFunc(all, func(k Kind) bool { return k.holds(err) })]
}

func (k Kind) holds(err error) bool {
	return k.is != nil && k.is(err) || slices.ContainsFunc(k.errors, func(target error) bool { return errors.Is(err, target) })
}

// Code maps an error to an exit code. stopped is the code of the signal that came, if one did.
func Code(err error, stopped int) int {
	switch {
	case err == nil:
		return ExitDrained
	case stopped != 0 && (errors.Is(err, worker.ErrStopped) || errors.Is(err, context.Canceled)):
		return stopped
	}
	return Of(err).Code
}

// Hint is the line that leads from an error to its section; empty if there is no error, or a signal
// came. coordinator is how to call that program.
func Hint(err error, stopped int, coordinator string) string {
	if code := Code(err, stopped); code == ExitDrained || code == stopped {
		return ""
	}
	name := Of(err).Name
	return fmt.Sprintf("see: %s explain %s (docs/exit-codes.md#%s)\n", coordinator, name, name)
}

// Section is what docs/exit-codes.md has about a kind, without its heading.
func (k Kind) Section() string {
	_, after, _ := strings.Cut(docs.ExitCodes, "\n## "+k.Name+"\n")
	text, _, _ := strings.Cut(after, "\n## ")
	return strings.TrimSpace(text)
}

// Summary is the first sentence of the section, after its exit code.
func (k Kind) Summary() string {
	_, text, _ := strings.Cut(k.Section(), ". ")
	text, _, _ = strings.Cut(text, "\n")
	if first, _, more := strings.Cut(text, ". "); more {
		return first + "."
	}
	return text
}

// Find returns the kinds of a name or of an exit code; all for an empty topic.
func Find(topic string) (found []Kind) {
	for _, k := range Kinds() {
		if topic == "" || topic == k.Name || topic == strconv.Itoa(k.Code) {
			found = append(found, k)
		}
	}
	slices.SortStableFunc(found, func(a, b Kind) int { return a.Code - b.Code })
	return found
}
