// Package coordinator leads a run: it does what a run needs once rather than in each shard.
//
// In go the store's rows of a run and its processes, and a second pass over the corpus; out come
// the run's status, the proof by key that nothing of it is missing, its report, and a plan of what
// a run would cost. The package never makes a request and never opens a store: its caller passes in
// what it needs.
package coordinator
