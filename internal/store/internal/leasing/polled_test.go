package leasing

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/store"
)

// desk is a store of one run whose shards are held until an instant.
type desk struct {
	held    map[harvest.Shard]time.Time
	drained map[harvest.Shard]bool
	err     error
	tries   int
}

func (d *desk) take(_ context.Context, c store.Claim, undrained bool) (*store.Lease, []HeldLease, error) {
	d.tries++
	if d.err != nil {
		return nil, nil, d.err
	}
	if d.held[c.Shard].After(time.Now()) {
		return nil, []HeldLease{{Holder: Holder{Run: c.Run, Shard: c.Shard, Owner: "lab"}}}, nil
	}
	if undrained && d.drained[c.Shard] {
		return nil, nil, nil
	}
	return &store.Lease{Token: int64(c.Shard.Index)}, nil, nil
}

func (d *desk) list(context.Context, string) (states []harvest.ShardState, err error) {
	for at := range d.drained {
		states = append(states, harvest.ShardState{Shard: at, Drained: time.Now()})
	}
	return states, nil
}

func TestAClaimThatPolls(t *testing.T) {
	broken := errors.New("broken")
	first, second := harvest.Shard{Of: 2}, harvest.Shard{Index: 1, Of: 2}
	hour := func(shards ...harvest.Shard) map[harvest.Shard]time.Duration {
		held := map[harvest.Shard]time.Duration{}
		for _, at := range shards {
			held[at] = time.Hour
		}
		return held
	}
	for _, test := range []struct {
		name    string
		any     bool
		held    map[harvest.Shard]time.Duration
		drained map[harvest.Shard]bool
		fails   error
		noWait  bool
		limit   time.Duration // of the caller's patience
		err     error
		shard   harvest.Shard
		tries   int
		told    string
	}{
		{name: "free", shard: first, tries: 1},
		{name: "held for a while", held: map[harvest.Shard]time.Duration{first: 2500 * time.Millisecond}, shard: first, tries: 4, told: "held by lab"},
		{name: "held, without waiting", held: hour(first), noWait: true, err: store.ErrHeld, tries: 1},
		{name: "held, and out of patience", held: hour(first), limit: 1500 * time.Millisecond, err: store.ErrUnavailable, tries: 2, told: "held by lab"},
		{name: "a store that fails", fails: broken, err: broken, tries: 1},
		{name: "any: the one that is free", any: true, drained: map[harvest.Shard]bool{first: true}, shard: second, tries: 1},
		{name: "any: none is left", any: true, drained: map[harvest.Shard]bool{first: true, second: true}, err: store.ErrNoShardLeft},
		{name: "any: the last is held for a while", any: true, drained: map[harvest.Shard]bool{first: true},
			held: map[harvest.Shard]time.Duration{second: 15 * time.Second}, shard: second, tries: 3, told: "1 of 2 drained, 1 at work"},
		{name: "any: all are held", any: true, held: hour(first, second), noWait: true, err: store.ErrHeld, tries: 2},
		{name: "any: a store that fails", any: true, fails: broken, err: broken, tries: 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := &desk{held: map[harvest.Shard]time.Time{}, drained: test.drained, err: test.fails}
				for at, length := range test.held {
					d.held[at] = time.Now().Add(length)
				}
				told := ""
				claim := store.Claim{Run: "r", Shard: first, NoWait: test.noWait, Waiting: func(sentence string) { told += sentence }}
				ctx := t.Context()
				if test.limit > 0 {
					limited, cancel := context.WithTimeout(ctx, test.limit)
					defer cancel()
					ctx = limited
				}
				polled := Polled{TTL: time.Minute, Every: time.Second, EveryAny: 10 * time.Second, Take: d.take}
				shard := first
				var got *store.Lease
				var err error
				if test.any {
					got, shard, err = polled.ClaimAny(ctx, claim, d.list)
				} else {
					got, err = polled.Claim(ctx, claim)
				}
				if !errors.Is(err, test.err) || (got != nil) != (test.err == nil) || got != nil && shard != test.shard || d.tries != test.tries {
					t.Errorf("the claim = %v, %s, %v after %d tries, want %s, %v after %d", got, shard, err, d.tries, test.shard, test.err, test.tries)
				}
				if !strings.Contains(told, test.told) || (told == "") != (test.told == "") {
					t.Errorf("Waiting said %q, want %q", told, test.told)
				}
			})
		})
	}
}

func TestWaitingToLeadNamesEachLeaderOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		leaders := []string{"", "a", "a", "b", "a"}
		var told []string
		err := Lead(t.Context(), "r", func(sentence string) { told = append(told, sentence) }, func() (bool, string, error) {
			if len(leaders) == 0 {
				return true, "", nil
			}
			who := leaders[0]
			leaders = leaders[1:]
			return false, who, nil
		})
		if err != nil || len(told) != 3 || !strings.Contains(told[1], "run r is led by b") {
			t.Errorf("Lead() = %v after %q, want nil after a, b and a", err, told)
		}
		if err := Lead(t.Context(), "r", nil, func() (bool, string, error) { return false, "", store.ErrUnavailable }); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("Lead() of a store that is away = %v, want %v", err, store.ErrUnavailable)
		}
	})
}
