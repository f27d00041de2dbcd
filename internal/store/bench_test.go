package store_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/storetest"
	"shoal/internal/testenv"
)

// BenchmarkLand lands batches of 1,000 rows: new ones, the way of nearly every batch (COPY), and ones of which a single
// key is there already (through the staging tables).
func BenchmarkLand(b *testing.B) {
	for _, kind := range []string{"postgres", "sqlite"} {
		for _, size := range []int{500, 8 << 10} {
			for _, known := range []int{0, 1} {
				b.Run(fmt.Sprintf("%s/body=%d/known=%d", kind, size, known), func(b *testing.B) { benchmarkLand(b, kind, size, known) })
			}
		}
	}
}

func benchmarkLand(b *testing.B, kind string, size, known int) {
	url := "sqlite:" + filepath.Join(b.TempDir(), "shoal.db")
	if kind == "postgres" {
		url = testenv.Postgres(b).URL
	}
	s := openRun(b, url)
	lander := store.NewLander(b, s, storetest.Name, whole)
	body := textBody(size)
	next := 0
	fresh := func(n int) (pages []harvest.Page) {
		for range n {
			p := storetest.Page(next)
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
