package leasing

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"shoal/internal/harvest"
	"shoal/internal/store"
)

// Field is all shards of a run at one look.
type Field struct {
	Held    []HeldLease
	Begun   []harvest.Shard // a worker landed items of it
	Drained map[harvest.Shard]bool
}

// FieldOf is the field of the shards that workers have held, without what they hold.
func FieldOf(shards []harvest.ShardState) *Field {
	f := &Field{Drained: map[harvest.Shard]bool{}}
	for _, s := range shards {
		if !s.Drained.IsZero() {
			f.Drained[s.Shard] = true
		}
		if s.Counts.Items() > 0 {
			f.Begun = append(f.Begun, s.Shard)
		}
	}
	return f
}

// Left returns the shards of one N that are neither drained nor in the way, begun ones first: a
// shard whose owner died continues before a new one is begun.
func (f *Field) Left(of int, inWay []HeldLease) []harvest.Shard {
	taken := map[harvest.Shard]bool{}
	for _, l := range inWay {
		if l.Shard.Of != of {
			return nil // a run is cut into one number of shards at a time
		}
		taken[l.Shard] = true
	}
	var begun, fresh []harvest.Shard
	for i := range of {
		shard := harvest.Shard{Index: i, Of: of}
		switch {
		case taken[shard] || f.Drained[shard]:
		case slices.Contains(f.Begun, shard):
			begun = append(begun, shard)
		default:
			fresh = append(fresh, shard)
		}
	}
	for _, some := range [][]harvest.Shard{begun, fresh} {
		rand.Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
	}
	return append(begun, fresh...)
}

// Done reports whether nothing is left, whatever N drained it.
func (f *Field) Done() bool {
	count := map[int]int{}
	for s := range f.Drained {
		if count[s.Of]++; count[s.Of] == s.Of {
			return true
		}
	}
	return false
}

// StandBy reports, once, that all shards of one N are in other hands, or refuses to wait for one.
func (w *Claiming) StandBy(of int, f *Field, inWay []HeldLease) error {
	sentence := standby(w.Run, of, f, inWay)
	if w.NoWait {
		return fmt.Errorf("%w: %s", store.ErrHeld, sentence)
	}
	if !w.stands && w.Waiting != nil {
		w.stands = true
		w.Waiting(sentence)
	}
	return nil
}

func standby(run string, of int, f *Field, inWay []HeldLease) string {
	if len(inWay) > 0 && inWay[0].Shard.Of != of {
		return inWay[0].sentence(harvest.Shard{Of: of})
	}
	n := 0
	for s := range f.Drained {
		if s.Of == of {
			n++
		}
	}
	return fmt.Sprintf("the shards of run %s are all in hand (%d of %d drained, %d at work): standing by for one that is given back", run, n, of, len(inWay))
}
