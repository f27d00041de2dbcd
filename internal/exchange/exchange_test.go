package exchange_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"shoal/internal/exchange"
	"shoal/internal/exchange/exchangetest"
	"shoal/internal/harvest"
	"shoal/internal/retry"
)

// fixed is a past that a row of a table sets.
type told struct {
	exchange.Once

	tries  int
	blames bool
}

func (p told) Facts(facts retry.Facts, _ time.Time) retry.Facts {
	facts.Items, facts.Tries, facts.Renewed = 1, max(1, p.tries), p.Renewed
	return facts
}
func (p told) Blames(time.Time) bool { return p.blames }

// once makes one attempt at an address.
func once(t *testing.T, w *exchangetest.World, past exchange.Past) (exchange.Exchange, error) {
	t.Helper()
	url := "http://api.test/1"
	ready, err := client(w).Ready(t.Context(), &harvest.Request{Items: []harvest.Item{{URL: url}}, Method: http.MethodGet, URL: url}, false)
	if err != nil {
		return exchange.Exchange{}, err
	}
	return ready.Send(t.Context(), reader{}, past), nil
}

// An attempt returns what its answer means, and reports it to pace.
func TestExchange(t *testing.T) {
	t.Parallel()
	html := exchangetest.Status(200)
	html.Body = []byte("<html>")
	asked := exchangetest.Status(429)
	asked.Header.Set("Retry-After", "3")
	moved := exchangetest.Status(302)
	moved.Header.Set("Location", "http://api.test/2")
	for _, c := range []struct {
		name     string
		answer   *harvest.Answer
		err      error
		past     told
		verb     retry.Verb
		class    retry.Class
		healthy  bool
		mistaken bool
		bad      int // signs of an outage
		backoffs int
	}{
		{name: "a page", answer: exchangetest.Status(200), verb: retry.Accept, class: retry.ClassAccepted, healthy: true},
		{name: "no such item", answer: exchangetest.Status(404), verb: retry.Skip, class: retry.ClassEnded, healthy: true},
		{name: "a failure that is blamed", answer: exchangetest.Status(500), past: told{blames: true}, verb: retry.Again, bad: 1},
		{name: "a failure that is the item's own", answer: exchangetest.Status(500), verb: retry.Again},
		{name: "a reset", err: &harvest.Failure{Fault: harvest.FaultReset, Err: errors.New("gone")}, past: told{blames: true}, verb: retry.Again, bad: 1},
		{name: "the last try", answer: exchangetest.Status(500), past: told{tries: 4, blames: true}, verb: retry.Skip, class: retry.ClassEnded, bad: 1},
		{name: "a silence", answer: asked, verb: retry.Pause, class: retry.ClassAsked, healthy: true, backoffs: 1},
		{name: "a credential that ended", answer: exchangetest.Status(401), verb: retry.Again, healthy: true},
		{name: "a credential that is refused", answer: exchangetest.Status(401), past: told{Once: exchange.Once{Renewed: true}}, verb: retry.Skip, class: retry.ClassRefused, healthy: true},
		{name: "not an API's answer, at first", answer: html, past: told{blames: true}, verb: retry.Again, mistaken: true},
		{name: "not an API's answer, again", answer: html, past: told{tries: 2, blames: true}, verb: retry.Again, class: retry.ClassForeign, mistaken: true},
		{name: "not an API's answer, three times", answer: html, past: told{tries: 3, blames: true}, verb: retry.Skip, class: retry.ClassForeign, mistaken: true},
		{name: "not an API's answer in mid-run", answer: html, past: told{Once: exchange.Once{Trusted: true}, tries: 3, blames: true}, verb: retry.Again, bad: 1},
		{name: "a redirect", answer: moved, healthy: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := exchangetest.New()
				w.Answer = func(int, string) (*harvest.Answer, error) { return c.answer, c.err }
				x, err := once(t, w, c.past)
				if err != nil || !x.Made || !x.Sent {
					t.Fatalf("the attempt = %+v, %v, want one that was made", x, err)
				}
				defer x.Answer.Release()
				if x.Decision.Verb != c.verb || x.Decision.Class != c.class || x.Healthy != c.healthy || x.Mistaken != c.mistaken {
					t.Errorf("verb %q, class %d, healthy %t, mistaken %t, want %q, %d, %t, %t",
						x.Decision.Verb, x.Decision.Class, x.Healthy, x.Mistaken, c.verb, c.class, c.healthy, c.mistaken)
				}
				if w.Bad != c.bad || len(w.Backoffs) != c.backoffs || w.Permits != 1 {
					t.Errorf("pace heard of %d failures and %d silences for %d permits, want %d and %d for 1", w.Bad, len(w.Backoffs), w.Permits, c.bad, c.backoffs)
				}
				if next := x.Redirected(); (next != nil) != (c.answer == moved) {
					t.Errorf("Redirected() = %v", next)
				}
			})
		})
	}
}

// An attempt that is not sent costs no request, and returns why.
func TestExchangeThatIsNotMade(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		set     func(w *exchangetest.World)
		away    bool // no connection was possible
		late    bool // Ready asks to be called again
		made    bool
		permits int
		unused  int
	}{
		{name: "no connection", set: func(w *exchangetest.World) { w.Unreachable = time.Now().Add(time.Minute) }, away: true},
		{name: "a connection that closed", set: func(w *exchangetest.World) { w.Barren = 1 }, late: true, permits: 1, unused: 1},
		{name: "a permit that is too late", set: func(w *exchangetest.World) { w.Late = 1 }, permits: 1, unused: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := exchangetest.New()
				c.set(w)
				x, err := once(t, w, told{})
				_, away := errors.AsType[*exchange.Unreached](err)
				if away != c.away || errors.Is(err, harvest.ErrLate) != c.late || x.Made || x.Sent {
					t.Errorf("the attempt = %+v, %v, want away %t, late %t", x, err, c.away, c.late)
				}
				if w.Sent() != 0 || w.Permits != c.permits || w.Unused != c.unused {
					t.Errorf("%d requests, %d permits, %d given back, want 0, %d, %d", w.Sent(), w.Permits, w.Unused, c.permits, c.unused)
				}
			})
		})
	}
}

// Connections that always close before their first request mean an unreachable upstream.
func TestConnectionsThatCloseUnused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := exchangetest.New()
		w.Barren = 1000
		c := client(w)
		for n := 1; ; n++ {
			_, err := c.Ready(t.Context(), &harvest.Request{URL: "http://api.test/1"}, false)
			if _, away := errors.AsType[*exchange.Unreached](err); away {
				if n != 5 {
					t.Errorf("it took %d connections, want 5", n)
				}
				return
			}
			if !errors.Is(err, harvest.ErrLate) || n > 5 {
				t.Fatalf("Ready() number %d = %v, want ErrLate until the fifth", n, err)
			}
		}
	})
}

// A request that waits for an answer when the work ends is no evidence about the upstream.
func TestExchangeThatIsCutOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := exchangetest.New()
		w.Latency = time.Minute
		c := client(w)
		ready, err := c.Ready(t.Context(), &harvest.Request{URL: "http://api.test/1"}, false)
		if err != nil {
			t.Fatal(err)
		}
		ctx, end := context.WithTimeout(t.Context(), time.Second)
		defer end()
		if x := ready.Send(ctx, reader{}, told{blames: true}); x.Made || !x.Sent || w.Bad != 0 || w.Unused != 1 {
			t.Errorf("Send() = %+v with %d failures and %d permits given back, want nothing learnt and one given back", x, w.Bad, w.Unused)
		}
	})
}

// Tries that an outage excuses are given back for good.
func TestTries(t *testing.T) {
	t.Parallel()
	at := func(second int64) time.Time { return time.Unix(second, 0) }
	outage := func(t time.Time) bool { return !t.Before(at(10)) && t.Before(at(20)) }
	for _, c := range []struct {
		name  string
		tries exchange.Tries
		ended time.Time
		want  int
		left  int
	}{
		{"the first", nil, at(1), 1, 0},
		{"the third", exchange.Tries{at(1), at(2)}, at(3), 3, 2},
		{"the first of an outage", exchange.Tries{at(1), at(2)}, at(11), 2, 2},
		{"all in an outage", exchange.Tries{at(11), at(12)}, at(13), 1, 0},
		{"after an outage", exchange.Tries{at(1), at(11), at(12)}, at(21), 2, 1},
		{"one that nothing excuses", exchange.Tries{{}, {}}, time.Time{}, 3, 2},
	} {
		if got := c.tries.Used(c.ended, outage); got != c.want || len(c.tries) != c.left {
			t.Errorf("Used(%s) = %d with %d left, want %d with %d", c.name, got, len(c.tries), c.want, c.left)
		}
	}
}
