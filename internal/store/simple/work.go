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
	Quiet     map[string][]harvest.Quiet          // by worker
}

// Save is SaveWork of [store.Work].
func (all *Work) Save(w harvest.Work, now time.Time) {
	if all.Processes == nil {
		all.Processes, all.Sent, all.Quiet = map[string]harvest.Work{}, map[int64]map[string]harvest.Minute{}, map[string][]harvest.Quiet{}
	}
	for _, m := range w.Minutes {
		if all.Sent[m.Unix] == nil {
			all.Sent[m.Unix] = map[string]harvest.Minute{}
		}
		all.Sent[m.Unix][w.Worker] = m
	}
	for _, q := range w.Quiets {
		kept := slices.DeleteFunc(all.Quiet[w.Worker], func(old harvest.Quiet) bool { return old.Kind == q.Kind && old.From.Equal(q.From) })
		all.Quiet[w.Worker] = append(kept, q)
	}
	w.Seen, w.Minutes, w.Quiets = now, nil, nil
	all.Processes[w.Worker] = w
}

// List is ListWork of [store.Work].
func (all *Work) List() []harvest.Work {
	return slices.SortedFunc(maps.Values(all.Processes), func(a, b harvest.Work) int {
		return cmp.Or(a.Started.Compare(b.Started), cmp.Compare(a.Worker, b.Worker))
	})
}

// Quiets is ListQuiets of [store.Work].
func (all *Work) Quiets(limit int) (quiets []harvest.Quiet) {
	for _, worker := range slices.Sorted(maps.Keys(all.Quiet)) {
		quiets = append(quiets, all.Quiet[worker]...)
	}
	slices.SortStableFunc(quiets, func(a, b harvest.Quiet) int { return b.From.Compare(a.From) })
	return quiets[:min(limit, len(quiets))]
}

// Minutes is ListMinutes of [store.Work].
func (all *Work) Minutes(since int64) []harvest.Minute {
	var sums tables.Minutes
	for _, unix := range slices.Sorted(maps.Keys(all.Sent)) {
		if unix < since {
			continue
		}
		for _, m := range all.Sent[unix] {
			sums.Add(m)
		}
	}
	return sums
}
