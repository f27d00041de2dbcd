package store

import (
	"context"

	"shoal/internal/harvest"
)

// Suspects remember which items were in flight when an owner of the shard crashed. All methods work under the lease's token
// and fail with ErrFenced where another owner has the shard.
type Suspects interface {
	// Load returns, for each suspect of the shard, in how many crashed leases it was in flight.
	Load(ctx context.Context) (map[harvest.Key]int, error)
	// Note keeps that the items are in flight from now on, until they land, are cleared or the lease is given back.
	Note(ctx context.Context, keys []harvest.Key) error
	// Clear forgets the items and what is counted for them.
	Clear(ctx context.Context, keys []harvest.Key) error
	// Calm says that the shard's owner has lived for long: its next lease suspects nothing.
	Calm(ctx context.Context) error
}
