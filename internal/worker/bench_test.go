package worker

import (
	"testing"
	"time"

	"shoal/internal/harvest"
)

// BenchmarkDrain measures the worker's own share of an item: everything outside it is in memory,
// and answers at once.
func BenchmarkDrain(b *testing.B) {
	b.ReportAllocs()
	r := newRig()
	for _, url := range numbered(b.N) {
		r.items = append(r.items, harvest.Entry{Item: harvest.Item{Key: harvest.KeyOf(url), URL: url}})
	}
	r.Latency = 0
	c := r.config()
	c.Batch, c.Flush = 1000, time.Minute
	w := r.bench(c)
	b.ResetTimer()
	if _, err := w.Drain(b.Context(), nil); err != nil || r.outcomes()[harvest.Landed] != b.N {
		b.Errorf("Drain() = %v with %v, want all %d landed", err, r.outcomes(), b.N)
	}
}
