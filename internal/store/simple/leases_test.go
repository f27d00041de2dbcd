package simple

import (
	"context"
	"errors"
	"maps"
	"testing"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/internal/tables"
)

var (
	start   = time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC)
	whole   = harvest.Shard{Of: 1}
	half    = harvest.Shard{Of: 2}
	another = harvest.Shard{Index: 1, Of: 2}
)

// taken returns the shards after takes, one a second, none of which was given back.
func taken(suspects Suspects, shards ...harvest.Shard) Shards {
	all := Shards{}
	for i, at := range shards {
		all.Take(store.Claim{Shard: at, Owner: "lab", TTL: time.Minute}, suspects, start.Add(time.Duration(i)*time.Second))
	}
	return all
}

func TestTakeCountsWhoCrashed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name       string
		before     []harvest.Shard // taken, and not given back
		take       harvest.Shard
		suspicious bool
		crashes    int
		void       bool // the leases of before are
	}{
		{"a new one", nil, whole, false, 0, false},
		{"its owner crashed", []harvest.Shard{whole}, whole, true, 1, true},
		{"twice", []harvest.Shard{whole, whole}, whole, true, 2, true},
		{"another shard of this N", []harvest.Shard{half}, another, false, 0, false},
		{"two of another N", []harvest.Shard{half, another}, whole, true, 1, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			all := taken(Suspects{}, test.before...)
			old := map[harvest.Shard]int64{}
			for at, row := range all {
				old[at] = row.Token
			}
			row, suspicious := all.Take(store.Claim{Shard: test.take, Owner: "me", TTL: time.Minute}, Suspects{}, start)
			if suspicious != test.suspicious || row.Crashes != test.crashes || row.Owner != "me" || !row.Held {
				t.Errorf("Take() = %+v, %t, want %d crashes, %t", row, suspicious, test.crashes, test.suspicious)
			}
			for at, token := range old {
				if _, err := all.Under(at, token); errors.Is(err, store.ErrFenced) != test.void {
					t.Errorf("Under(the earlier token of %s) = %v, want fenced: %t", at, err, test.void)
				}
			}
		})
	}
}

func TestAShardIsHeldUntilItsLeaseRunsOut(t *testing.T) {
	t.Parallel()
	all := taken(Suspects{}, another, half)
	if s := all.States(start.Add(2 * time.Second)); len(s) != 2 || s[0].Shard != half || s[0].Lapsed || s[0].Silent != time.Second {
		t.Errorf("States() = %+v, want the first half first, silent for a second", s)
	}
	if err := all.Exclude(start.Add(time.Minute)); !errors.Is(err, store.ErrBusy) || !all[half].Held || !all[another].Held {
		t.Errorf("Exclude() while one lives = %v, want busy, and no lease void", err)
	}
	token := all[half].Token
	if err := all.Exclude(start.Add(time.Hour)); err != nil || all[half].Held {
		t.Errorf("Exclude() = %v, want nil, and the lapsed leases void", err)
	}
	if _, err := all.Under(half, token); !errors.Is(err, store.ErrFenced) {
		t.Errorf("Under(a void token) = %v, want fenced", err)
	}
}

func TestTheLastShardOfOneNIsDrained(t *testing.T) {
	t.Parallel()
	all := taken(Suspects{}, whole, half, another) // whole is of another N and counts for nothing
	if all.Drain(all[half], 3, start) {
		t.Error("Drain() of the first half = true, want false")
	}
	if !all.Drain(all[another], 4, start) || all[half].Counts.Rejected != 3 || all[another].Held {
		t.Errorf("Drain() of the other half = %+v, want all of /2 drained", all[another])
	}
	if all.Reopen(half); !all[half].Drained.IsZero() || all[another].Drained.IsZero() {
		t.Error("Reopen(0/2) did not reopen it, or another")
	}
	if all.Reopen(); !all[another].Drained.IsZero() {
		t.Error("Reopen() left 1/2 drained")
	}
}

func TestCountReplacesWhereItWasCounted(t *testing.T) {
	t.Parallel()
	all := taken(Suspects{}, whole, half)
	all.Count(half, harvest.Counts{Dead: 2}, nil)
	all.Count(whole, harvest.Counts{Landed: 1}, tables.Replaced{harvest.Dead})
	if all[half].Counts != (harvest.Counts{Dead: 1}) || all[whole].Counts != (harvest.Counts{Landed: 1}) {
		t.Errorf("counts are %+v and %+v, want 1 dead and 1 landed", all[half].Counts, all[whole].Counts)
	}
}

func TestAFlightIsUnderALease(t *testing.T) {
	t.Parallel()
	all, suspects := taken(Suspects{}, whole, whole), Suspects{}
	row, fenced := all[whole], error(nil)
	f := Flight{func(_ context.Context, do func(all Suspects, row *Shard)) error {
		if fenced == nil {
			do(suspects, row)
		}
		return fenced
	}}
	keys := []harvest.Key{key(1), key(2)}
	err := errors.Join(f.Note(t.Context(), keys), f.Withdraw(t.Context(), keys[:1]), f.Calm(t.Context()))
	if err != nil || len(suspects) != 1 || suspects[key(2)] != (Suspect{whole, row.Token, 0}) || row.Crashes != 0 {
		t.Errorf("suspects are %v, %v after %d crashes, want 2 in flight after none", suspects, err, row.Crashes)
	}
	suspects.Crash(whole, row.Token)
	if found, err := f.Load(t.Context()); err != nil || found[key(2)] != 1 {
		t.Errorf("Load() = %v, %v, want one crash", found, err)
	}
	if err := f.Clear(t.Context(), keys); err != nil || len(suspects) != 0 {
		t.Errorf("Clear() = %v and left %v", err, suspects)
	}
	fenced = store.ErrFenced
	if _, err := f.Load(t.Context()); !errors.Is(err, store.ErrFenced) {
		t.Errorf("Load() under a void token = %v, want fenced", err)
	}
}

func TestSuspects(t *testing.T) {
	t.Parallel()
	keys := func(all ...byte) (keys []harvest.Key) {
		for _, n := range all {
			keys = append(keys, key(n))
		}
		return keys
	}
	for _, test := range []struct {
		name string
		do   func(all Suspects)
		at   harvest.Shard
		load map[harvest.Key]int
		left bool // something concerns the owner of at
	}{
		{"in flight", func(Suspects) {}, half, nil, true},
		{"in flight elsewhere", func(Suspects) {}, another, nil, false},
		{"crashed", func(all Suspects) { all.Crash(half, 7) }, half, map[harvest.Key]int{key(1): 1, key(2): 1}, true},
		{"another token", func(all Suspects) { all.Crash(half, 8) }, half, nil, true},
		{"of another N", func(all Suspects) { all.Crash(half, 7) }, whole, map[harvest.Key]int{key(1): 1, key(2): 1}, true},
		{"once for one lease", func(all Suspects) { all.Crash(half, 7); all.Crash(half, 7) }, half, map[harvest.Key]int{key(1): 1, key(2): 1}, true},
		{"in flight again", func(all Suspects) { all.Crash(half, 7); all.Note(half, 8, keys(1)); all.Crash(half, 8) }, half, map[harvest.Key]int{key(1): 2, key(2): 1}, true},
		{"withdrawn before", func(all Suspects) { all.Withdraw(7, keys(1)); all.Crash(half, 7) }, half, map[harvest.Key]int{key(2): 1}, true},
		{"withdrawn after", func(all Suspects) { all.Crash(half, 7); all.Note(half, 8, keys(1)); all.Withdraw(8, keys(1)) }, half, map[harvest.Key]int{key(1): 1, key(2): 1}, true},
		{"withdrawn by another", func(all Suspects) { all.Withdraw(6, keys(1, 2)) }, half, nil, true},
		{"given back", func(all Suspects) { all.Release(7) }, half, nil, false},
		{"cleared", func(all Suspects) { all.Crash(half, 7); all.Clear(keys(1)) }, half, map[harvest.Key]int{key(2): 1}, true},
		{"drained", func(all Suspects) { all.Crash(half, 7); all.Drain(half) }, whole, nil, false},
		{"forgiven", func(all Suspects) {
			all.Crash(half, 7)
			all.Note(half, 8, keys(1))
			all.Crash(half, 8)
			all.Forgive(2)
		}, half, map[harvest.Key]int{key(2): 1}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			all := Suspects{}
			all.Note(half, 7, keys(1, 2))
			test.do(all)
			if got := all.Load(test.at); !maps.Equal(got, test.load) {
				t.Errorf("Load(%s) = %v, want %v", test.at, got, test.load)
			}
			if got := all.Concern(test.at); got != test.left {
				t.Errorf("Concern(%s) = %t, want %t", test.at, got, test.left)
			}
		})
	}
}
