package store_test

import (
	"context"
	"errors"
	"testing"

	"shoal/internal/harvest"
	"shoal/internal/store"
)

// leases have one shard that is free.
type leases struct {
	free harvest.Shard
	err  error
}

func (l leases) Claim(_ context.Context, c store.Claim) (*store.Lease, error) {
	if c.Shard != l.free {
		return nil, store.ErrHeld
	}
	return &store.Lease{Token: 1}, l.err
}

func (l leases) ClaimAny(_ context.Context, c store.Claim) (*store.Lease, harvest.Shard, error) {
	if c.Shard.Of != l.free.Of {
		return nil, harvest.Shard{}, store.ErrNoShardLeft
	}
	return &store.Lease{Token: 2}, l.free, l.err
}

// TestTake states which shard is taken.
func TestTake(t *testing.T) {
	t.Parallel()
	free := harvest.Shard{Index: 2, Of: 4}
	for _, test := range []struct {
		name  string
		shard harvest.Shard
		free  bool
		token int64
		err   error
	}{
		{name: "the one that is named", shard: free, token: 1},
		{name: "one that another worker has", shard: harvest.Shard{Index: 1, Of: 4}, err: store.ErrHeld},
		{name: "any that is free", shard: harvest.Shard{Of: 4}, free: true, token: 2},
		{name: "none is left", shard: harvest.Shard{Of: 8}, free: true, err: harvest.ErrNoShardLeft},
	} {
		lease, shard, err := store.Take(t.Context(), leases{free: free}, store.Claim{Shard: test.shard}, test.free)
		if !errors.Is(err, test.err) || err == nil && (lease.Token != test.token || shard != free) {
			t.Errorf("%s: Take() = %v, %v, %v, want token %d of %v, %v", test.name, lease, shard, err, test.token, free, test.err)
		}
	}
}

// TestFenced checks that a store's word for a lease that was taken over is that of the others.
func TestFenced(t *testing.T) {
	t.Parallel()
	if !errors.Is(store.ErrFenced, harvest.ErrFenced) || errors.Is(store.ErrHeld, harvest.ErrFenced) {
		t.Errorf("%v is a %v: %v", store.ErrFenced, harvest.ErrFenced, errors.Is(store.ErrFenced, harvest.ErrFenced))
	}
}

// rows are the pages of a store.
type rows struct {
	store.Pages

	query store.Query
}

func (r *rows) Export(_ context.Context, q store.Query, each func(store.Row) error) error {
	r.query = q
	return each(store.Row{Page: harvest.Page{ID: "7", Reason: "timeout", Body: []byte("{}"), Raw: []byte("x")}})
}

// TestSome checks that some pages are asked for, and that they come without bodies.
func TestSome(t *testing.T) {
	t.Parallel()
	r := &rows{}
	pages, err := store.Some(t.Context(), r, "q", harvest.Dead, 5)
	if err != nil || len(pages) != 1 || pages[0].ID != "7" || pages[0].Body != nil || pages[0].Raw != nil {
		t.Errorf("Some() = %+v, %v, want the page 7 without a body", pages, err)
	}
	if q := r.query; q.Run != "q" || q.What != store.PageRows || q.Limit != 5 || len(q.Outcomes) != 1 || q.Outcomes[0] != harvest.Dead {
		t.Errorf("Some() asks for %+v, want 5 pages of q that ended dead", q)
	}
}
