package wire

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"shoal/internal/config"
	"shoal/internal/harvest"
	"shoal/internal/pace"
	"shoal/internal/worker"
)

// ordersPoll is how often the store is asked what operators say: an order reaches every worker within a second.
const ordersPoll = 400 * time.Millisecond

// orders carry what operators said, which the store keeps, to the pace and to the process.
type orders struct {
	stop     chan struct{} // closed by the first signal, or by an order to stop
	stopOnce sync.Once
	signal   <-chan struct{}

	mu      sync.Mutex
	last    harvest.Control
	asked   time.Time // when the store was asked for it
	stays   bool      // an order to stop is for others
	ordered string    // who ordered the run's workers to stop
	pace    governor
	pacer   *pace.Pacer
	host    string
	carried time.Time // Control.At of what pace was told
}

// governor is a backend of the pace, which operators govern.
type governor interface {
	SetRate(ctx context.Context, host string, rate float64, by string) error
	Hold(ctx context.Context, host string, length time.Duration) error
}

// newOrders passes a signal on.
func newOrders(signal <-chan struct{}) *orders {
	o := &orders{stop: make(chan struct{}), signal: signal}
	if signal != nil {
		go func() {
			select {
			case <-signal:
				o.end()
			case <-o.stop:
			}
		}()
	}
	return o
}

func (o *orders) end() { o.stopOnce.Do(func() { close(o.stop) }) }

// carryTo says whom to tell.
func (o *orders) carryTo(backend pace.Backend, pacer *pace.Pacer, host string) {
	o.mu.Lock()
	o.pace, _ = backend.(governor)
	o.pacer, o.host = pacer, host
	o.mu.Unlock()
	o.confirm()
	o.carry(context.Background())
}

// hear takes in what the store says now; it was asked at an instant.
func (o *orders) hear(ctx context.Context, asked time.Time, c harvest.Control) {
	o.mu.Lock()
	o.last, o.asked = c, asked
	if !c.DrainAt.IsZero() && o.ordered == "" && !o.stays {
		o.ordered = c.DrainBy
		o.end()
	}
	o.mu.Unlock()
	o.confirm()
	o.carry(ctx)
}

// confirm tells the pacer what the store says, which it trusts more than Redis.
func (o *orders) confirm() {
	o.mu.Lock()
	c, asked, pacer := o.last, o.asked, o.pacer
	o.mu.Unlock()
	if pacer == nil || asked.IsZero() {
		return
	}
	said := pace.Said{Asked: asked, By: c.By, Hold: c.Hold, Silence: c.Silence, Lifted: c.Lifted}
	if rate, err := config.ParseRate(c.Rate); err == nil {
		said.Rate = rate.PerSecond
	}
	pacer.Confirm(said)
}

// drained tells whether the run's workers are to do nothing.
func (o *orders) drained() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.last.DrainAt.IsZero()
}

// carry tells the pace what has changed. All workers say the same; whoever is late changes nothing.
func (o *orders) carry(ctx context.Context) {
	o.mu.Lock()
	c, backend, host := o.last, o.pace, o.host
	news := backend != nil && !c.At.IsZero() && !c.At.Equal(o.carried)
	o.mu.Unlock()
	if !news {
		return
	}
	rate, err := config.ParseRate(c.Rate)
	if err != nil {
		rate = config.Rate{} // nobody said one
	}
	hold := c.Hold
	if hold == harvest.Forever {
		hold = endless
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	err = backend.Hold(ctx, host, hold)
	if rate.PerSecond > 0 {
		err = errors.Join(err, backend.SetRate(ctx, host, rate.PerSecond, c.By))
	}
	if err == nil {
		o.mu.Lock()
		o.carried = c.At
		o.mu.Unlock()
	}
}

// endless is a hold that only an operator ends.
const endless = 10 * 365 * 24 * time.Hour

// orderedBy names the operator who ordered the workers to stop.
func (o *orders) orderedBy() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.ordered
}

// takeOrders waits while the run is being drained, and hears what operators say from then on. Whoever leads the run does
// not wait here: it watches over the run meanwhile.
func (h *Harvester) takeOrders(ctx context.Context) error {
	var c harvest.Control
	var asked time.Time
	err := h.patiently(ctx, "coordinator resume", func(err error) bool { return unavailable(err) || errors.Is(err, errDraining) }, func() (err error) {
		asked = time.Now()
		if c, err = h.truth.Control(ctx, h.run.Name); err != nil || c.DrainAt.IsZero() || h.leads {
			return err
		}
		return fmt.Errorf("run %s %w by %s since %s", h.run.Name, errDraining, c.DrainBy, c.DrainAt.Format(time.DateTime+" MST"))
	})
	if err != nil {
		return err
	}
	h.orders.hear(ctx, asked, c)
	if c.Silence > time.Second {
		h.Say(fmt.Sprintf("%s asked for silence for another %s: coordinator resume --host %s ends that, if you know better", h.run.Host, Ago(c.Silence), h.run.Host))
	}
	if c.Hold != 0 {
		h.Say(fmt.Sprintf("%s is paused by %s: coordinator resume ends that", h.run.Host, c.By))
	}
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.listen(life)
	}()
	h.onClose(func() error {
		end()
		<-done
		return nil
	})
	return nil
}

var errDraining = errors.New("is kept from working")

// listen asks the store again and again. While it is away the last orders stand.
func (h *Harvester) listen(ctx context.Context) {
	tick := time.NewTicker(ordersPoll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		asked := time.Now()
		ask, cancel := context.WithTimeout(ctx, 5*time.Second)
		c, err := h.truth.Control(ask, h.run.Name)
		cancel()
		if err == nil {
			h.orders.hear(ctx, asked, c)
		}
	}
}

// obeyed tells an order to stop from a signal.
func (h *Harvester) obeyed(out Outcome, err error) (Outcome, error) {
	out.Run = h.run
	by := h.orders.orderedBy()
	if by == "" || !errors.Is(err, worker.ErrStopped) {
		return out, err
	}
	select {
	case <-h.orders.signal:
		return out, err
	default:
		out.Ordered = by
		return out, nil
	}
}
