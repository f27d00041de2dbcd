package config

import (
	"errors"
	"slices"
	"testing"

	"shoal/internal/upstream"
)

// TestLines states how the corpus of each kind of upstream is read.
func TestLines(t *testing.T) {
	t.Parallel()
	kinds := upstream.Table{
		{Name: "plain"},
		{Name: "wiki", Noun: "wiki", API: "https://w/api.php", Lines: func(s upstream.Settings) (upstream.Lines, error) {
			if s.Corpus == "bad" {
				return upstream.Lines{}, errors.New("bad")
			}
			return upstream.Lines{URI: "dump of " + s.Corpus}, nil
		}},
	}
	for _, test := range []struct {
		set   Worker
		uri   string
		hosts []string
		fails bool
		asks  bool // for an --api
	}{
		{set: Worker{Upstream: "plain", Corpus: "ids.txt", URL: "https://h/{id}", AllowHosts: []string{"i"}}, uri: "ids.txt", hosts: []string{"h", "i"}},
		{set: Worker{Upstream: "wiki", API: "https://w/api.php", Corpus: "x", AllowHosts: []string{"i"}}, uri: "dump of x"},
		{set: Worker{Upstream: "wiki", Corpus: "bad"}, fails: true, asks: true},
	} {
		test.set.layers = &layers{kinds: kinds}
		lines, err := test.set.Lines()
		if lines.URI != test.uri || !slices.Equal(lines.Hosts, test.hosts) || errors.Is(err, ErrUsage) != test.fails {
			t.Errorf("Lines() of %s %s = %+v, %v, want %s of hosts %q", test.set.Upstream, test.set.Corpus, lines, err, test.uri, test.hosts)
		}
		if err := test.set.CheckAPI(); errors.Is(err, ErrUsage) != test.asks {
			t.Errorf("CheckAPI() of %s = %v", test.set.Upstream, err)
		}
	}
}
