package runs

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"shoal/internal/harvest"
)

// A worker may start when its run was opened and the corpus is not in the store yet.
func TestUntilHere(t *testing.T) {
	away := Elsewhere("q", harvest.Usagef("no such file"), "")
	for name, test := range map[string]struct {
		waits bool
		after int // looks that fail, before one does not
		err   error
		want  error
		looks int
	}{
		"at once":                   {waits: true, looks: 1},
		"another error":             {waits: true, after: 99, err: harvest.ErrIncomplete, want: harvest.ErrIncomplete, looks: 1},
		"after some looks":          {waits: true, after: 3, err: away, looks: 4},
		"never":                     {waits: true, after: 99, err: away, want: harvest.ErrUsage, looks: 21},
		"no other process may come": {after: 99, err: away, want: harvest.ErrUsage, looks: 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				looks, sentences := 0, 0
				err := UntilHere(t.Context(), test.waits, func(string) { sentences++ }, func() error {
					if looks++; looks <= test.after {
						return test.err
					}
					return nil
				})
				if !errors.Is(err, test.want) || looks != test.looks || sentences > 1 {
					t.Errorf("UntilHere() = %v after %d looks and %d sentences, want %v after %d, and at most one", err, looks, sentences, test.want, test.looks)
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, harvest.ErrLate)
		defer cancel()
		if err := UntilHere(ctx, true, func(string) {}, func() error { return away }); !errors.Is(err, harvest.ErrLate) {
			t.Errorf("UntilHere() of a context that ends = %v, want its cause", err)
		}
	})
}
