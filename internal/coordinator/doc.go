// Package coordinator does what a run needs once rather than in each shard: it
// enumerates a corpus that lives in one place into the store's corpus table.
//
// In go a chain of steps, each of which lists some items and says where the next
// one goes on; out come the rows of the table, in order, while it still grows. A
// step's items and the place of the next step are committed together, so that a
// kill leaves neither a gap nor a double. It makes no request itself: its Lister does.
package coordinator
