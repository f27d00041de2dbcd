package runs

import (
	"cmp"

	"shoal/internal/harvest"
)

// Source is what the corpus of a run is read from.
type Source int

// The sources.
const (
	// Later is what the run names, which is not known yet.
	Later Source = iota
	// Lines are those of a file, an address or standard input.
	Lines
	// Table is the corpus table of the run, or the listing that fills it.
	Table
	// Steps are the steps of a listing whose answers are the pages.
	Steps
)

// Named returns what the corpus of the start is read from before its run is known, so that a
// mistyped path leaves no store behind. A table is opened with its run, for which a worker may have
// to wait, as is the corpus of a worker that takes any shard.
func (s Start) Named() Source {
	corpus := s.Merged.Corpus
	if corpus == "" || s.AutoShard || corpus == harvest.StoreCorpus && s.Waits() {
		return Later
	}
	return s.Source()
}

// Source returns what the corpus of the start is read from for the first time.
func (s Start) Source() Source {
	if corpus := s.Merged.Corpus; corpus == harvest.StoreCorpus || s.Kinds.IsListing(corpus) {
		return Table
	}
	return Lines
}

// Again returns what the corpus of the run is read from once more. What cannot be read twice is in
// its table.
func (s Start) Again(run harvest.Run) Source {
	switch {
	case s.ListsPages(run):
		return Steps
	case run.Corpus == Stdin || s.Kinds.IsListing(run.Corpus) || s.Merged.Corpus == harvest.StoreCorpus:
		return Table
	}
	return Lines
}

// ListsPages reports whether the answers of the listing that the run harvests are the pages
// themselves. The run may not be known yet.
func (s Start) ListsPages(run harvest.Run) bool {
	return s.Kinds.ListsPages(cmp.Or(run.Corpus, s.Merged.Corpus), s.Merged.Items)
}
