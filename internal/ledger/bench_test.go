package ledger_test

import (
	"strconv"
	"testing"

	"shoal/internal/harvest"
	"shoal/internal/ledger"
	"shoal/internal/testenv"
)

func BenchmarkKnown(b *testing.B) {
	client := testenv.Redis(b).Client(b)
	l := ledger.New(client, "r", 0)
	keys := keysOf(1, 1000)
	if err := l.Mark(b.Context(), gen, keys[:500]); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := l.Known(b.Context(), gen, keys); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*1000/b.Elapsed().Seconds(), "keys/s")
}

// BenchmarkBytesPerKey measures what a key costs in Redis in total: run it with -benchtime
// 1000000x.
func BenchmarkBytesPerKey(b *testing.B) {
	client := testenv.Redis(b).Client(b)
	used := func() float64 {
		info, err := client.InfoMap(b.Context(), "memory").Result()
		if err != nil {
			b.Fatal(err)
		}
		n, err := strconv.ParseFloat(info["Memory"]["used_memory"], 64)
		if err != nil {
			b.Fatal(err)
		}
		return n
	}
	l := ledger.New(client, "r", ledger.BucketBits(int64(b.N)))
	before := used()
	for first := 0; first < b.N; first += 10000 {
		if err := l.Mark(b.Context(), gen, keysOf(uint64(first), min(10000, b.N-first))); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric((used()-before)/float64(b.N), "bytes/key")
	if found, err := l.Known(b.Context(), gen, []harvest.Key{{}}); err != nil || found[0] {
		b.Fatalf("Known() of a key that was not marked = %v, %v, want false", found, err)
	}
}
