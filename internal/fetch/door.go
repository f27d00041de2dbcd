package fetch

import (
	"context"
	"sync/atomic"
	"time"

	"shoal/internal/harvest"
)

// door is what each request of a client passes on its way out, one at a time: from the last look at
// its permit to the moment at which its head is written. A machine under load, or a stopped
// process, can freeze in between. Then one request leaves late, not one for each permit checked
// before, and the others are checked again.
type door struct {
	inside chan struct{} // of one
	owed   time.Time     // when a request left late: it was one too many in the second after it. Guarded by inside
}

func newDoor() *door { return &door{inside: make(chan struct{}, 1)} }

// enter waits for the door and checks the permit. Its error is [harvest.ErrLate] if the permit is
// not usable any more, or has to compensate for a request that left late.
func (d *door) enter(ctx context.Context, usable func() bool) (*turn, error) {
	t := &turn{d: d, usable: usable}
	if usable == nil {
		t.over.Store(true)
		return t, nil
	}
	select {
	case d.inside <- struct{}{}:
	case <-ctx.Done():
		return nil, &harvest.Failure{Fault: harvest.FaultReset, Err: context.Cause(ctx)}
	}
	if !usable() {
		t.end()
		return nil, harvest.ErrLate
	}
	if !d.owed.IsZero() && time.Since(d.owed) < time.Second {
		d.owed = time.Time{}
		t.end()
		return nil, harvest.ErrLate
	}
	return t, nil
}

// turn is one request's passage.
type turn struct {
	d      *door
	usable func() bool
	over   atomic.Bool
}

// left is called when the request's head is written.
func (t *turn) left() {
	if t.over.Swap(true) {
		return
	}
	if !t.usable() {
		t.d.owed = time.Now()
	}
	<-t.d.inside
}

// end is called when nothing is written.
func (t *turn) end() {
	if !t.over.Swap(true) {
		<-t.d.inside
	}
}
