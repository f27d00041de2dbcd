package simple

import (
	"context"

	"shoal/internal/harvest"
)

// Flight derives [store.Suspects] from one method.
type Flight struct {
	// Under calls do with the suspects of the run and the row of the shard, while the shard has the
	// token of the lease, and keeps what do changes. Else it fails with [store.ErrFenced].
	Under func(ctx context.Context, do func(all Suspects, row *Shard)) error
}

// Load implements [store.Suspects].
func (f Flight) Load(ctx context.Context) (found map[harvest.Key]int, err error) {
	err = f.Under(ctx, func(all Suspects, row *Shard) { found = all.Load(row.Shard) })
	return found, err
}

// Note implements [store.Suspects].
func (f Flight) Note(ctx context.Context, keys []harvest.Key) error {
	return f.Under(ctx, func(all Suspects, row *Shard) { all.Note(row.Shard, row.Token, keys) })
}

// Withdraw implements [store.Suspects].
func (f Flight) Withdraw(ctx context.Context, keys []harvest.Key) error {
	return f.Under(ctx, func(all Suspects, row *Shard) { all.Withdraw(row.Token, keys) })
}

// Clear implements [store.Suspects].
func (f Flight) Clear(ctx context.Context, keys []harvest.Key) error {
	return f.Under(ctx, func(all Suspects, _ *Shard) { all.Clear(keys) })
}

// Calm implements [store.Suspects].
func (f Flight) Calm(ctx context.Context) error {
	return f.Under(ctx, func(_ Suspects, row *Shard) { row.Crashes = 0 })
}
