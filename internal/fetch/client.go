package fetch

import (
	"context"

	"log/slog"

	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
)

// Client makes exchanges with the hosts of one upstream. It is safe for concurrent use.
//
// Memory: what an answer holds counts against Config.Budget from its first buffer until
// [harvest.Answer.Release]: its body, and what its reader reports to make of it. Every slot counts
// as much as recent bodies took. [Client.Reserve] waits while that sum has reached the budget, and
// so does every answer that grows except one, which may take Config.Largest beyond it. In addition,
// peers may have sent Streams · streamWindow bytes ahead. An exchange that waits for memory is not
// ended for its slowness.
type Client struct {
	cfg       Config
	log       *slog.Logger
	dialer    *dialer
	auth      *authorizer
	places    *semaphore.Weighted
	exclusive *semaphore.Weighted // one exchange at a time has a connection of its own
	budget    budget
	door      *door
	buffers   *buffers
	inflaters inflaters
	patience  patience
	typical   atomic.Int64 // bytes of buffer that a body took lately

	ctx    context.Context //nolint:containedctx // ends dials and renewals at Close
	cancel context.CancelFunc
	closed atomic.Bool
	work   sync.WaitGroup // dials and renewals

	mu       sync.Mutex
	origins  map[string]*origin
	isolated *origin // of the exclusive slot that is out, if any

	goaways, pings, flying atomic.Int64
}

// patience is how long a connection may be in a bad state.
type patience struct {
	readIdle time.Duration // without any frame, before a PING asks whether the peer is there
	ping     time.Duration // for the answer to that
	write    time.Duration // without the peer taking a byte of what we write
	shut     time.Duration // with the peer allowing no stream at all, before that is an outage
}

func usualPatience() patience {
	return patience{readIdle: 15 * time.Second, ping: 5 * time.Second, write: 10 * time.Second, shut: time.Minute}
}

// New checks the settings, reads secrets and certificates, and makes no connection. Its errors are
// sentences for the operator.
func New(cfg Config, log *slog.Logger) (*Client, error) {
	cfg = cfg.withDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	c := &Client{
		cfg: cfg, log: log, origins: map[string]*origin{},
		places: semaphore.NewWeighted(int64(cfg.Streams)), exclusive: semaphore.NewWeighted(1), door: newDoor(), buffers: newBuffers(cfg.MaxBody), patience: usualPatience(),
	}
	c.budget.limit, c.budget.largest = cfg.Budget, cfg.Largest
	c.typical.Store(smallestBuffer)
	c.ctx, c.cancel = context.WithCancel(context.Background())
	var err error
	if c.dialer, err = newDialer(cfg, log); err != nil {
		return nil, err
	}
	if c.auth, err = newAuthorizer(c, log); err != nil {
		return nil, err
	}
	return c, nil
}

// Reserve waits for everything that an exchange needs, in this order: a place among Config.Streams,
// memory, a stream of a warm connection to the origin, a credential. target is an origin such as
// https://api.example, or any canonical URL of it; a bare host means https. Trouble with the
// connection or the credential is a [*harvest.Failure]; if ctx ends, its cause is returned.
func (c *Client) Reserve(ctx context.Context, target string) (*Slot, error) {
	return c.reserve(ctx, target, false)
}

// ReserveIsolated is [Client.Reserve] on a connection that is opened for this exchange and closed
// after it, to find out whether an exchange breaks connections: what others did to theirs is not
// counted against it. One such slot is out at a time.
func (c *Client) ReserveIsolated(ctx context.Context, target string) (*Slot, error) {
	if err := c.exclusive.Acquire(ctx, 1); err != nil {
		return nil, context.Cause(ctx)
	}
	s, err := c.reserve(ctx, target, true)
	if err != nil {
		c.endIsolated()
	}
	return s, err
}

// endIsolated closes what the exclusive slot had for itself, and lets the next one have its turn.
func (c *Client) endIsolated() {
	c.mu.Lock()
	o := c.isolated
	c.isolated = nil
	var twin *origin
	if o != nil {
		twin = c.origins[o.name]
	}
	c.mu.Unlock()
	if o != nil && o.shutdown() && twin != nil {
		twin.heardCalm()
	}
	c.exclusive.Release(1)
}

func (c *Client) reserve(ctx context.Context, target string, exclusive bool) (*Slot, error) {
	if c.closed.Load() {
		return nil, ErrClosed
	}
	o, err := c.origin(target, exclusive)
	if err != nil {
		return nil, err
	}
	if err := c.places.Acquire(ctx, 1); err != nil {
		return nil, context.Cause(ctx)
	}
	s := &Slot{c: c, o: o, expected: c.typical.Load()}
	if err := c.budget.take(ctx, s.expected); err != nil {
		c.places.Release(1)
		return nil, err
	}
	if s.link, err = o.book(ctx); err != nil {
		s.giveBack()
		return nil, err
	}
	if !o.own {
		s.exclusive = exclusive
		return s, nil
	}
	if err := c.auth.ready(ctx); err != nil {
		s.Release()
		return nil, c.scrub(err)
	}
	s.exclusive = exclusive
	return s, nil
}

// origin finds or makes the origin of a target, or makes a twin of it for one exchange that needs a
// connection of its own.
func (c *Client) origin(target string, exclusive bool) (*origin, error) {
	scheme, rest, ok := strings.Cut(target, "://")
	if !ok {
		scheme, rest = "https", target
	}
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		rest = rest[:i]
	}
	name := scheme + "://" + rest
	c.mu.Lock()
	defer c.mu.Unlock()
	if o := c.origins[name]; o != nil && !exclusive {
		return o, nil
	}
	o, err := newOrigin(c, name)
	if err != nil {
		return nil, err
	}
	if o.isolated = exclusive; exclusive {
		c.isolated = o
	} else {
		c.origins[name] = o
	}
	return o, nil
}

// remember keeps the size of bodies as a moving average over about the last 16, quicker to rise.
// The next slot counts that much before its body has come.
func (c *Client) remember(size int64) {
	old := c.typical.Load()
	weight := int64(16)
	if size > old {
		weight = 2 // large bodies must show in the average before forty of them are under way
	}
	c.typical.CompareAndSwap(old, max(smallestBuffer, old+(size-old)/weight))
}

// Renew is for a 401: it drops the credential and reads the file or asks for a token once more.
// Callers at about the same time share one renewal. False means that no other credential is
// available: a repeated request would fare the same.
func (c *Client) Renew(ctx context.Context) (bool, error) {
	changed, err := c.auth.renew(ctx)
	return changed, c.scrub(err)
}

// Stats are counts since [New], and the state at this moment.
type Stats struct {
	Dials    int64 // connections tried, proxies and token endpoints included
	Lookups  int64 // of them, those that had to look a name up
	GoAways  int64
	Pings    int64 // answered by peers
	Renewals int64 // credentials taken up after the first
	InFlight int64
	Cap      int   // see StreamCap
	Budget   int64 // bytes in use, see Client
}

// Stats returns what the client is doing.
func (c *Client) Stats() Stats {
	return Stats{
		Dials: c.dialer.dials.Load(), Lookups: c.dialer.lookups.Load(),
		GoAways: c.goaways.Load(), Pings: c.pings.Load(), Renewals: c.auth.renewals.Load(),
		InFlight: c.flying.Load(), Cap: c.StreamCap(), Budget: c.budget.inUse(),
	}
}

// StreamCap returns how many exchanges can be in flight at once: what was configured, or fewer if a
// peer allows fewer now.
func (c *Client) StreamCap() int {
	lowest := int64(c.cfg.Streams)
	for _, o := range c.all() {
		o.mu.Lock()
		if a := o.h2.active; a != nil {
			lowest = min(lowest, a.watch.streams.Load())
		}
		o.mu.Unlock()
	}
	return int(lowest)
}

func (c *Client) all() []*origin {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make([]*origin, 0, len(c.origins)+1)
	if c.isolated != nil {
		all = append(all, c.isolated)
	}
	for _, o := range c.origins {
		all = append(all, o)
	}
	return all
}

// Close ends all connections, exchanges in flight included, and waits for dials and renewals to
// give up. [Client.Reserve] fails with [ErrClosed] from then on.
func (c *Client) Close() error {
	c.mu.Lock()
	was := c.closed.Swap(true)
	c.mu.Unlock()
	if was {
		return nil
	}
	c.cancel()
	for _, o := range c.all() {
		o.shutdown()
	}
	c.work.Wait()
	return nil
}

// spawn runs f, which ends soon after c.ctx does, and makes Close wait for it.
func (c *Client) spawn(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed.Load() {
		go f()
		return
	}
	c.work.Go(f)
}

// shutdown wakes all waiters and closes all connections, those that are being opened too. It
// reports whether an ENHANCE_YOUR_CALM came that no caller has reported.
func (o *origin) shutdown() (calm bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.full = true
	o.wakeAll()
	for _, c := range o.h2.conns {
		go c.cc.Close()
	}
	for c := range o.h1.all {
		go c.cc.Close()
	}
	return o.calm
}

// heardCalm lets the next caller report an ENHANCE_YOUR_CALM that came elsewhere.
func (o *origin) heardCalm() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.calm = true
	o.wakeOne()
}
