package worker

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/suspect"
)

// past is a shard whose owners crashed, as the store remembers it.
type past struct {
	mu      sync.Mutex
	crashes map[harvest.Key]int
	noted   map[harvest.Key]int // how often
	writes  int
	calms   int
	away    int // so many notes fail at first
}

func (p *past) Load(context.Context) (map[harvest.Key]int, error) { return maps.Clone(p.crashes), nil }

func (p *past) Note(_ context.Context, keys []harvest.Key) error {
	<-time.After(5 * time.Millisecond)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.away--; p.away >= 0 {
		return errAway
	}
	p.writes++
	for _, key := range keys {
		p.noted[key]++
	}
	return nil
}

// has reports whether the item was noted as in flight.
func (p *past) has(key harvest.Key) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.noted[key] > 0
}

func (p *past) Withdraw(context.Context, []harvest.Key) error { return nil }

func (p *past) Clear(_ context.Context, keys []harvest.Key) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, key := range keys {
		delete(p.noted, key)
	}
	return nil
}

func (p *past) Calm(context.Context) error { p.calms++; return nil }

// crashed gives the rig a past in which the items of these numbers were in flight in that many
// crashes.
func crashed(r *rig, crashes map[int]int) *past {
	p := &past{crashes: map[harvest.Key]int{}, noted: map[harvest.Key]int{}}
	for n, count := range crashes {
		p.crashes[r.items[n].Item.Key] = count
	}
	return p
}

// drainAfter drains the rig's shard after that past.
func drainAfter(t *testing.T, r *rig, p *past, c Config) error {
	t.Helper()
	w := r.worker(t, c)
	w.parts.Suspects = suspect.New(p)
	_, err := w.Drain(t.Context(), nil)
	return err
}

func TestASuspectHasNoCompany(t *testing.T) {
	for _, pack := range []int{1, 4} {
		t.Run(fmt.Sprintf("packs of %d", pack), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(numbered(100)...)
				p := crashed(r, map[int]int{10: 1, 11: 1, 60: 2, 99: 1})
				began, items := time.Now(), 0
				r.Answer = func(_ int, url string) (*harvest.Answer, error) { // under the rig's lock
					ids := idsOf(url)
					for _, id := range ids {
						n, _ := strconv.Atoi(id)
						key := r.items[n].Item.Key
						if !p.has(key) {
							t.Errorf("item %d was sent and not noted", n)
						}
						if p.crashes[key] > 0 && (len(ids) > 1 || r.InFlight > 0 || len(r.pages) != items) {
							t.Errorf("suspect %d was sent with %v beside %d others, with %d of %d items committed", n, ids, r.InFlight, len(r.pages), items)
						}
						if n == 60 && time.Since(began) < suspect.Wariness {
							t.Errorf("an item with two crashes was sent %s after the start", time.Since(began))
						}
					}
					items += len(ids)
					return &harvest.Answer{Status: 200, Body: []byte(strings.Join(ids, ","))}, nil
				}
				c := r.config()
				c.Pack = pack
				w := r.worker(t, c)
				w.parts.Suspects, w.parts.Upstream = suspect.New(p), packUpstream{most: pack}
				if _, err := w.Drain(t.Context(), nil); err != nil || r.outcomes()[harvest.Landed] != 100 {
					t.Errorf("Drain() = %v with %v, want all landed", err, r.outcomes())
				}
				if p.writes > 60 {
					t.Errorf("%d writes of notes for 100 items, want fewer: those that wait are noted together", p.writes)
				}
			})
		})
	}
}

func TestThreeCrashesEndAnItem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(numbered(50)...)
		if err := drainAfter(t, r, crashed(r, map[int]int{7: 3}), r.config()); err != nil {
			t.Errorf("Drain() = %v, want nil", err)
		}
		page := r.pages[r.items[7].Item.Key]
		if page.Outcome != harvest.Dead || page.Reason != "suspected_poison" || page.Detail == "" || r.outcomes()[harvest.Landed] != 49 {
			t.Errorf("outcomes %v, item 7 %+v, want 49 landed and it dead as suspected_poison", r.outcomes(), page)
		}
		if sends := r.Sends[r.items[7].Item.URL]; sends != 0 {
			t.Errorf("the item was sent %d times, want never", sends)
		}
	})
}

func TestASuspectThatFailsHoldsUpNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(numbered(40)...)
		r.Answer = func(_ int, url string) (*harvest.Answer, error) {
			if number(url) == 5 {
				if len(r.pages) < 39 {
					return status(500), nil
				}
				return status(200), nil
			}
			return status(200), nil
		}
		c := r.config()
		c.Retry.Retries = 30
		if err := drainAfter(t, r, crashed(r, map[int]int{5: 1, 20: 1}), c); err != nil || r.outcomes()[harvest.Landed] != 40 {
			t.Errorf("Drain() = %v with %v, want all landed: the others go on beside an item that survived", err, r.outcomes())
		}
	})
}

func TestSuspectsOfAWrongPathAreNoneAnyMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(numbered(30)...)
		r.Answer = func(int, string) (*harvest.Answer, error) { return status(404), nil }
		p := crashed(r, map[int]int{0: 1, 3: 2, 29: 1})
		if err := drainAfter(t, r, p, r.config()); !errors.Is(err, ErrRefused) || len(r.pages) != 0 {
			t.Errorf("Drain() = %v with %d pages, want ErrRefused and nothing recorded", err, len(r.pages))
		}
		if len(p.noted) != 0 {
			t.Errorf("%d items are still noted as in flight, want none: they have been answered", len(p.noted))
		}
	})
}

func TestTheSuspicionEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(numbered(2000)...)
		r.Latency = time.Second
		p := crashed(r, map[int]int{3: 1})
		if err := drainAfter(t, r, p, r.config()); err != nil {
			t.Errorf("Drain() = %v, want nil", err)
		}
		if p.calms != 1 || len(p.noted) < 900 || len(p.noted) > 1200 {
			t.Errorf("calmed %d times, %d of 2000 items were noted, want once, and those of the first two minutes at 8 a second", p.calms, len(p.noted))
		}
	})
}

func TestNothingIsSentBeforeItIsNoted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(numbered(50)...)
		p := crashed(r, nil)
		p.away = 10
		r.Answer = func(_ int, url string) (*harvest.Answer, error) {
			if !p.has(r.items[number(url)].Item.Key) {
				t.Errorf("item %d was sent and not noted", number(url))
			}
			return status(200), nil
		}
		if err := drainAfter(t, r, p, r.config()); err != nil || r.outcomes()[harvest.Landed] != 50 {
			t.Errorf("Drain() = %v with %v, want all landed once the store takes notes", err, r.outcomes())
		}
	})
}
