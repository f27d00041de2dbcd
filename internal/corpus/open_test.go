package corpus_test

import (
	"context"
	"errors"
	"iter"
	"os"
	"strings"
	"testing"

	"shoal/internal/corpus"
	"shoal/internal/harvest"
)

// A run may have other keys than the corpus: what a pass yields is rekeyed, what it counts is not.
func TestRekey(t *testing.T) {
	t.Parallel()
	other := harvest.KeyOf("other")
	source, err := corpus.Open(t.Context(), corpus.Config{URI: "-", Stdin: strings.NewReader("https://api.example/1\nhttps://api.example/2\n"), Rekey: func(entries iter.Seq2[harvest.Entry, error]) iter.Seq2[harvest.Entry, error] {
		return func(yield func(harvest.Entry, error) bool) {
			for entry, err := range entries {
				entry.Item.Key = other
				if !yield(entry, err) {
					return
				}
			}
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for entry, err := range source.Entries() {
		n++
		if err != nil || entry.Item.Key != other {
			t.Errorf("Entries() = %v, %v, want the key of the run", entry.Item, err)
		}
	}
	if digest := source.Digest(); n != 2 || digest.Count != 2 {
		t.Errorf("Entries() yields %d items and counts %d, want 2", n, digest.Count)
	}
	if err := source.Close(); err != nil {
		t.Error(err)
	}
}

// What a person can fix is a mistake; what passes, or is damaged, is not.
func TestMistake(t *testing.T) {
	t.Parallel()
	ended, end := context.WithCancel(t.Context())
	end()
	for name, c := range map[string]struct {
		ctx     context.Context
		err     error
		mistake bool
	}{
		"a file that is not there":    {t.Context(), os.ErrNotExist, true},
		"ids without a template":      {t.Context(), corpus.ErrIDs, true},
		"lines that are all rejected": {t.Context(), corpus.ErrAllRejected, true},
		"a damaged archive":           {t.Context(), corpus.ErrDamaged, false},
		"a server that is away":       {t.Context(), corpus.ErrAway, false},
		"a process that is stopping":  {ended, context.Canceled, false},
	} {
		got := corpus.Mistake(c.ctx, c.err)
		if errors.Is(got, harvest.ErrUsage) != c.mistake || got.Error() != c.err.Error() {
			t.Errorf("%s: Mistake() = %v, want the operator's: %v", name, got, c.mistake)
		}
	}
}
