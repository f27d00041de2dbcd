package fetch

import (
	"testing"
	"time"

	"shoal/internal/fakeapi"
	"shoal/internal/harvest"
)

func TestFaults(t *testing.T) {
	t.Parallel()
	none := harvest.FaultNone
	for _, row := range []struct {
		fault  fakeapi.Fault
		h2, h1 harvest.Fault
		keeps  bool // the HTTP/2 connection continues
	}{
		{fakeapi.Fault{Kind: fakeapi.KindStall}, harvest.FaultTimeout, harvest.FaultTimeout, false}, // it may be a black hole
		{fakeapi.Fault{Kind: fakeapi.KindStallBody}, harvest.FaultTimeout, harvest.FaultTimeout, false},
		{fakeapi.Fault{Kind: fakeapi.KindDrip, Size: 1000, Delay: 50 * time.Millisecond}, harvest.FaultTimeout, harvest.FaultTimeout, true},
		{fakeapi.Fault{Kind: fakeapi.KindCut}, harvest.FaultReset, harvest.FaultPartial, true},
		{fakeapi.Fault{Kind: fakeapi.KindShort}, harvest.FaultPartial, harvest.FaultPartial, true},
		{fakeapi.Fault{Kind: fakeapi.KindTruncatedGz}, harvest.FaultPartial, harvest.FaultPartial, true},
		{fakeapi.Fault{Kind: fakeapi.KindReset}, harvest.FaultReset, harvest.FaultReset, true},
		{fakeapi.Fault{Kind: fakeapi.KindRefused}, harvest.FaultUnprocessed, harvest.FaultReset, true},
		{fakeapi.Fault{Kind: fakeapi.KindBomb, Size: 8 << 20}, harvest.FaultTooLarge, harvest.FaultTooLarge, true},
		{fakeapi.Fault{Kind: fakeapi.KindEndless, Size: 64 << 20}, harvest.FaultTooLarge, harvest.FaultTooLarge, true},
		{fakeapi.Fault{Kind: fakeapi.KindEncoding}, harvest.FaultEncoding, harvest.FaultEncoding, true},
		{fakeapi.Fault{Kind: fakeapi.KindHeaders, Size: 66_000}, harvest.FaultHeaders, harvest.FaultHeaders, true},
		{fakeapi.Fault{Kind: fakeapi.KindHeaders, Size: 2 << 20}, harvest.FaultReset, harvest.FaultHeaders, false},
		{fakeapi.Fault{Kind: fakeapi.KindCalm}, harvest.FaultCalm, none, false},
		{fakeapi.Fault{Kind: fakeapi.KindNoContent}, none, none, true},
		{fakeapi.Fault{Kind: fakeapi.KindEmpty}, none, none, true},
		{fakeapi.Fault{Kind: fakeapi.KindStatus, Status: 503}, none, none, true},
	} {
		name := string(row.fault.Kind)
		if row.fault.Size > 1<<20 {
			name += " huge"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			protocols(t, func(t *testing.T, o fakeapi.Options) {
				h2 := !o.HTTP1 && !o.Plaintext
				if !h2 && row.fault.Kind == fakeapi.KindCalm {
					return // HTTP/1.1 has no such word
				}
				fault := row.fault
				fault.At = []int{1}
				o.Behaviour = fakeapi.Behaviour{Size: 5000, Faults: []fakeapi.Fault{fault}}
				cfg := Config{MaxBody: 1 << 20, Streams: 2}
				if row.h2 == harvest.FaultTimeout {
					cfg.Timeout, cfg.HeaderTimeout = 2*time.Second, time.Second
				}
				s, c := serve(t, o, cfg)
				a, err := get(t.Context(), c, s.URL+"/items/1")
				a.Release()
				want := row.h1
				if h2 {
					want = row.h2
				}
				if got := faultIn(err); got != want {
					t.Errorf("Send with %s = %v, want fault %q", name, err, want)
				}
				if _, err := get(t.Context(), c, s.URL+"/items/2"); err != nil {
					t.Errorf("Send after %s = %v, want an answer", name, err)
				}
				if dials := c.Stats().Dials; h2 && (dials == 1) != row.keeps {
					t.Errorf("%d connections after %s, want the first kept: %t", dials, name, row.keeps)
				}
				if arrived := len(s.Arrivals()) + len(s.Unprocessed()); arrived != 2 {
					t.Errorf("%d requests arrived, want the 2 that were sent", arrived)
				}
			})
		})
	}
}

// The status and headers of an answer that is not a success count; the end of its body must not
// hide them.
func TestStatusOutlivesABadBody(t *testing.T) {
	t.Parallel()
	protocols(t, func(t *testing.T, o fakeapi.Options) {
		big := make([]byte, 2<<20)
		o.Behaviour.Answer = replyWith(429, map[string]string{"Retry-After": "7", "Content-Encoding": "br"}, big)
		s, c := serve(t, o, Config{MaxBody: 1 << 20})
		a, err := get(t.Context(), c, s.URL+"/items/1")
		if err != nil || a.Status != 429 || a.Header.Get("Retry-After") != "7" {
			t.Fatalf("Send = %+v, %v, want status 429 with Retry-After 7", a, err)
		}
	})
}
