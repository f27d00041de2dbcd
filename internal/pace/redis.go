package pace

import (
	"context"
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

var (
	//go:embed lua/common.lua
	commonLua string
	//go:embed lua/acquire.lua
	acquireLua string
	//go:embed lua/backoff.lua
	backoffLua string
	//go:embed lua/release.lua
	releaseLua string
	//go:embed lua/rate.lua
	rateLua string
	//go:embed lua/hold.lua
	holdLua string
	//go:embed lua/repair.lua
	repairLua string
)

// Redis keeps budgets in a Redis server for all processes that use it, under these keys, HOST the
// budget's host:
//
//	shoal:{HOST}:pace     HASH    the state; its instants are microseconds of the server's clock
//	shoal:{HOST}:workers  ZSET    worker → first seen
//	shoal:{HOST}:seen     ZSET    worker → last seen
//	shoal:{HOST}:asked    HASH    worker → requests/s it asks for
//	shoal:{HOST}:events   channel "epoch until now", on every change that a worker must hear of
//	shoal:{HOST}:backoff  STRING  end of the upstream's silence, for people to see; expires then
//
// Its user needs EVALSHA, EVAL, INFO, TIME, SUBSCRIBE, PUBLISH and the commands of those types.
type Redis struct {
	client  redis.UniversalClient
	scripts scripts
}

type scripts struct {
	acquire, backoff, release, rate, hold, repair *redis.Script
}

// NewRedis returns a backend on client, which the caller still has to close. Each [Pacer] uses one
// or two of the client's pooled connections for short calls, and one connection of its own, outside
// the pool, for its subscription.
func NewRedis(client redis.UniversalClient) *Redis {
	return &Redis{client: client, scripts: scripts{
		acquire: redis.NewScript(commonLua + acquireLua),
		backoff: redis.NewScript(commonLua + backoffLua),
		release: redis.NewScript(commonLua + releaseLua),
		rate:    redis.NewScript(commonLua + rateLua),
		hold:    redis.NewScript(commonLua + holdLua),
		repair:  redis.NewScript(commonLua + repairLua),
	}}
}

// BackendOf returns the backend of a server that keeps budgets or, where client is nil, one of this
// process.
func BackendOf(client redis.UniversalClient) Backend {
	if client == nil {
		return NewLocal()
	}
	return NewRedis(client)
}

func keys(host string) []string {
	prefix := "shoal:{" + host + "}:"
	return []string{prefix + "pace", prefix + "workers", prefix + "seen", prefix + "asked", prefix + "events", prefix + "backoff"}
}

func decimal(f float64) string { return strconv.FormatFloat(f, 'g', 17, 64) }

func (r *Redis) acquire(ctx context.Context, host string, a ask) (grant, error) {
	reply, err := r.scripts.acquire.Run(ctx, r.client, keys(host), acquireArgs(a)...).Slice()
	if err != nil {
		return grant{}, fmt.Errorf("acquire permits for %s: %w", host, err)
	}
	return readGrant(reply)
}

func acquireArgs(a ask) []any {
	return []any{a.worker, decimal(a.rate), decimal(a.headroom), a.limit, a.want, a.ahead, a.silent,
		decimal(a.opRate), a.opBy, a.opHold, a.ok, a.bad, a.grace, digit(a.spell), decimal(a.most)}
}

func readGrant(reply []any) (grant, error) {
	f := fields{reply: reply}
	g := grant{n: int(f.int()), base: f.int(), off: f.int(), gap: f.int(), probe: f.int() == 1,
		epoch: f.int(), born: f.int(), until: f.int(), hold: f.int(), rate: f.float(), rateBy: f.text(), share: f.float(), top: f.float(),
		now: f.int(), wait: f.int(), goodAt: f.int(), outage: f.int() == 1, active: int(f.int()), standby: f.int() == 1}
	return g, f.err
}

// fields reads a script's reply in order and keeps the first error.
type fields struct {
	reply []any
	next  int
	err   error
}

func (f *fields) any() any {
	f.next++
	if f.next > len(f.reply) {
		return nil
	}
	return f.reply[f.next-1]
}

func (f *fields) int() int64 {
	v, ok := f.any().(int64)
	f.check(ok)
	return v
}

func (f *fields) text() string {
	v, ok := f.any().(string)
	f.check(ok)
	return v
}

func (f *fields) float() float64 {
	v, err := strconv.ParseFloat(f.text(), 64)
	f.check(err == nil)
	return v
}

func (f *fields) check(ok bool) {
	if !ok && f.err == nil {
		f.err = fmt.Errorf("pace script's reply %v: field %d has another type", f.reply, f.next)
	}
}

// simple runs a script that answers with a fact.
func (r *Redis) simple(ctx context.Context, s *redis.Script, host string, args ...any) (fact, error) {
	reply, err := s.Run(ctx, r.client, keys(host), args...).Int64Slice()
	if err != nil {
		return fact{}, err
	}
	if len(reply) != 3 {
		return fact{}, fmt.Errorf("pace script's reply %v: expected 3 numbers", reply)
	}
	return fact{epoch: reply[0], until: reply[1], now: reply[2]}, nil
}

func (r *Redis) backoff(ctx context.Context, host string, b report) (fact, error) {
	known, err := r.simple(ctx, r.scripts.backoff, host, b.seen, b.delay, digit(b.cut))
	if err != nil {
		return fact{}, fmt.Errorf("back off from %s: %w", host, err)
	}
	return known, nil
}

func (r *Redis) release(ctx context.Context, host string, p parting) error {
	if _, err := r.simple(ctx, r.scripts.release, host, p.worker, p.last, p.back); err != nil {
		return fmt.Errorf("sign off from %s: %w", host, err)
	}
	return nil
}

// SetRate sets the host's budget to rate requests/s for all workers of all processes; by is the
// operator who did.
func (r *Redis) SetRate(ctx context.Context, host string, rate float64, by string) error {
	if err := checkRate(rate); err != nil {
		return err
	}
	if _, err := r.simple(ctx, r.scripts.rate, host, decimal(rate), operator(by)); err != nil {
		return fmt.Errorf("set the rate of %s: %w", host, err)
	}
	return nil
}

// Hold silences all workers of all processes on the host for length; zero or less ends a hold.
func (r *Redis) Hold(ctx context.Context, host string, length time.Duration) error {
	if _, err := r.simple(ctx, r.scripts.hold, host, max(0, min(length, longest).Microseconds())); err != nil {
		return fmt.Errorf("hold %s: %w", host, err)
	}
	return nil
}

func (r *Redis) repair(ctx context.Context, host string, lost bool) (fact, error) {
	known, err := r.simple(ctx, r.scripts.repair, host, digit(lost))
	if err != nil {
		return fact{}, fmt.Errorf("repair the budget of %s: %w", host, err)
	}
	return known, nil
}

func digit(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// subscribe listens again and again, until ctx ends.
func (r *Redis) subscribe(ctx context.Context, host string, hear func(event)) {
	for ctx.Err() == nil {
		r.listen(ctx, host, hear)
		hear(event{turned: true})
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// listen holds one subscription until it dies: an error, or two seconds without the answer to a
// ping.
func (r *Redis) listen(ctx context.Context, host string, hear func(event)) {
	sub := r.client.Subscribe(ctx, keys(host)[4])
	defer context.AfterFunc(ctx, func() { _ = sub.Close() })()
	defer func() { _ = sub.Close() }()
	for pinged := false; ; {
		message, err := sub.ReceiveTimeout(ctx, time.Second)
		if isTimeout(err) && !pinged {
			pinged = true
			err = sub.Ping(ctx)
		}
		if err != nil {
			return
		}
		switch m := message.(type) {
		case *redis.Subscription:
			hear(event{turned: true, live: true})
		case *redis.Message:
			pinged = false
			if e, ok := parseEvent(m.Payload); ok {
				hear(e)
			}
		case *redis.Pong:
			pinged = false
		}
	}
}

func isTimeout(err error) bool {
	t, ok := err.(interface{ Timeout() bool })
	return ok && t.Timeout()
}

func parseEvent(payload string) (event, bool) {
	words := strings.Split(payload, " ")
	if len(words) != 3 {
		return event{}, false
	}
	var numbers [3]int64
	for i, word := range words {
		var err error
		if numbers[i], err = strconv.ParseInt(word, 10, 64); err != nil {
			return event{}, false
		}
	}
	return event{fact: fact{epoch: numbers[0], until: numbers[1], now: numbers[2]}}, true
}
