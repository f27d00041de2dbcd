package exits

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

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

// TestExitCodes compares the table with the contract, and the README with both.
func TestExitCodes(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		err  error
		want int
		kind string
	}{
		{nil, 0, ""},
		{errors.New("surprise"), 1, "unexpected"},
		{config.Usagef("no"), 2, "usage"},
		{&harvest.Contradiction{}, 2, "contradiction"},
		{store.ErrUnsafe, 2, "unsafe-store"},
		{store.ErrSettings, 2, "store-address"},
		{store.ErrSchema, 2, "store-version"},
		{store.ErrNoTables, 2, "no-tables"},
		{store.ErrNoRun, 2, "no-run"},
		{store.ErrNoBodies, 2, "no-bodies"},
		{listing.ErrEmpty, 2, "empty-listing"},
		{ledger.ErrUnsafe, 2, "unsafe-redis"},
		{pace.ErrUnsafeRedis, 2, "unsafe-redis"},
		{runs.ErrOverLimit, 3, "over-limit"},
		{worker.ErrRefused, 4, "refused"},
		{listing.ErrBroken, 4, "listing"},
		{fmt.Errorf("%w: %w", listing.ErrBroken, &exchange.Refused{Text: "http_403"}), 4, "listing"},
		{fmt.Errorf("%w: %w", listing.ErrBroken, &exchange.Refused{Setting: "--items"}), 4, "misfit"},
		{worker.ErrPatience, 5, "patience"},
		{store.ErrUnavailable, 5, "store-away"},
		{fmt.Errorf("%w: %w", worker.ErrPatience, store.ErrStoreFull), 5, "store-away"},
		{corpus.ErrAway, 5, "corpus-away"},
		{listing.ErrStalled, 5, "table-stalled"},
		{ledger.ErrAway, 5, "redis-away"},
		{fmt.Errorf("%w for Redis: %w", worker.ErrPatience, pace.ErrAway), 5, "redis-away"},
		{worker.ErrIncomplete, 6, "incomplete"},
		{corpus.ErrDamaged, 6, "damaged-corpus"},
		{store.ErrFenced, 13, "another-process"},
		{store.ErrHeld, 13, "another-process"},
		{store.ErrBusy, 13, "another-process"},
		{worker.ErrFenced, 13, "another-process"},
		{worker.ErrStopped, 143, ""},
		{context.Canceled, 143, ""},
	} {
		wrapped, hint := c.err, ""
		if c.err != nil {
			wrapped = fmt.Errorf("while working: %w", c.err)
		}
		if c.kind != "" {
			hint = fmt.Sprintf("see: bin/coordinator explain %s (docs/exit-codes.md#%s)\n", c.kind, c.kind)
		}
		if got := Code(wrapped, ExitSIGTERM); got != c.want {
			t.Errorf("Code(%v) = %d, want %d", c.err, got, c.want)
		}
		if got := Hint(wrapped, ExitSIGTERM, "bin/coordinator"); got != hint {
			t.Errorf("Hint(%v) = %q, want %q", c.err, got, hint)
		}
		for page, text := range map[string]string{"README.md": string(readme), "docs/exit-codes.md": docs.ExitCodes} {
			if !strings.Contains(text, fmt.Sprintf("| %d |", c.want)) && c.want != 143 {
				t.Errorf("%s has no row for exit code %d", page, c.want)
			}
		}
	}
}

// TestEveryKindHasItsSection checks that the anchor exists, and that the section has the exit code,
// what happened and what to do.
func TestEveryKindHasItsSection(t *testing.T) {
	t.Parallel()
	sections := map[string]bool{}
	for _, match := range regexp.MustCompile(`(?m)^## (.+)$`).FindAllStringSubmatch(docs.ExitCodes, -1) {
		sections[match[1]] = true
	}
	for _, k := range Kinds() {
		text := k.Section()
		if !sections[k.Name] || !strings.HasPrefix(text, fmt.Sprintf("Exit %d. ", k.Code)) || !strings.Contains(text, "\n- ") || len(k.Summary()) < 20 {
			t.Errorf("docs/exit-codes.md#%s = %q, want a section that begins with exit code %d, then has what happened and a list of what to do", k.Name, text, k.Code)
		}
		if !regexp.MustCompile(`^[a-z-]+$`).MatchString(k.Name) {
			t.Errorf("%q is not an anchor", k.Name)
		}
		delete(sections, k.Name)
	}
	if len(sections) > 0 {
		t.Errorf("docs/exit-codes.md has sections %v that no error leads to", sections)
	}
}

// TestFind checks that topics are names and exit codes.
func TestFind(t *testing.T) {
	t.Parallel()
	for topic, want := range map[string]int{"": len(Kinds()), "refused": 1, "4": 3, "5": 5, "13": 1, "nosuch": 0, "0": 0} {
		if got := Find(topic); len(got) != want {
			t.Errorf("Find(%q) = %d kinds, want %d", topic, len(got), want)
		}
	}
}

// inside are the sentinels that need no row: each is another one that has, or never ends a program.
var inside = map[string]string{
	"exchange.ErrRefused":  "is worker.ErrRefused",
	"exchange.ErrPatience": "is worker.ErrPatience",

	"harvest.ErrUsage":      "is config.ErrUsage",
	"harvest.ErrIncomplete": "is worker.ErrIncomplete",
	"harvest.ErrAnother":    "is a worker.ErrIncomplete",
	"harvest.ErrRefused":    "is worker.ErrRefused",
	"harvest.ErrFenced":     "is worker.ErrFenced",
	"worker.ErrAnother":     "is a worker.ErrIncomplete",
	"worker.ErrDoubt":       "is a worker.ErrIncomplete",
	"store.ErrStoreFull":    "is a store.ErrUnavailable",
	"store.ErrStep":         "is a store.ErrBusy",
	"faults.ErrNotBegun":    "is a store.ErrBusy",
	"faults.ErrNotNext":     "is a store.ErrBusy",
	"faults.ErrGrown":       "is a store.ErrBusy",
	"faults.ErrLed":         "is a store.ErrBusy",
	"ledger.ErrFull":        "comes with ledger.ErrAway",

	"corpus.ErrEmpty":       "is made a usage error by corpus.Mistake",
	"corpus.ErrAllRejected": "is made a usage error by corpus.Mistake, or comes with runs.ErrOverLimit",
	"corpus.ErrIDs":         "is made a usage error by corpus.Mistake",
	"harvest.ErrURL":        "is the reason of a rejected line, or made a usage error",
	"harvest.ErrListing":    "is made a usage error",
	"upstream.ErrListing":   "is made a usage error",
	"mediawiki.ErrAPI":      "is made a usage error",
	"plain.ErrExpression":   "is made a usage error",
	"plain.ErrConfig":       "is made a usage error",
	"plain.ErrMethod":       "is made a usage error",
	"runs.ErrNone":          "is made a usage error",
	"dataset.ErrExists":     "is made a usage error",
	"dataset.ErrTarget":     "is made a usage error",
	"dataset.ErrColumns":    "is made a usage error",

	"listing.ErrCursor":       "restarts a chain, or comes with listing.ErrBroken",
	"listing.ErrEnded":        "ends a chain",
	"listing.ErrParked":       "holds a chain back",
	"listing.ErrLimit":        "ends a walk as asked for",
	"harvest.ErrTaken":        "has a chain read again",
	"harvest.ErrLate":         "has a request made again",
	"harvest.ErrMemory":       "ends an item",
	"plain.ErrStuck":          "ends an item, or comes with listing.ErrBroken",
	"plain.ErrNoProcess":      "has an expression run again",
	"text.ErrTooLong":         "ends an item",
	"aside.ErrTime":           "is made a plain.ErrStuck",
	"aside.ErrDied":           "is made a plain.ErrStuck",
	"aside.ErrUnavailable":    "is made a plain.ErrNoProcess",
	"fetch.ErrAddressRefused": "comes with worker.ErrRefused",
	"fetch.ErrClosed":         "comes when the program ends anyway",
	"pace.ErrClosed":          "comes when the program ends anyway",
	"pace.ErrUnreachable":     "is waited for",
	"leasing.ErrReleased":     "comes when the program ends anyway",
	"worker.ErrStopped":       "has the exit code of its signal",
	"worker.ErrNoShardLeft":   "is an end in good order",
	"store.ErrNoShardLeft":    "is an end in good order",
	"harvest.ErrNoShardLeft":  "is an end in good order",
	"dashboard.ErrUnknown":    "is a page that is not found",
}

// TestEverySentinelHasAKind reads the sentinels from the source, because Go cannot list them.
func TestEverySentinelHasAKind(t *testing.T) {
	t.Parallel()
	table, err := os.ReadFile("exits.go")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	line := regexp.MustCompile(`(?m)^(?:var |\t)(Err[A-Z]\w*)\s*(?:error)?\s*=`)
	err = filepath.WalkDir("../../../internal", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, match := range line.FindAllSubmatch(source, -1) {
			found++
			name := filepath.Base(filepath.Dir(path)) + "." + string(match[1])
			if inside[name] == "" && !regexp.MustCompile(`\b`+regexp.QuoteMeta(name)+`\b`).Match(table) {
				t.Errorf("%s is in no row of Kinds: give it one, with its section in docs/exit-codes.md, or a reason here", name)
			}
		}
		return nil
	})
	if err != nil || found < len(inside) {
		t.Errorf("found %d sentinels, %v, want at least the %d that are named here", found, err, len(inside))
	}
}
