package coordinator

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"testing"

	"shoal/internal/harvest"
)

func key(n int) harvest.Key { return harvest.KeyOf(fmt.Sprint("https://api.example/", n)) }

// corpusOf yields items of these numbers, one a line.
func corpusOf(numbers ...int) iter.Seq2[harvest.Entry, error] {
	return func(yield func(harvest.Entry, error) bool) {
		for i, n := range numbers {
			if !yield(harvest.Entry{Item: harvest.Item{Key: key(n), Line: int64(i) + 1}}, nil) {
				return
			}
		}
	}
}

func keysOf(numbers ...int) iter.Seq2[harvest.Key, error] {
	return func(yield func(harvest.Key, error) bool) {
		for _, n := range numbers {
			if !yield(key(n), nil) {
				return
			}
		}
	}
}

func TestProveComparesByKey(t *testing.T) {
	tests := map[string]struct {
		corpus, ended  []int
		distinct       int64
		missing, extra int64
		examples       string
	}{
		"nothing":                      {nil, nil, 0, 0, 0, "[]"},
		"whole, in another order":      {[]int{1, 2, 3, 4}, []int{3, 1, 4, 2}, 4, 0, 0, "[]"},
		"repeats count once":           {[]int{1, 2, 1, 2, 1}, []int{1, 2}, 2, 0, 0, "[]"},
		"two are missing":              {[]int{1, 2, 3, 4}, []int{3, 1}, 4, 2, 0, "[2 4]"},
		"a stranger":                   {[]int{1, 2}, []int{1, 2, 9}, 2, 0, 1, "[]"},
		"as many, but not the same":    {[]int{1, 2, 3}, []int{1, 2, 9}, 3, 1, 1, "[3]"},
		"no more examples than a few":  {[]int{1, 2, 3, 4, 5, 6, 7, 8, 9}, nil, 9, 9, 0, "[1 2 3 4 5]"},
		"a repeat's first line stands": {[]int{7, 8, 7}, []int{8}, 2, 1, 0, "[1]"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			p, err := Prove(t.Context(), dir, corpusOf(test.corpus...), keysOf(test.ended...), 2)
			if err != nil {
				t.Fatalf("Prove() = %v, want nil", err)
			}
			if p.Distinct != test.distinct || p.Missing != test.missing || p.Extra != test.extra || fmt.Sprint(p.Examples) != test.examples ||
				p.Entries != int64(len(test.corpus)) || p.Ended != int64(len(test.ended)) {
				t.Errorf("Prove() = %+v, want %d distinct, %d missing %s, %d extra", p, test.distinct, test.missing, test.examples, test.extra)
			}
			if whole := test.missing+test.extra == 0; p.Whole() != whole {
				t.Errorf("Whole() = %t, want %t", p.Whole(), whole)
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
				t.Errorf("%d files are left behind, %v, want none", len(left), err)
			}
		})
	}
}

func TestProveKnowsThePrefix(t *testing.T) {
	var first harvest.Digest
	first.Add(key(1))
	first.Add(key(2))
	p, err := Prove(t.Context(), t.TempDir(), corpusOf(1, 2, 3), keysOf(1, 2, 3), 2)
	if err != nil || p.Prefix != first.Sum() || p.Digest.Count != 3 {
		t.Errorf("Prove() = prefix %s of %d, %v, want %s of 3", p.Prefix, p.Digest.Count, err, first.Sum())
	}
}

func TestProveFailsWithItsSources(t *testing.T) {
	torn := errors.New("torn")
	broken := func(yield func(harvest.Entry, error) bool) { yield(harvest.Entry{}, torn) }
	if _, err := Prove(t.Context(), t.TempDir(), broken, keysOf(), 0); !errors.Is(err, torn) {
		t.Errorf("Prove(a torn corpus) = %v, want its error", err)
	}
	away := func(yield func(harvest.Key, error) bool) { yield(harvest.Key{}, torn) }
	if _, err := Prove(t.Context(), t.TempDir(), corpusOf(1), away, 0); !errors.Is(err, torn) {
		t.Errorf("Prove(a store that is away) = %v, want its error", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Prove(ctx, t.TempDir(), corpusOf(1, 2), keysOf(), 0); !errors.Is(err, context.Canceled) {
		t.Errorf("Prove(ended) = %v, want the context's error", err)
	}
}

// TestProveManyMissing checks that the examples of a corpus of which nothing has ended are bounded
// too.
func TestProveManyMissing(t *testing.T) {
	numbers := make([]int, 20_000)
	for i := range numbers {
		numbers[i] = i
	}
	p, err := Prove(t.Context(), t.TempDir(), corpusOf(numbers...), keysOf(), 0)
	if err != nil || p.Missing != 20_000 || fmt.Sprint(p.Examples) != "[1 2 3 4 5]" {
		t.Errorf("Prove() = %d missing such as %v, %v, want 20000 such as [1 2 3 4 5]", p.Missing, p.Examples, err)
	}
}
