package listing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"shoal/internal/exchange"
	"shoal/internal/exchange/exchangetest"
	"shoal/internal/harvest"
	"shoal/internal/retry"
	"shoal/internal/suspect"
)

// crashed is a shard whose owners crashed, as the store remembers it.
type crashed struct {
	mu      sync.Mutex
	crashes map[harvest.Key]int
	flying  map[harvest.Key]bool
	notes   int
	calms   int
}

func (c *crashed) Load(context.Context) (map[harvest.Key]int, error) {
	return maps.Clone(c.crashes), nil
}

func (c *crashed) Note(_ context.Context, keys []harvest.Key) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.notes++
	for _, key := range keys {
		c.flying[key] = true
	}
	return nil
}

func (c *crashed) Withdraw(_ context.Context, keys []harvest.Key) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, key := range keys {
		delete(c.flying, key)
	}
	return nil
}

func (c *crashed) Clear(ctx context.Context, keys []harvest.Key) error {
	c.mu.Lock()
	for _, key := range keys {
		delete(c.crashes, key)
	}
	c.mu.Unlock()
	return c.Withdraw(ctx, keys)
}

func (c *crashed) Calm(context.Context) error { c.calms++; return nil }

// asking is a book that asks an upstream for each page, guarded as a listing's steps are.
type asking struct {
	*book
	*Guard
	caller exchange.Caller
	world  *exchangetest.World
}

func (a *asking) List(ctx context.Context, at harvest.Chain) ([]harvest.Entry, string, error) {
	url := fmt.Sprintf("http://api.test/%s?%s", at.Seed, at.Next)
	if err := a.broken(at, url); err != nil {
		return nil, "", err
	}
	caller := a.caller
	a.around(&caller, at)
	_, err := caller.Call(ctx, &harvest.Request{Items: []harvest.Item{{URL: url}}, Method: "GET", URL: url}, func(*harvest.Answer) harvest.Reading { return harvest.Reading{} })
	if err != nil {
		return nil, "", err
	}
	return a.book.List(ctx, at)
}

// guarding walks seeds of ten pages each after crashes in which steps, "seed step", were in flight.
func guarding(t *testing.T, crashes map[string]int) (*asking, *crashed, func(seeds ...string) error) {
	t.Helper()
	past := &crashed{crashes: map[harvest.Key]int{}, flying: map[harvest.Key]bool{}}
	for what, n := range crashes {
		var seed string
		var step int64
		if _, err := fmt.Sscan(what, &seed, &step); err != nil {
			t.Fatal(err)
		}
		past.crashes[harvest.StepKey(seed, step)] = n
	}
	world := exchangetest.New()
	a := &asking{
		book: &book{pages: 10}, world: world,
		caller: exchange.Caller{Client: &exchange.Client{Pace: world.Pace(), Fetch: world.Fetch(), Policy: retry.Policy{Retries: 3}}},
		Guard:  NewGuard(suspect.New(past), func(_ context.Context, do func() error) error { return do() }, slog.New(slog.DiscardHandler)),
	}
	return a, past, func(seeds ...string) error {
		if err := a.learn(t.Context()); err != nil {
			t.Fatal(err)
		}
		return (&Table{Seeds: seeds, Chains: &Memory{}, Lister: a}).Fill(t.Context(), func(int) {})
	}
}

func TestASuspectedStepHasNoCompany(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, past, walk := guarding(t, map[string]int{"a 3": 1, "b 1": 1, "c 4": 2})
		began := time.Now()
		a.world.Answer = func(_ int, url string) (*harvest.Answer, error) { // under the world's lock
			past.mu.Lock()
			defer past.mu.Unlock()
			suspects := map[string]bool{"http://api.test/a?2": true, "http://api.test/b?": true, "http://api.test/c?3": true}
			if suspects[url] && (a.world.InFlight > 1 || len(past.flying) > 1) {
				t.Errorf("%s was sent with %d in flight and %d noted, want it without company", url, a.world.InFlight, len(past.flying))
			}
			if len(past.flying) == 0 {
				t.Errorf("%s was sent and not noted", url)
			}
			if url == "http://api.test/c?3" && time.Since(began) < suspect.Wariness {
				t.Errorf("a step with two crashes was sent %s after the start", time.Since(began))
			}
			return exchangetest.Status(200), nil
		}
		if err := walk("a", "b", "c", "d", "e"); err != nil || a.world.Sent() != 50 {
			t.Errorf("Fill() = %v after %d requests, want nil after 50", err, a.world.Sent())
		}
		if len(past.flying) != 0 || len(past.crashes) != 0 {
			t.Errorf("%d steps are noted and %d are suspects after the end, want none", len(past.flying), len(past.crashes))
		}
	})
}

func TestThreeCrashesBreakAListingOfItems(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a, _, walk := guarding(t, map[string]int{"b 4": 3})
		if err := walk("a", "b", "c"); !errors.Is(err, ErrBroken) || a.world.Sent() != 23 {
			t.Errorf("Fill() = %v after %d requests, want ErrBroken after the 23 of all other steps", err, a.world.Sent())
		}
	})
}

// What fails, is parked, comes back or is broken holds up no other step, and is not in flight any
// more.
func TestAStepThatDoesNotEndLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]error{"broken": ErrBroken, "parked": ErrParked, "refused": ErrCursor} {
		synctest.Test(t, func(t *testing.T) {
			a, past, walk := guarding(t, map[string]int{"a 1": 1, "a 2": 1})
			a.fail = map[string]error{"a1": fail}
			if err := walk("a", "b", "c"); !errors.Is(err, fail) || len(past.flying) != 0 {
				t.Errorf("%s: Fill() = %v with %d steps noted, want its error and none", name, err, len(past.flying))
			}
			if asked := len(a.asked); asked < 22 {
				t.Errorf("%s: %d steps were taken, want all of the others", name, asked)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		a, past, walk := guarding(t, map[string]int{"a 1": 1})
		a.world.Answer = func(n int, url string) (*harvest.Answer, error) {
			if url == "http://api.test/a?" {
				return exchangetest.Status(map[bool]int{true: 500, false: 200}[n < 4]), nil
			}
			past.mu.Lock()
			defer past.mu.Unlock()
			if past.flying[harvest.StepKey("a", 1)] {
				t.Errorf("%s was sent while a step between two tries was still noted", url)
			}
			return exchangetest.Status(200), nil
		}
		if err := walk("a", "b"); err != nil || len(past.flying) != 0 {
			t.Errorf("Fill() = %v with %d steps noted, want nil and none: the others continue between its tries", err, len(past.flying))
		}
	})
}
