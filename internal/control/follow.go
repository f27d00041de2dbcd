package control

import (
	"context"
	"errors"
	"fmt"
	"time"

	"shoal/internal/harvest"
)

// Poll is how often the store is asked for orders: an order reaches every worker within a second.
const Poll = 400 * time.Millisecond

// pollLimit is how long one query may take.
const pollLimit = 5 * time.Second

// errDraining is the error of a run whose workers are ordered to stop.
var errDraining = errors.New("is kept from working")

// Begin takes the first orders about a run. A worker waits in it while the run is drained; a
// process that leads the run does not, since it watches over the run meanwhile. temporary accepts
// the errors of an unreachable store. The returned sentences are for a person.
func (o *Orders) Begin(ctx context.Context, store Store, run harvest.Run, temporary func(error) bool, retry Retry) ([]string, error) {
	var c harvest.Control
	var asked time.Time
	wait := func(err error) bool { return temporary(err) || errors.Is(err, errDraining) }
	err := retry(ctx, "coordinator resume", wait, func() (err error) {
		asked = time.Now()
		if c, err = store.Control(ctx, run.Name); err != nil || c.DrainAt.IsZero() || o.leads {
			return err
		}
		return fmt.Errorf("run %s %w by %s since %s", run.Name, errDraining, c.DrainBy, c.DrainAt.Format(time.DateTime+" MST"))
	})
	if err != nil {
		return nil, err
	}
	o.apply(ctx, asked, c)
	return notices(run.Host, c), nil
}

// notices returns the orders that keep a host silent when a process begins.
func notices(host string, c harvest.Control) (all []string) {
	if c.Silence > time.Second {
		all = append(all, fmt.Sprintf("%s asked for silence for another %s: coordinator resume --host %s ends that, if you know better", host, harvest.Ago(c.Silence), host))
	}
	if c.Hold != 0 {
		all = append(all, fmt.Sprintf("%s is paused by %s: coordinator resume ends that", host, c.By))
	}
	return all
}

// Follow asks the store for orders until ctx ends.
func (o *Orders) Follow(ctx context.Context, store Store, run string) {
	tick := time.NewTicker(Poll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		asked := time.Now()
		ask, cancel := context.WithTimeout(ctx, pollLimit)
		c, err := store.Control(ask, run)
		cancel()
		if err == nil {
			o.apply(ctx, asked, c)
		}
	}
}

// Take takes the first orders about a run as [Orders.Begin] does, and follows more of them until
// the returned function is called, which returns when none is applied any more.
func (o *Orders) Take(ctx context.Context, store Store, run harvest.Run, temporary func(error) bool, retry Retry, say func(sentence string)) (end func(), err error) {
	sentences, err := o.Begin(ctx, store, run, temporary, retry)
	if err != nil {
		return nil, err
	}
	for _, sentence := range sentences {
		say(sentence)
	}
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		o.Follow(life, store, run.Name)
	}()
	return func() {
		cancel()
		<-done
	}, nil
}
