package fetch

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"shoal/internal/fakeapi"
	"shoal/internal/harvest"
)

// sendIf makes one exchange with a permit.
func sendIf(ctx context.Context, t *testing.T, c *Client, url string, usable func() bool) error {
	t.Helper()
	slot, err := c.Reserve(ctx, url)
	if err != nil {
		t.Errorf("Reserve(%s) = %v", url, err)
		return err
	}
	answer, err := slot.Send(ctx, &harvest.Request{Method: http.MethodGet, URL: url}, usable)
	answer.Release()
	return err
}

func always() bool { return true }

// Four permits were checked when the machine froze until all of them were late: one request leaves,
// and the next one that would have been in time compensates for it.
func TestStallBetweenPermitAndWrite(t *testing.T) {
	t.Parallel()
	protocols(t, func(t *testing.T, o fakeapi.Options) {
		s, c := serve(t, o, Config{Streams: 4})
		if err := sendIf(t.Context(), t, c, s.URL+"/items/0", always); err != nil {
			t.Fatalf("Send before the stall = %v", err)
		}
		var late atomic.Bool
		looked, stalled := make(chan struct{}), make(chan struct{})
		first := sync.OnceFunc(func() { close(looked); <-stalled })
		results := make(chan error, 4)
		go func() {
			results <- sendIf(t.Context(), t, c, s.URL+"/items/1", func() bool {
				ok := !late.Load()
				first()
				return ok
			})
		}()
		<-looked
		var about sync.WaitGroup
		for range 3 {
			about.Add(1)
			go func() {
				slot, err := c.Reserve(t.Context(), s.URL)
				about.Done()
				if err != nil {
					results <- err
					return
				}
				_, err = slot.Send(t.Context(), &harvest.Request{Method: http.MethodGet, URL: s.URL + "/items/2"}, func() bool { return !late.Load() })
				results <- err
			}()
		}
		about.Wait()
		late.Store(true)
		close(stalled)
		refused := 0
		for range 4 {
			if errors.Is(<-results, harvest.ErrLate) {
				refused++
			}
		}
		if n := len(s.Arrivals()); n != 2 || refused != 3 {
			t.Errorf("%d requests arrived and %d were held back, want 2 (one before the stall, one after it) and 3", n, refused)
		}
		if err := sendIf(t.Context(), t, c, s.URL+"/items/3", always); !errors.Is(err, harvest.ErrLate) {
			t.Errorf("Send right after a request that left late = %v, want ErrLate", err)
		}
		for i := range 8 { // each place came back
			if err := sendIf(t.Context(), t, c, s.URL+"/items/4", always); err != nil {
				t.Errorf("Send %d after that = %v, want an answer", i, err)
			}
		}
	})
}

// A request holds the door until its head is written, or its exchange is over; not until its answer
// comes.
func TestDoorIsFreeOnceTheHeadIsWritten(t *testing.T) {
	t.Parallel()
	protocols(t, func(t *testing.T, o fakeapi.Options) {
		slow, came := make(chan struct{}), make(chan struct{}, 9)
		o.Behaviour.Answer = func(r *http.Request) *fakeapi.Reply {
			came <- struct{}{}
			if r.URL.Path == "/items/1" {
				<-slow
			}
			return &fakeapi.Reply{Body: []byte("{}")}
		}
		s, c := serve(t, o, Config{Streams: 4})
		answered := make(chan error, 1)
		go func() { answered <- sendIf(t.Context(), t, c, s.URL+"/items/1", always) }()
		<-came
		if err := sendIf(t.Context(), t, c, s.URL+"/items/2", always); err != nil {
			t.Errorf("Send while another waits for its answer = %v", err)
		}
		close(slow)
		if err := <-answered; err != nil {
			t.Errorf("Send = %v", err)
		}
		gone, cancel := context.WithCancel(t.Context())
		slot, err := c.Reserve(gone, s.URL)
		if err != nil {
			t.Fatal(err)
		}
		usable := func() bool { cancel(); return true } // given up between the look and the write
		if _, err := slot.Send(gone, &harvest.Request{Method: http.MethodGet, URL: s.URL + "/items/3"}, usable); err == nil {
			t.Error("Send of a cancelled exchange = nil, want a failure")
		}
		if err := sendIf(t.Context(), t, c, s.URL+"/items/4", always); err != nil {
			t.Errorf("Send after a cancelled one = %v", err)
		}
	})
}
