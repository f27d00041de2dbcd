package exchange_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"shoal/internal/exchange"
	"shoal/internal/exchange/exchangetest"
	"shoal/internal/harvest"
	"shoal/internal/retry"
)

// caller makes requests as the walk of a listing does.
func caller(w *exchangetest.World) *exchange.Caller { return &exchange.Caller{Client: client(w)} }

func client(w *exchangetest.World) *exchange.Client {
	return &exchange.Client{Pace: w.Pace(), Fetch: w.Fetch(), Policy: retry.Policy{Retries: 3}}
}

// reader is an upstream whose answers are JSON, each a page.
type reader struct{}

func (reader) Read(request *harvest.Request, a *harvest.Answer) harvest.Reading {
	if bytes.HasPrefix(a.Body, []byte("<")) {
		return harvest.Reading{Fault: harvest.FaultUndecodable, Reason: "html", Cause: errors.New("it is HTML")}
	}
	return harvest.Reading{Pages: []harvest.Page{{URL: request.URL, Outcome: harvest.Landed, Status: a.Status, Body: a.Body}}}
}

// callOf requests one address.
func callOf(t *testing.T, c *exchange.Caller, url string) (*exchange.Refused, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
	defer cancel()
	request := &harvest.Request{Items: []harvest.Item{{URL: url}}, Method: "GET", URL: url}
	_, err := c.Call(ctx, request, func(a *harvest.Answer) harvest.Reading { return reader{}.Read(request, a) })
	refused, _ := errors.AsType[*exchange.Refused](err)
	return refused, err
}

func TestACallOfAnAddressOfSomethingElseIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := exchangetest.New()
		r.Answer = func(int, string) (*harvest.Answer, error) {
			answer := exchangetest.Status(200)
			answer.Body = []byte("<html>")
			return answer, nil
		}
		began := time.Now()
		if _, err := callOf(t, caller(r), "http://api.test/list"); !errors.Is(err, exchange.ErrRefused) || time.Since(began) > 8*time.Second || r.Sent() != 3 {
			t.Errorf("Call() = %v after %v and %d requests, want ErrRefused after %d", err, time.Since(began), r.Sent(), 3)
		}
		proven := caller(r)
		proven.Proven, proven.Patience = true, time.Minute
		if _, err := callOf(t, proven, "http://api.test/next"); !errors.Is(err, exchange.ErrPatience) {
			t.Errorf("Call() in mid-run = %v, want ErrPatience: that is an upstream that is out", err)
		}
	})
}

func TestTheLastListingWhoseStepFailsForEverEnds(t *testing.T) {
	for name, detects := range map[string]bool{"quietly": false, "as an outage": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := exchangetest.New()
				r.Detects = detects
				r.Bad = map[bool]int{true: 9}[detects] // those of others, before
				first := harvest.Item{Key: harvest.KeyOf("http://api.test/list?step=1"), URL: "http://api.test/list?step=1"}
				r.Answer = func(_ int, url string) (*harvest.Answer, error) {
					if url == first.URL {
						return exchangetest.Status(200), nil
					}
					return exchangetest.Status(500), nil
				}
				c := caller(r)
				c.Served = func(time.Time) bool { return false } // there is no other listing
				c.Witnesses = exchange.NewWitnesses(func(context.Context) []harvest.Item { return []harvest.Item{first} })
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
		r := exchangetest.New()
		back := time.Now().Add(10 * time.Minute)
		first := harvest.Item{Key: harvest.KeyOf("http://api.test/list?step=1"), URL: "http://api.test/list?step=1"}
		r.Answer = func(int, string) (*harvest.Answer, error) {
			if time.Now().Before(back) {
				return exchangetest.Status(502), nil
			}
			return exchangetest.Status(200), nil
		}
		c := caller(r)
		c.Served = func(time.Time) bool { return false }
		c.Witnesses = exchange.NewWitnesses(func(context.Context) []harvest.Item { return []harvest.Item{first} })
		if _, err := callOf(t, c, "http://api.test/list?step=2"); err != nil {
			t.Errorf("Call() = %v, want nil once the upstream is back", err)
		}
		if r.Sent() > 100 {
			t.Errorf("%d requests in an outage of ten minutes, want few", r.Sent())
		}
	})
}

func TestPermitThatIsTooLateForACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := exchangetest.New()
		r.Late = 9
		if _, err := callOf(t, caller(r), "http://api.test/list"); err != nil || r.Sent() != 1 || r.Unused != 9 {
			t.Errorf("Call() = %v after %d requests, %d permits given back, want nil, 1, 9", err, r.Sent(), r.Unused)
		}
	})
}

// A question whose refusal stands is asked once, and leaves the caller's other calls as they were.
func TestAskerOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := exchangetest.New()
		w.Answer = func(int, string) (*harvest.Answer, error) { return exchangetest.Status(404), nil }
		asker := exchange.Asker{Caller: *caller(w)}
		request := &harvest.Request{Items: []harvest.Item{{URL: "http://api.test/who"}}, Method: "GET", URL: "http://api.test/who"}
		read := func(a *harvest.Answer) harvest.Reading { return reader{}.Read(request, a) }
		before := asker.Caller.Client.Policy.Retries
		if err := asker.Once(t.Context(), request, read); err == nil || w.Sent() != 1 {
			t.Errorf("Once() = %v after %d requests, want a refusal after 1", err, w.Sent())
		}
		if got := asker.Caller.Client.Policy.Retries; got != before || before == 0 {
			t.Errorf("after Once() the caller retries %d times, want %d, more than 0", got, before)
		}
		w.Answer = func(n int, _ string) (*harvest.Answer, error) {
			if n < 3 {
				return exchangetest.Status(503), nil
			}
			return exchangetest.Status(200), nil
		}
		if err := asker.Call(t.Context(), request, read); err != nil {
			t.Errorf("Call() after Once() = %v, want nil after another try", err)
		}
	})
}
