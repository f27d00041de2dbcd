package exchange

import (
	"testing"
	"time"

	"shoal/internal/harvest"
)

// TestQuiets notes each silence once, lets a pause grow until it is over, and forgets what is
// stored.
func TestQuiets(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC)
	c := NewCounters()
	take := func(second int, limit harvest.Limit) []harvest.Quiet {
		c.Take(harvest.Progress{Now: at.Add(time.Duration(second) * time.Second), Limit: limit, Note: "note"})
		all := c.Quiets()
		c.SavedQuiets(all)
		return all
	}
	c.Paused(at, "Retry-After", 7*time.Second, true)
	if got := take(0, harvest.LimitBackoff); len(got) != 1 || got[0] != (harvest.Quiet{From: at, Until: at.Add(7 * time.Second), Kind: harvest.LimitBackoff, Cause: "Retry-After"}) {
		t.Errorf("Quiets() = %v, want the silence that was asked for", got)
	}
	for _, test := range []struct {
		second int
		limit  harvest.Limit
		until  int // of the pause; 0: none is reported
	}{
		{3, harvest.LimitBudget, 0}, {6, harvest.LimitHold, 0}, {9, harvest.LimitHold, 9}, {12, harvest.LimitHold, 12}, {15, harvest.LimitBudget, 15}, {18, harvest.LimitBudget, 0},
		{21, harvest.LimitStore, 0}, {24, harvest.LimitBudget, 0}, // a store that is slow for a moment
	} {
		got := take(test.second, test.limit)
		if test.until == 0 && len(got) == 0 {
			continue
		}
		want := harvest.Quiet{From: at.Add(6 * time.Second), Until: at.Add(time.Duration(test.until) * time.Second), Kind: harvest.LimitHold, Cause: "note"}
		if len(got) != 1 || got[0] != want {
			t.Errorf("Quiets() after %d s at %s = %v, want %v", test.second, test.limit, got, want)
		}
	}
	for range maxQuiets + 5 {
		c.Paused(at, "Retry-After", time.Second, true)
	}
	if n := len(c.Quiets()); n != maxQuiets {
		t.Errorf("%d quiets wait for the store, want at most %d", n, maxQuiets)
	}
}
