// Package runs decides which run a start of a program means, what a resumed run keeps of its own,
// and when a run's corpus or its losses are not what they may be.
//
// In go the runs of the store and what one start was given; out come a run to open, settings to
// work with, or an error for the operator. It is pure except for [Finder] and [RecordCorpus], which
// act on a small part of the store, and it never reads a corpus.
package runs
