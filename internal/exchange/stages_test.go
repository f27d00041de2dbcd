package exchange

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"shoal/internal/harvest"
)

// TestStuck checks that a stage that nothing leaves for twice its limit is named; one that others
// leave is not, nor one that waits for the store.
func TestStuck(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		counters := NewCounters()
		counters.Limit(harvest.StageDecode, 10*time.Second)
		left := counters.Enter(harvest.StageDecode)
		time.Sleep(15 * time.Second)
		counters.Enter(harvest.StageDecode)() // another one comes and goes
		time.Sleep(15 * time.Second)
		if stuck := counters.Stuck(time.Now(), false); stuck != "" {
			t.Errorf("Stuck() = %q while others pass, want nothing", stuck)
		}
		time.Sleep(10 * time.Second)
		if stuck := counters.Stuck(time.Now(), false); !strings.HasPrefix(stuck, "decode: ") {
			t.Errorf("Stuck() = %q, want the stage decode", stuck)
		}
		if stuck := counters.Stuck(time.Now(), true); stuck != "" {
			t.Errorf("Stuck() = %q while the store takes nothing, want nothing", stuck)
		}
		left()
		time.Sleep(time.Hour)
		if stuck := counters.Stuck(time.Now(), false); stuck != "" {
			t.Errorf("Stuck() = %q of an empty stage, want nothing", stuck)
		}
	})
}

// TestLimitAll: each stage has a limit of its own, the store's is the same for all.
func TestLimitAll(t *testing.T) {
	t.Parallel()
	for stage, limit := range map[string]time.Duration{harvest.StageFetch: 30 * time.Second, harvest.StageDecode: 10 * time.Second, harvest.StageLand: time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			counters := NewCounters()
			counters.LimitAll(30*time.Second, 10*time.Second)
			left := counters.Enter(stage)
			defer left()
			for after, stuck := range map[time.Duration]bool{2 * limit: false, 2*limit + time.Second: true} {
				if got := counters.Stuck(time.Now().Add(after), false); strings.HasPrefix(got, stage+": ") != stuck {
					t.Errorf("%s: Stuck() after %s = %q, want it stuck: %v", stage, after, got, stuck)
				}
			}
		})
	}
}

// landed is a store that answers once it is there.
type landed struct{ err error }

func (l landed) Landed(_ context.Context, run string, limit int) ([]harvest.Item, error) {
	if l.err != nil {
		return nil, l.err
	}
	return []harvest.Item{{URL: "http://api.test/" + run, Line: int64(limit)}}, nil
}

// TestWitnessesOf: witnesses are of the run; a store that does not answer has none, and only that
// is worth a line.
func TestWitnessesOf(t *testing.T) {
	t.Parallel()
	ended, end := context.WithCancel(t.Context())
	end()
	for name, c := range map[string]struct {
		ctx  context.Context
		err  error
		want int
		logs bool
	}{
		"some landed":             {t.Context(), nil, 1, false},
		"the store is away":       {t.Context(), errors.New("away"), 0, true},
		"the process is stopping": {ended, context.Canceled, 0, false},
	} {
		var log strings.Builder
		k := WitnessesOf(landed{c.err}, "r", slog.New(slog.NewTextHandler(&log, nil)))
		items := k.load(c.ctx)
		if len(items) != c.want || (log.Len() > 0) != c.logs || c.want > 0 && items[0].URL != "http://api.test/r" {
			t.Errorf("%s: %v landed, log %q, want %d items, a line: %v", name, items, log.String(), c.want, c.logs)
		}
	}
	if k := WitnessesOf(nil, "r", slog.New(slog.DiscardHandler)); k != nil {
		t.Errorf("WitnessesOf() without a store = %v, want none", k)
	}
}
