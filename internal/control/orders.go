package control

import (
	"context"
	"errors"
	"sync"
	"time"

	"shoal/internal/harvest"
)

// Orders holds the latest orders of operators and applies them to one process.
type Orders struct {
	stop   chan struct{} // closed by the first signal, or by an order to stop
	once   sync.Once
	signal <-chan struct{}
	leads  bool // an order to stop is for the workers, not for the process that leads them

	mu      sync.Mutex
	last    harvest.Control
	asked   time.Time // when the store was asked for it; zero before
	drainer string    // the operator who ordered the workers of the run to stop
	pacer   Pacer
	setter  RateSetter
	host    string
	applied time.Time // Control.At of the setter's latest order
}

// New returns the orders of a process, whose [Orders.Stop] closes with the signal too. A process
// that leads a run does not stop when its workers are ordered to.
func New(signal <-chan struct{}, leads bool) *Orders {
	o := &Orders{stop: make(chan struct{}), signal: signal, leads: leads}
	if signal != nil {
		go func() {
			select {
			case <-signal:
				o.Close()
			case <-o.stop:
			}
		}()
	}
	return o
}

// Stop returns a channel that is closed when the process is to stop: by the first signal, by an
// order, or by [Orders.Close].
func (o *Orders) Stop() <-chan struct{} { return o.stop }

// Close ends the wait for a signal.
func (o *Orders) Close() { o.once.Do(func() { close(o.stop) }) }

// Attach sets the pace that the orders are for, and applies what is known already. setter may be
// nil.
func (o *Orders) Attach(ctx context.Context, host string, pacer Pacer, setter RateSetter) {
	o.mu.Lock()
	o.host, o.pacer, o.setter = host, pacer, setter
	o.mu.Unlock()
	o.confirm()
	o.setPace(ctx)
}

// apply applies the store's answer.
func (o *Orders) apply(ctx context.Context, asked time.Time, c harvest.Control) {
	o.mu.Lock()
	o.last, o.asked = c, asked
	if !c.DrainAt.IsZero() && o.drainer == "" && !o.leads {
		o.drainer = c.DrainBy
		o.Close()
	}
	o.mu.Unlock()
	o.confirm()
	o.setPace(ctx)
}

// confirm passes the latest orders to the pacer, even unchanged ones: they show that the store was
// asked.
func (o *Orders) confirm() {
	o.mu.Lock()
	c, asked, pacer := o.last, o.asked, o.pacer
	o.mu.Unlock()
	if pacer == nil || asked.IsZero() {
		return
	}
	pacer.Confirm(Order{Asked: asked, Rate: perSecond(c), By: c.By, Hold: c.Hold, Silence: c.Silence, Lifted: c.Lifted})
}

// setPace passes new orders to the pace of the fleet.
func (o *Orders) setPace(ctx context.Context) {
	o.mu.Lock()
	c, setter, host := o.last, o.setter, o.host
	isNew := setter != nil && !c.At.IsZero() && !c.At.Equal(o.applied)
	o.mu.Unlock()
	if !isNew {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	err := setter.Hold(ctx, host, HoldLength(c.Hold))
	if rate := perSecond(c); rate > 0 {
		err = errors.Join(err, setter.SetRate(ctx, host, rate, c.By))
	}
	if err == nil {
		o.mu.Lock()
		o.applied = c.At
		o.mu.Unlock()
	}
}

// perSecond returns the rate that an operator set; 0 if there is none.
func perSecond(c harvest.Control) float64 {
	rate, err := harvest.ParseRate(c.Rate)
	if err != nil {
		return 0
	}
	return rate.PerSecond
}

// endless is longer than any run, for a pace that counts a hold in time.
const endless = 10 * 365 * 24 * time.Hour

// HoldLength returns the length of a hold as a pace takes it: [harvest.Forever] is longer than any
// run.
func HoldLength(hold time.Duration) time.Duration {
	if hold == harvest.Forever {
		return endless
	}
	return hold
}

// Draining reports whether the workers of the run are ordered to do nothing.
func (o *Orders) Draining() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.last.DrainAt.IsZero()
}

// Excuse distinguishes an order to stop from a signal: where an order ended the process with the
// error stopped, it returns who gave it in place of the error.
func (o *Orders) Excuse(err, stopped error) (by string, rest error) {
	if by := o.StoppedBy(); by != "" && errors.Is(err, stopped) {
		return by, nil
	}
	return "", err
}

// StoppedBy names the operator whose order stopped the process. It is empty if a signal stopped it,
// or nothing did.
func (o *Orders) StoppedBy() string {
	select {
	case <-o.signal:
		return ""
	default:
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.drainer
}
