package storetest

import (
	"strings"
	"sync"
	"testing"

	"shoal/internal/store"
)

func testSchema(t *testing.T, e *env) {
	e.run(t, "a newer schema is refused", newerSchema)
	e.run(t, "read only", readOnly)
	t.Run("eight migrate at once", func(t *testing.T) {
		t.Parallel()
		migrateTogether(t, e.fresh(t))
	})
	t.Run("read only without a schema", func(t *testing.T) {
		t.Parallel()
		twin := e.fresh(t)
		_, err := twin.Open(t.Context(), store.Options{ReadOnly: true})
		wantError(t, "Open(empty, read only)", err, store.ErrNoTables)
		twin = e.fresh(t)
		_, err = twin.Open(t.Context(), store.Options{Existing: true})
		wantError(t, "Open(empty, existing)", err, store.ErrNoTables)
	})
}

func migrateTogether(t *testing.T, twin Twin) {
	begin := make(chan struct{})
	stores := make(chan *store.Store, 8)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			<-begin
			s, err := twin.Open(t.Context(), store.Options{Version: "v1"})
			if err != nil {
				t.Errorf("Open(with seven others) = %v, want nil", err)
				return
			}
			stores <- s
		})
	}
	close(begin)
	all.Wait()
	close(stores)
	for s := range stores {
		if runs, err := s.ListRuns(t.Context()); err != nil || len(runs) != 0 {
			t.Errorf("ListRuns() = %v, %v, want none, nil", runs, err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("Close() = %v, want nil", err)
		}
	}
}

func newerSchema(t *testing.T, f *fixture) {
	f.Upgrade(t, 999, "v9.9.9")
	_, err := f.Open(t.Context(), store.Options{Version: "v1.0.0"})
	wantError(t, "Open(newer schema)", err, store.ErrSchema)
	for _, part := range []string{"999", "v9.9.9", "v1.0.0", "newer"} {
		if err != nil && !strings.Contains(err.Error(), part) {
			t.Errorf("Open(newer schema) = %q, want it to name %q", err, part)
		}
	}
}

func readOnly(t *testing.T, f *fixture) {
	f.land(t, Page(1))
	reader := open(t, f.Twin, store.Options{ReadOnly: true})
	if counts, err := reader.Totals(t.Context(), Name); err != nil || counts.Landed != 1 {
		t.Errorf("Totals(read only) = %+v, %v, want 1 landed, nil", counts, err)
	}
	if err := reader.NewGeneration(t.Context(), Name); err == nil {
		t.Error("NewGeneration(read only) = nil, want an error")
	}
}
