package tables

import (
	"slices"

	"shoal/internal/harvest"
)

// PutBack are the pages that PutBack takes out.
type PutBack struct {
	Keys   []harvest.Key
	ended  map[harvest.Key]harvest.Outcome
	seeds  map[harvest.Key]harvest.Key // of steps of a listing: the key of its seed, which chooses their shard
	Counts harvest.Counts
}

// Rewind finds the chains of which steps are put back, by their seeds.
func (b *PutBack) Rewind(chains []harvest.Chain) (seeds []string) {
	b.seeds = map[harvest.Key]harvest.Key{}
	for _, chain := range chains {
		before := len(b.seeds)
		for step := int64(1); step <= chain.Step; step++ {
			if key := harvest.StepKey(chain.Seed, step); b.ended[key] != "" {
				b.seeds[key] = harvest.KeyOf(chain.Seed)
			}
		}
		if len(b.seeds) > before {
			seeds = append(seeds, chain.Seed)
		}
	}
	return seeds
}

// Add takes one page out.
func (b *PutBack) Add(p harvest.Page) {
	if b.ended == nil {
		b.ended = map[harvest.Key]harvest.Outcome{}
	}
	b.Keys = append(b.Keys, p.Key)
	b.ended[p.Key] = p.Outcome
	b.Counts.Add(p.Outcome, 0)
}

// Owners returns the shards that the pages belong to, under any N: they are not drained any more.
func (b *PutBack) Owners(shards []harvest.ShardState) (all []harvest.Shard) {
	for _, s := range shards {
		for _, key := range b.Keys {
			owner, ok := b.seeds[key]
			if !ok {
				owner = key
			}
			if s.Shard.Owns(owner) {
				all = append(all, s.Shard)
				break
			}
		}
	}
	return all
}

// Replaced are the outcomes of rows that a landing replaces.
type Replaced []harvest.Outcome

// Settle returns what to subtract from the counts of which shard. An old row was counted in the
// shard of the N that its worker had: the shard that lands goes first, another that still counts
// one of its kind is next, so that the sum is right.
func (r Replaced) Settle(own harvest.Shard, shards []harvest.ShardState) map[harvest.Shard]*harvest.Counts {
	minus := map[harvest.Shard]*harvest.Counts{own: {}}
	slices.SortStableFunc(shards, func(a, b harvest.ShardState) int {
		if (a.Shard == own) == (b.Shard == own) {
			return 0
		}
		if a.Shard == own {
			return -1
		}
		return 1
	})
	for _, outcome := range r {
		at := own
		for i := range shards {
			if n := countOf(&shards[i].Counts, outcome); *n > 0 {
				*n--
				at = shards[i].Shard
				break
			}
		}
		if minus[at] == nil {
			minus[at] = &harvest.Counts{}
		}
		*countOf(minus[at], outcome)++
	}
	return minus
}

func countOf(c *harvest.Counts, o harvest.Outcome) *int64 {
	switch o {
	case harvest.Missing:
		return &c.Missing
	case harvest.Skipped:
		return &c.Skipped
	case harvest.Dead:
		return &c.Dead
	default:
		return &c.Landed
	}
}
