package harvest_test

import (
	"testing"

	"shoal/internal/harvest"
)

func TestRowsOfAddsUpShards(t *testing.T) {
	t.Parallel()
	half := harvest.Shard{Index: 1, Of: 2}
	shards := []harvest.ShardState{{Shard: harvest.Shard{Of: 1}, Counts: harvest.Counts{Landed: 3}}, {Shard: half, Counts: harvest.Counts{Missing: 1, Skipped: 1, Dead: 2}}}
	for shard, want := range map[harvest.Shard]int64{half: 4, {Of: 1}: 3, {Of: 2}: 0} {
		if ofShard, ofRun := harvest.RowsOf(shards, shard); ofShard != want || ofRun != 7 {
			t.Errorf("RowsOf(%s) = %d, %d, want %d, 7", shard, ofShard, ofRun, want)
		}
	}
}

func TestWalkedAddsUpChains(t *testing.T) {
	t.Parallel()
	var w harvest.Walked
	for _, c := range []harvest.Chain{{Seed: "a", Step: 3}, {Seed: "b", Step: 5, Done: true}, {Seed: "c", Done: true}} {
		w.Add(c)
	}
	if want := (harvest.Walked{Done: 2, Longest: 5}); w != want {
		t.Errorf("Walked = %+v, want %+v", w, want)
	}
}
