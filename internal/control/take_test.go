package control

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"shoal/internal/harvest"
)

// TestTake checks that the first orders are shown, that later ones follow although the opening has
// ended, and that none is applied after the end.
func TestTake(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &row{control: harvest.Control{Hold: time.Minute, By: "ada"}}
		p, o := &pace{}, New(nil, false)
		defer o.Close()
		o.Attach(t.Context(), "h", p, p)
		opening, opened := context.WithCancel(t.Context())
		var said []string
		end, err := o.Take(opening, store, harvest.Run{Name: "r", Inputs: harvest.Inputs{Host: "h"}}, isAway, again, func(sentence string) { said = append(said, sentence) })
		opened()
		if want := []string{"h is paused by ada: coordinator resume ends that"}; err != nil || !slices.Equal(said, want) {
			t.Fatalf("Take() = %v, and shows %q, want %q", err, said, want)
		}
		store.set(harvest.Control{Rate: "5/s", By: "ada", At: time.Unix(1, 0)}, nil)
		time.Sleep(time.Second)
		if got := p.all(); !slices.Contains(got, "rate h 5 ada") {
			t.Errorf("after a second the pace was told %q", got)
		}
		end()
		store.set(harvest.Control{Rate: "6/s", By: "ada", At: time.Unix(2, 0)}, nil)
		time.Sleep(time.Minute)
		if got := p.all(); slices.Contains(got, "rate h 6 ada") {
			t.Errorf("after the end the pace was told %q", got)
		}
		if end, err := o.Take(t.Context(), &row{err: errors.ErrUnsupported}, harvest.Run{}, isAway, again, nil); !errors.Is(err, errors.ErrUnsupported) || end != nil {
			t.Errorf("Take() of a store that fails = %v", err)
		}
	})
}
