package storetest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"shoal/internal/harvest"
	"shoal/internal/store"
)

// BenchmarkLand lands batches of 1,000 rows: new ones, as nearly every batch is, and ones with a
// single key that exists already. newLander returns a function that lands under one token.
func BenchmarkLand(b *testing.B, open Opener, fresh func(b *testing.B) (url string), newLander func(t testing.TB, s *store.Store, run string, shard harvest.Shard) func([]harvest.Page)) {
	for _, size := range []int{500, 8 << 10} {
		for _, known := range []int{0, 1} {
			b.Run(fmt.Sprintf("body=%d/known=%d", size, known), func(b *testing.B) {
				s := OpenWithRun(b, open, fresh(b))
				benchmarkLand(b, newLander(b, s, Name, whole), size, known)
			})
		}
	}
}

func benchmarkLand(b *testing.B, lander func([]harvest.Page), size, known int) {
	body := textBody(size)
	next := 0
	fresh := func(n int) (pages []harvest.Page) {
		for range n {
			p := Page(next)
			p.Body = body
			pages = append(pages, p)
			next++
		}
		return pages
	}
	old := fresh(known)
	lander(old)
	rows := 0
	for b.Loop() {
		b.StopTimer()
		batch := append(fresh(1000-known), old...)
		b.StartTimer()
		lander(batch)
		rows += len(batch)
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
}

// textBody is JSON that packs about as well as text does.
func textBody(size int) []byte {
	random := rand.New(rand.NewPCG(1, 2))
	words := make([]string, 500)
	for i := range words {
		words[i] = fmt.Sprintf("%x", random.Uint32()>>(random.IntN(20)))
	}
	var b bytes.Buffer
	b.WriteString(`{"text": "`)
	for b.Len() < size-2 {
		b.WriteString(words[random.IntN(len(words))] + " ")
	}
	b.WriteString(`"}`)
	return b.Bytes()
}
