package harvest

import "time"

// Forever is a hold without end.
const Forever = time.Duration(-1)

// Control is what an operator ordered for a run and for the host of its upstream.
type Control struct {
	Rate    string        // of the host, as typed; empty: not set
	Hold    time.Duration // how long the host is to be left alone, from now, by the store's clock; 0: not at all, Forever: until an operator resumes
	Silence time.Duration // how long the upstream asked for silence, from now, by the store's clock
	Lifted  time.Time     // when an operator last ended such a silence; zero: never
	By      string        // who set the rate or the hold last
	At      time.Time     // when
	DrainAt time.Time     // since when the run's workers are to stop; zero: no such order
	DrainBy string        // who ordered it
	Done    time.Time     // when the run was finished; zero before
}

// ShardState is one shard of a run as the store knows it.
type ShardState struct {
	Shard   Shard
	Owner   string        // the worker that holds it, or held it last
	Held    bool          // it was not given back
	Lapsed  bool          // it is held, and its lease has run out
	Silent  time.Duration // since it was last renewed, by the store's clock; 0 when it is not held
	Counts  Counts
	Drained time.Time // zero while items may be left
}

// Drained reports whether all shards of one N are drained.
func Drained(shards []ShardState) bool {
	left := map[int]int{}
	for _, s := range shards {
		if _, met := left[s.Shard.Of]; !met {
			left[s.Shard.Of] = s.Shard.Of
		}
		if !s.Drained.IsZero() {
			left[s.Shard.Of]--
		}
		if left[s.Shard.Of] == 0 {
			return true
		}
	}
	return false
}

// RowsOf counts the items that have ended under a shard, and under all shards of the run together,
// by the counters of the landings.
func RowsOf(shards []ShardState, shard Shard) (ofShard, ofRun int64) {
	for _, s := range shards {
		ofRun += s.Counts.Items()
		if s.Shard == shard {
			ofShard = s.Counts.Items()
		}
	}
	return ofShard, ofRun
}
