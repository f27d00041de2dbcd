package fetch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"shoal/internal/fakeapi"
	"shoal/internal/harvest"
)

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

const agent = "shoal-test/1 (test@example.org)"

// serve starts an upstream with the options and returns it with a client for it.
func serve(t *testing.T, o fakeapi.Options, cfg Config) (*fakeapi.Server, *Client) {
	t.Helper()
	s, err := fakeapi.New(o)
	if err != nil {
		t.Fatalf("fakeapi.New(%+v) = %v", o, err)
	}
	t.Cleanup(func() { s.Close() })
	if cfg.CAFile == "" && !o.Plaintext {
		if cfg.CAFile, err = s.CAFile(t.TempDir()); err != nil {
			t.Fatalf("CAFile() = %v", err)
		}
	}
	return s, client(t, cfg)
}

func client(t *testing.T, cfg Config) *Client {
	t.Helper()
	if cfg.TrustedHosts == nil {
		cfg.TrustedHosts = []string{"127.0.0.1", "localhost"}
	}
	if cfg.Credential == nil {
		cfg.Credential = []string{"127.0.0.1", "localhost"}
	}
	cfg.UserAgent = agent
	if cfg.Getenv == nil {
		cfg.Getenv = func(string) string { return "" }
	}
	c, err := New(cfg, discard())
	if err != nil {
		t.Fatalf("New(%+v) = %v", cfg, err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// get makes one exchange from Reserve to the answer.
func get(ctx context.Context, c *Client, url string) (*harvest.Answer, error) {
	s, err := c.Reserve(ctx, url)
	if err != nil {
		return nil, err
	}
	return s.Send(ctx, &harvest.Request{Method: http.MethodGet, URL: url}, nil)
}

// faultIn is the class of an error, or the error's text if it is not a failure.
func faultIn(err error) harvest.Fault {
	f := (*harvest.Failure)(nil)
	switch {
	case err == nil:
		return harvest.FaultNone
	case errors.As(err, &f):
		return f.Fault
	}
	return harvest.Fault(err.Error())
}

// protocols runs a test over each protocol of an upstream.
func protocols(t *testing.T, run func(t *testing.T, o fakeapi.Options)) {
	for name, o := range map[string]fakeapi.Options{"h2": {}, "h1tls": {HTTP1: true}, "h1": {Plaintext: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			run(t, o)
		})
	}
}

func TestExchange(t *testing.T) {
	t.Parallel()
	protocols(t, func(t *testing.T, o fakeapi.Options) {
		o.Behaviour = fakeapi.Behaviour{Size: 10_000, Gzip: true}
		s, c := serve(t, o, Config{Headers: []Header{{Name: "X-Project", Value: "fish"}}})
		a, err := get(t.Context(), c, s.URL+"/items/7")
		if err != nil {
			t.Fatalf("Send(/items/7) = %v", err)
		}
		if want := string(fakeapi.Item(7, 10_000)); string(a.Body) != want || a.Status != 200 {
			t.Errorf("Send(/items/7) = %d, %d bytes, want 200, %d bytes", a.Status, len(a.Body), len(want))
		}
		if a.Wire <= 0 || a.Wire >= int64(len(a.Body)) {
			t.Errorf("Wire = %d, want less than the %d decoded bytes", a.Wire, len(a.Body))
		}
		if got := a.Header.Get("Content-Encoding"); got != "" {
			t.Errorf("Content-Encoding = %q, want none: the body is decoded", got)
		}
		if a.First <= 0 || a.Took < a.First || a.Arrived.IsZero() {
			t.Errorf("First %v, Took %v, Arrived %v: want 0 < First <= Took, and an instant", a.First, a.Took, a.Arrived)
		}
		in := s.Arrivals()[0]
		if in.UserAgent != agent || in.Header.Get("X-Project") != "fish" {
			t.Errorf("the server saw User-Agent %q and X-Project %q, want %q and fish", in.UserAgent, in.Header.Get("X-Project"), agent)
		}
		if used := c.Stats().Budget; used != int64(cap(a.Body)) {
			t.Errorf("Stats().Budget = %d, want %d while the answer is held", used, cap(a.Body))
		}
		a.Release()
		if used := c.Stats().Budget; used != 0 {
			t.Errorf("Stats().Budget = %d after Release, want 0", used)
		}
	})
}

// crowd makes n exchanges with as many goroutines as the client has places, and counts them by
// fault. sends is how often Send was called.
func crowd(t *testing.T, c *Client, base string, n, workers int) (faults map[harvest.Fault]int, sends int64) {
	t.Helper()
	var wg sync.WaitGroup
	var mu sync.Mutex
	var next, sent atomic.Int64
	faults = map[harvest.Fault]int{}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for range workers {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(n) && ctx.Err() == nil; {
				slot, err := c.Reserve(ctx, base)
				if err != nil {
					t.Errorf("Reserve(%s) = %v", base, err)
					return
				}
				sent.Add(1)
				a, err := slot.Send(ctx, &harvest.Request{Method: http.MethodGet, URL: fmt.Sprintf("%s/items/%d", base, i)}, nil)
				mu.Lock()
				faults[faultIn(err)]++
				mu.Unlock()
				if err == nil {
					a.Release()
					i = next.Add(1)
				}
			}
		})
	}
	wg.Wait()
	return faults, sent.Load()
}

func TestNothingIsSentTwice(t *testing.T) {
	t.Parallel()
	for name, b := range map[string]fakeapi.Behaviour{
		"quiet":           {},
		"goaway every 10": {GoAwayEvery: 10},
		"goaway every 97": {GoAwayEvery: 97, Latency: 2 * time.Millisecond},
		"refused":         {Faults: []fakeapi.Fault{{Kind: fakeapi.KindRefused, Every: 3}}},
		"reset":           {Faults: []fakeapi.Fault{{Kind: fakeapi.KindReset, Every: 3}}},
		"cut":             {Size: 4000, Faults: []fakeapi.Fault{{Kind: fakeapi.KindCut, Every: 3}}},
		"cap 1":           {MaxStreams: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			protocols(t, func(t *testing.T, o fakeapi.Options) {
				o.Behaviour = b
				s, c := serve(t, o, Config{Streams: 16})
				const n = 200
				faults, sends := crowd(t, c, s.URL, n, 16)
				arrived := len(s.Arrivals()) + len(s.Unprocessed())
				if int64(arrived) > sends {
					t.Errorf("%d requests arrived, Send was called %d times: want no more arrivals than sends; %v", arrived, sends, faults)
				}
				if faults[harvest.FaultNone] != n {
					t.Errorf("answers by fault = %v, want %d without", faults, n)
				}
				if used := c.Stats().Budget; used != 0 {
					t.Errorf("Stats().Budget = %d at the end, want 0", used)
				}
			})
		})
	}
}
