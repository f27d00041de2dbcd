package pace

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"shoal/internal/harvest"
)

func TestPacing(t *testing.T) {
	t.Parallel()
	early, late := time.Unix(1_700_000_000, 0), time.Unix(1_700_000_060, 0)
	for name, c := range map[string]struct {
		state State
		want  harvest.Pacing
	}{
		"nothing is wrong": {
			State{Rate: 50, Budget: 50, Ceiling: 1, Active: 4, Limit: harvest.LimitBudget},
			harvest.Pacing{Budget: 50, Share: 12.5, Limit: harvest.LimitBudget},
		},
		"no worker is counted yet": {
			State{Rate: 50, Budget: 50, Ceiling: 1, Limit: harvest.LimitBudget},
			harvest.Pacing{Budget: 50, Share: 50, Limit: harvest.LimitBudget},
		},
		"on the way back": {
			State{Rate: 48, Budget: 50, Ceiling: 1, Active: 1, Limit: harvest.LimitBudget},
			harvest.Pacing{Budget: 50, Share: 50, Limit: harvest.LimitRamp},
		},
		"as far back as the ceiling lets it": {
			State{Rate: 45, Budget: 50, Ceiling: 0.9, Lowered: 45, Active: 1, Limit: harvest.LimitBudget},
			harvest.Pacing{Budget: 50, Share: 50, Limit: harvest.LimitBudget, Lowered: 45},
		},
		"a backoff is named before the ramp": {
			State{Rate: 25, Budget: 50, Ceiling: 1, Active: 1, Limit: harvest.LimitBackoff, Until: early},
			harvest.Pacing{Budget: 50, Share: 50, Limit: harvest.LimitBackoff, Until: early},
		},
		"a hold that ends later than the backoff": {
			State{Rate: 50, Budget: 50, Ceiling: 1, Active: 1, Limit: harvest.LimitBackoff, Until: early, Hold: late},
			harvest.Pacing{Budget: 50, Share: 50, Limit: harvest.LimitBackoff, Until: late},
		},
		"a hold that ends before the backoff": {
			State{Rate: 50, Budget: 50, Ceiling: 1, Active: 1, Limit: harvest.LimitBackoff, Until: late, Hold: early},
			harvest.Pacing{Budget: 50, Share: 50, Limit: harvest.LimitBackoff, Until: late},
		},
		"the upstream is away": {
			State{Rate: 50, Budget: 50, Ceiling: 1, Active: 1, Limit: harvest.LimitBudget, Outage: early},
			harvest.Pacing{Budget: 50, Share: 50, Limit: harvest.LimitBudget, Since: early},
		},
		"the backend is away, and the upstream was before": {
			State{Rate: 50, Budget: 50, Ceiling: 1, Active: 1, Limit: harvest.LimitBudget, Unreachable: late, Outage: early},
			harvest.Pacing{Budget: 50, Share: 50, Limit: harvest.LimitBudget, Since: late},
		},
	} {
		if got := c.state.Pacing(); got != c.want {
			t.Errorf("%s: Pacing() = %+v, want %+v", name, got, c.want)
		}
	}
}

// TestNeutral: what is no evidence wastes its slot, and the result of a probe is reported all the
// same.
func TestNeutral(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		probe, up bool
		used      int64
	}{
		"a request that failed": {},
		"a request that worked": {up: true},
		"a probe that failed":   {probe: true, used: 1},
		"a probe that worked":   {probe: true, up: true, used: 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := New(Settings{Host: "api.test", Rate: 50, Worker: "w", Log: slog.New(slog.DiscardHandler)}, NewLocal())
			defer func() {
				if err := p.Close(t.Context()); err != nil {
					t.Error(err)
				}
			}()
			held, err := p.Acquire(t.Context())
			if err != nil || !held.Usable() {
				t.Fatalf("%s: Acquire() = %v, want a permit to use", name, err)
			}
			held.Probe = c.probe
			held.Neutral(t.Context(), c.up)
			if used := p.State().Used; used != c.used {
				t.Errorf("%s: Neutral(%v) leaves %d permits used, want %d", name, c.up, used, c.used)
			}
		})
	}
}
