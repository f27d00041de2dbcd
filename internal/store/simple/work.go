package simple

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/store/internal/tables"
)

// Work is what the processes of a run did.
type Work struct {
	Processes map[string]harvest.Work             // by worker, without minutes
	Sent      map[int64]map[string]harvest.Minute // by minute and worker
}

// Save is SaveWork of [store.Work].
func (all *Work) Save(w harvest.Work, now time.Time) {
	if all.Processes == nil {
		all.Processes, all.Sent = map[string]harvest.Work{}, map[int64]map[string]harvest.Minute{}
	}
	for _, m := range w.Minutes {
		if all.Sent[m.Unix] == nil {
			all.Sent[m.Unix] = map[string]harvest.Minute{}
		}
		all.Sent[m.Unix][w.Worker] = m
	}
	w.Seen, w.Minutes = now, nil
	all.Processes[w.Worker] = w
}

// List is ListWork of [store.Work].
func (all *Work) List() []harvest.Work {
	return slices.SortedFunc(maps.Values(all.Processes), func(a, b harvest.Work) int {
		return cmp.Or(a.Started.Compare(b.Started), cmp.Compare(a.Worker, b.Worker))
	})
}

// Minutes is ListMinutes of [store.Work].
func (all *Work) Minutes() []harvest.Minute {
	var sums tables.Minutes
	for _, unix := range slices.Sorted(maps.Keys(all.Sent)) {
		for _, m := range all.Sent[unix] {
			sums.Add(m)
		}
	}
	return sums
}
