package simple

import (
	"maps"
	"slices"

	"shoal/internal/harvest"
	"shoal/internal/store/internal/tables"
)

// Chains are the chains of a run, by seed.
type Chains map[string]harvest.Chain

// At returns where the enumeration of seed continues.
func (all Chains) At(seed string) harvest.Chain {
	c := all[seed]
	c.Seed = seed
	return c
}

// Move takes a chain to its next step, and reports whether it was the next. A chain that has come
// to its end earlier than when it was walked before has ended, too.
func (all Chains) Move(to harvest.Chain) bool {
	c := all[to.Seed] // before its first step, at step 0
	if c.Done || c.Step != to.Step-1 && (!to.Done || c.Step < to.Step) {
		return false
	}
	to.Step = max(to.Step, c.Step)
	all[to.Seed] = to
	return true
}

// Walked adds the chains up.
func (all Chains) Walked() (w harvest.Walked) {
	for _, c := range all {
		w.Add(c)
	}
	return w
}

// Rewind begins the chains of which steps are put back again. Their steps stay counted.
func (all Chains) Rewind(back *tables.PutBack) {
	for _, seed := range back.Rewind(slices.Collect(maps.Values(all))) {
		all[seed] = harvest.Chain{Seed: seed, Step: all[seed].Step}
	}
}
