package retry

import (
	"math"
	"net/http"
	"reflect"
	"testing"
	"time"

	"shoal/internal/harvest"
)

// try is one first attempt on a single item, changed by the row.
func try(change func(*Facts)) Facts {
	f := Facts{Items: 1, Tries: 1, Incidents: 1, Now: noon, Jitter: 0.5, Header: http.Header{}}
	change(&f)
	return f
}

func status(code int, lines ...string) func(*Facts) {
	return func(f *Facts) { f.Status, f.Header = code, headers(lines...) }
}

func fault(name harvest.Fault) func(*Facts) { return func(f *Facts) { f.Fault = name } }

// with applies several changes.
func with(changes ...func(*Facts)) func(*Facts) {
	return func(f *Facts) {
		for _, change := range changes {
			change(f)
		}
	}
}

func tries(n int) func(*Facts)     { return func(f *Facts) { f.Tries = n } }
func pack(n int) func(*Facts)      { return func(f *Facts) { f.Items = n } }
func incidents(n int) func(*Facts) { return func(f *Facts) { f.Incidents = n } }
func outvoted(n int) func(*Facts)  { return func(f *Facts) { f.Outvoted = n } }
func renewed(f *Facts)             { f.Renewed = true }

func asks(wait time.Duration) func(*Facts) { return func(f *Facts) { f.Wait = wait } }

func because(reason string) func(*Facts) { return func(f *Facts) { f.Reason = reason } }

func TestDecide(t *testing.T) {
	for _, test := range decideCases {
		t.Run(test.name, func(t *testing.T) {
			got := Decide(try(test.facts), test.policy)
			got.Hint = Hint{}
			got.Source = http.CanonicalHeaderKey(got.Source)
			test.want.Source = http.CanonicalHeaderKey(test.want.Source)
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("Decide(%+v, %+v) =\n%+v, want\n%+v", try(test.facts), test.policy, got, test.want)
			}
		})
	}
}

// Whatever comes, no pause is shorter than what was asked, no span is negative, and a pack is never
// closed.
func TestDecideProperties(t *testing.T) {
	waits := []time.Duration{0, -1, 1, time.Second, time.Hour, math.MaxInt64}
	jitters := []float64{0, 0.5, 0.999999, 1, 2, -1, math.NaN(), math.Inf(1)}
	faults := []harvest.Fault{harvest.FaultNone, harvest.FaultRateLimited, harvest.FaultLagged, harvest.FaultCalm, harvest.FaultTimeout,
		harvest.FaultUnprocessed, harvest.FaultTLS, harvest.FaultTooLarge, harvest.FaultUndecodable, "a fault of tomorrow"}
	for _, wait := range waits {
		for _, jitter := range jitters {
			for _, fault := range faults {
				for status := range 601 {
					for _, n := range []int{0, 1, 2, 1 << 40} {
						f := Facts{Status: status, Fault: fault, Wait: wait, Jitter: jitter, Tries: n, Incidents: n, Items: n, Now: noon}
						checkDecision(t, f, Decide(f, Policy{Retries: 5}))
					}
				}
			}
		}
	}
}

func checkDecision(t *testing.T, f Facts, d Decision) {
	t.Helper()
	if d.Delay < 0 || d.Pause < 0 || d.Verb == "" || d.Source == "" {
		t.Fatalf("Decide(%+v) = %+v: out of range", f, d)
	}
	asked := f.Wait
	if asked > longestAsked {
		asked = 0 // no upstream means that
	}
	if d.Verb == Pause && (d.Pause <= 0 || d.Pause < asked || d.Delay < d.Pause || asked == 0 && d.Pause > maxPause) {
		t.Fatalf("Decide(%+v) = %+v: shorter than asked", f, d)
	}
	if d.Verb == Skip && (f.Items > 1 || d.Outcome == "" || d.Reason == "") {
		t.Fatalf("Decide(%+v) = %+v: a pack closed, or no outcome", f, d)
	}
}

func BenchmarkDecideAccept(b *testing.B) {
	f := try(status(200, "Date: Wed, 21 Oct 2026 07:26:00 GMT", "Content-Type: application/json", "Server: nginx", "Etag: x", "Vary: x"))
	for b.Loop() {
		Decide(f, Policy{Retries: 5})
	}
}
