package harvest_test

import (
	"math"
	"strings"
	"testing"

	"shoal/internal/harvest"
)

func TestParseShard(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]harvest.Shard{"0/1": {Index: 0, Of: 1}, "0/8": {Index: 0, Of: 8}, "7/8": {Index: 7, Of: 8}, "65535/65536": {Index: 65535, Of: 65536}} {
		got, err := harvest.ParseShard(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("ParseShard(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"8/8": "shards count from 0: 0/8 … 7/8", "9/8": "shards count from 0: 0/8 … 7/8", "1/1": "shards count from 0",
		"": "i/N", "3": "i/N", "/8": "i/N", "3/": "i/N", "-1/8": "i/N", "0/0": "i/N", "0/-1": "i/N", "a/b": "i/N", "1/2/3": "i/N", "1.5/8": "i/N", "0/65537": "at most 65536",
	} {
		if got, err := harvest.ParseShard(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseShard(%q) = %v, %v, want …%s…", text, got, err, want)
		}
	}
}

func TestShardsCutTheCorpusExactlyOnceAndEvenly(t *testing.T) {
	t.Parallel()
	const items = 20000
	for _, of := range []int{1, 2, 3, 4, 7, 64, 100} {
		counts := make([]int, of)
		for range items {
			key := randomKey()
			owners := 0
			for i := range of {
				if (harvest.Shard{Index: i, Of: of}).Owns(key) {
					owners++
					counts[i]++
				}
			}
			if owners != 1 {
				t.Fatalf("shards of %d that own %v = %d, want 1", of, key, owners)
			}
		}
		mean := float64(items) / float64(of)
		for i, n := range counts {
			if math.Abs(float64(n)-mean) > 7*math.Sqrt(mean)+1 && of > 1 {
				t.Errorf("items of shard %d/%d = %d, want about %.0f", i, of, n, mean)
			}
		}
	}
}

func TestAShardIsChosenByTheHighHalfOfTheKey(t *testing.T) {
	t.Parallel()
	var key harvest.Key
	key[7], key[15] = 5, 2 // high half 5, low half 2
	for i := range 4 {
		if got := (harvest.Shard{Index: i, Of: 4}).Owns(key); got != (i == 1) {
			t.Errorf("Shard %d/4 owns a key with high half 5 = %v, want %v", i, got, i == 1)
		}
	}
}
