// Package exchange makes one attempt at a request, for any caller: a shard's item, a step of a
// listing, a look before a run.
//
// In go a request, what reads its answer and what is known of the attempts before it; out comes an
// [Exchange]: how far the attempt came, what the answer holds and what the policy makes of it. An
// attempt is always made in the same order:
//
//	reserve ─► permit ─► send ─► decode ─► decide ─► report
//
// The stream of a live connection comes first and the permit last, so that nothing waits between
// the permit and the first byte. The package never repeats an attempt and never keeps a page: what
// follows from an [Exchange] is for its caller to do. Only a [Caller], for requests that belong to
// no shard, repeats one until it is accepted.
package exchange
