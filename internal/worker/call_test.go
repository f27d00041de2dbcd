package worker

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"shoal/internal/exchange"
	"shoal/internal/harvest"
	"shoal/internal/retry"
)

// caller asks as the walk of a listing does.
func (r *rig) caller() *exchange.Caller {
	return &exchange.Caller{Client: &exchange.Client{Pace: rigPace{r}, Fetch: rigFetch{r}, Policy: retry.Policy{Retries: 3}}}
}

// callOf asks for one address.
func callOf(t *testing.T, c *exchange.Caller, url string) (*exchange.Refused, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
	defer cancel()
	request := &harvest.Request{Items: []harvest.Item{{URL: url}}, Method: "GET", URL: url}
	_, err := c.Call(ctx, request, func(a *harvest.Answer) harvest.Reading { return rigUpstream{}.Read(request, a) })
	refused, _ := errors.AsType[*exchange.Refused](err)
	return refused, err
}

func TestACallOfAnAddressOfSomethingElseIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig()
		r.answer = always(200, "<html>")
		began := time.Now()
		if _, err := callOf(t, r.caller(), "http://api.test/list"); !errors.Is(err, ErrRefused) || time.Since(began) > 8*time.Second || r.sent() != 3 {
			t.Errorf("Call() = %v after %v and %d requests, want ErrRefused after %d", err, time.Since(began), r.sent(), 3)
		}
		proven := r.caller()
		proven.Proven, proven.Patience = true, time.Minute
		if _, err := callOf(t, proven, "http://api.test/next"); !errors.Is(err, ErrPatience) {
			t.Errorf("Call() in mid-run = %v, want ErrPatience: that is an upstream that is out", err)
		}
	})
}

func TestTheLastListingWhoseStepFailsForEverEnds(t *testing.T) {
	for name, detects := range map[string]bool{"quietly": false, "as an outage": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig()
				r.detects = detects
				r.bad = map[bool]int{true: 9}[detects] // those of others, before
				first := harvest.Item{Key: harvest.KeyOf("http://api.test/list?step=1"), URL: "http://api.test/list?step=1"}
				r.pages[first.Key] = harvest.Page{Key: first.Key, URL: first.URL, Outcome: harvest.Landed}
				r.answer = func(_ int, url string) (*harvest.Answer, error) {
					if url == first.URL {
						return status(200), nil
					}
					return status(500), nil
				}
				c := r.caller()
				c.Served = func(time.Time) bool { return false } // there is no other listing
				c.Witnesses = exchange.NewWitnesses(func(ctx context.Context) []harvest.Item { items, _ := r.Landed(ctx, "", 5); return items })
				refused, err := callOf(t, c, "http://api.test/list?step=2")
				if refused == nil || refused.Verdict.Outcome != harvest.Dead {
					t.Errorf("Call() = %v, want a step that ends dead: the step before is served", err)
				}
			})
		})
	}
}

func TestAListingWaitsForAnUpstreamThatIsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig()
		back := time.Now().Add(10 * time.Minute)
		first := harvest.Item{Key: harvest.KeyOf("http://api.test/list?step=1"), URL: "http://api.test/list?step=1"}
		r.pages[first.Key] = harvest.Page{Key: first.Key, URL: first.URL, Outcome: harvest.Landed}
		r.answer = func(int, string) (*harvest.Answer, error) {
			if time.Now().Before(back) {
				return status(502), nil
			}
			return status(200), nil
		}
		c := r.caller()
		c.Served = func(time.Time) bool { return false }
		c.Witnesses = exchange.NewWitnesses(func(ctx context.Context) []harvest.Item { items, _ := r.Landed(ctx, "", 5); return items })
		if _, err := callOf(t, c, "http://api.test/list?step=2"); err != nil {
			t.Errorf("Call() = %v, want nil once the upstream is back", err)
		}
		if r.sent() > 100 {
			t.Errorf("%d requests in an outage of ten minutes, want few", r.sent())
		}
	})
}
