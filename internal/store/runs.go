package store

import (
	"strconv"
	"strings"

	"shoal/internal/harvest"
)

// storedCorpus is the --corpus that means the run's own corpus table.
const storedCorpus = "store:"

// ShardsFlag cannot be said anew even where nothing has landed: shards have rows.
const ShardsFlag = "--shards"

// Contradicts compares what a run was opened with and what is given now. An input that is not given means "as stored",
// and where the corpus is read from now need not be where it was read from when the run's table was filled.
func Contradicts(stored, given harvest.Run) *Contradiction {
	fields := []struct{ name, stored, given string }{
		{"--upstream", stored.Upstream, given.Upstream},
		{"--api or --url", stored.API, given.API},
		{"host", stored.Host, given.Host},
		{"--extract", stored.Extract, given.Extract},
		{"--body", stored.Body, given.Body},
		{"--corpus", stored.Corpus, given.Corpus},
		{"--next", stored.Next, given.Next},
		{"--items", stored.Items, given.Items},
		{"--split", stored.Split, given.Split},
		{"--id", stored.ID, given.ID},
		{"--absent", stored.Absent, given.Absent},
		{ShardsFlag, orUnset(stored.Shards), orUnset(given.Shards)},
	}
	for _, f := range fields {
		if f.given == "" || f.given == f.stored {
			continue
		}
		if f.name == ShardsFlag && f.stored == "" {
			continue // a worker opened it; from now on it is led
		}
		if f.name == "--corpus" && (unsaidCorpus(f.given) || unsaidCorpus(f.stored)) {
			continue
		}
		return &Contradiction{Run: stored.Name, Field: f.name, Stored: f.stored, Given: f.given}
	}
	return nil
}

func unsaidCorpus(corpus string) bool { return corpus == "" || strings.HasPrefix(corpus, storedCorpus) }

// orUnset is a number that may not have been said.
func orUnset(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}
