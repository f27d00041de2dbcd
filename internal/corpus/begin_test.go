package corpus_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"shoal/internal/corpus"
	"shoal/internal/harvest"
)

// TestBegin states what a corpus that cannot be opened means to the operator.
func TestBegin(t *testing.T) {
	t.Parallel()
	once := func(_ context.Context, what string, temporary func(error) bool, do func() error) error {
		err := do()
		if what != "the corpus" || temporary(err) != errors.Is(err, corpus.ErrAway) {
			t.Errorf("Begin() waits for %s after %v", what, err)
		}
		return err
	}
	errLimit := errors.New("over the limit")
	for _, c := range []struct {
		name, text string
		refuse     error
		first      string
		want       error
	}{
		{"a good one", "https://h/a\nhttps://h/b\n", nil, "https://h/a", nil},
		{"lines that are not items", "ftp://h/a\nhttps://\n", nil, "", harvest.ErrUsage},
		{"more of them than allowed", "ftp://h/a\nhttps://\n", errLimit, "", errLimit},
		{"ids without a template, as many as may be", "1\n2\n", errLimit, "", harvest.ErrUsage},
		{"nothing", "", errLimit, "", harvest.ErrUsage},
	} {
		source, err := corpus.Begin(t.Context(), corpus.Config{URI: "-", Stdin: strings.NewReader(c.text)}, once, func(error) error { return c.refuse })
		if !errors.Is(err, c.want) {
			t.Errorf("%s: Begin() = %v, want %v", c.name, err, c.want)
		}
		if err == nil && source.First() != c.first {
			t.Errorf("%s: Begin() begins with %s, want %s", c.name, source.First(), c.first)
		}
	}
}

// TestRemote states which corpus has to be downloaded.
func TestRemote(t *testing.T) {
	t.Parallel()
	for uri, want := range map[string]bool{"https://h/ids.txt": true, "ids.txt": false, "-": false, "": false, harvest.StoreCorpus: false} {
		if got := corpus.Remote(uri); got != want {
			t.Errorf("Remote(%q) = %v, want %v", uri, got, want)
		}
	}
}
