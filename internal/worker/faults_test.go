package worker

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"shoal/internal/harvest"
)

func TestTheFirstSignalLandsWhatIsInFlightAndStartsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(numbered(10_000)...)
		r.Latency = time.Second
		stop := make(chan struct{})
		time.AfterFunc(3500*time.Millisecond, func() { close(stop) })
		start := time.Now()
		_, err := r.worker(t, r.config()).Drain(t.Context(), stop)
		if !errors.Is(err, ErrStopped) {
			t.Errorf("Drain() = %v, want ErrStopped", err)
		}
		if r.sent() != 32 || len(r.pages) != 32 {
			t.Errorf("%d sent, %d landed, want 32 each: 8 fetchers, 4 rounds", r.sent(), len(r.pages))
		}
		if took := time.Since(start); took > 4100*time.Millisecond {
			t.Errorf("it took %s, want the end of what was in flight at 4s", took)
		}
	})
}

func TestWhatHangsIsCutAtTheGraceLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(numbered(10)...)
		r.Latency = time.Hour
		stop := make(chan struct{})
		time.AfterFunc(time.Second, func() { close(stop) })
		start := time.Now()
		_, err := r.worker(t, r.config()).Drain(t.Context(), stop)
		if took := time.Since(start); !errors.Is(err, ErrStopped) || took > 7*time.Second {
			t.Errorf("Drain() = %v after %s, want ErrStopped within the grace of 5s", err, took)
		}
	})
}

func TestAStoreThatIsAwayStopsTheFetchersAndLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(numbered(1000)...)
		back := time.Now().Add(10 * time.Minute)
		most := 0
		r.landing = func([]harvest.Page) error {
			if time.Now().Before(back) {
				most = max(most, r.Bodies)
				return fmt.Errorf("connection refused: %w", errAway)
			}
			return nil
		}
		if _, err := drain(t, r, r.config()); err != nil || len(r.pages) != 1000 {
			t.Errorf("Drain() = %v with %d pages, want all 1000", err, len(r.pages))
		}
		// One batch being landed, one full, one page in the hand of each of 8 fetchers.
		if most > 50+50+8 || r.sent() != 1000 {
			t.Errorf("%d bodies were held and %d requests sent, want at most 108 and 1000", most, r.sent())
		}
	})
}

func TestAStoreThatIsAwayLongerThanPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(numbered(1000)...)
		r.landing = func([]harvest.Page) error { return errAway }
		c := r.config()
		c.Patience = time.Minute
		if _, err := drain(t, r, c); !errors.Is(err, ErrPatience) || !strings.Contains(err.Error(), "the store is away") {
			t.Errorf("Drain() = %v, want ErrPatience naming the store", err)
		}
	})
}

func TestAFencedWorkerLandsNothingMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		errFenced := errors.New("fenced")
		r := newRig(numbered(1000)...)
		r.landing = func([]harvest.Page) error {
			if r.lands > 3 {
				return errFenced
			}
			return nil
		}
		if _, err := drain(t, r, r.config()); !errors.Is(err, errFenced) || r.lands != 4 {
			t.Errorf("Drain() = %v after %d landings, want the fence at the 4th and no other", err, r.lands)
		}
	})
}

func TestALostLeaseEndsTheWorkAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(numbered(10)...)
		r.Latency = time.Hour
		time.AfterFunc(time.Second, func() { close(r.lost) })
		start := time.Now()
		if _, err := drain(t, r, r.config()); !errors.Is(err, ErrFenced) || time.Since(start) > 2*time.Second {
			t.Errorf("Drain() = %v after %s, want ErrFenced at once", err, time.Since(start))
		}
	})
}

func TestADamagedCorpusIsIncompleteAfterTheRestHasLanded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(numbered(100)...)
		r.damage = errors.New("unexpected end of the archive at line 100")
		result, err := drain(t, r, r.config())
		if !errors.Is(err, ErrIncomplete) || !errors.Is(err, r.damage) || result.Complete || len(r.pages) != 100 {
			t.Errorf("Drain() = %+v, %v with %d pages, want ErrIncomplete after 100 pages", result, err, len(r.pages))
		}
	})
}

func TestLimitStopsAfterSoManyNewItems(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(numbered(100)...)
		c := r.config()
		c.Limit = 30
		for want := 30; want <= 100; want = min(want+30, 101) {
			result, err := drain(t, r, c)
			if err != nil || len(r.pages) != min(want, 100) || result.Complete {
				t.Fatalf("Drain() = %+v, %v with %d pages, want %d and not complete", result, err, len(r.pages), want)
			}
			if want == 90 {
				break
			}
		}
		if result, err := drain(t, r, c); err != nil || !result.Complete || len(r.pages) != 100 {
			t.Errorf("Drain() = %+v, %v with %d pages, want the last 10 and complete", result, err, len(r.pages))
		}
	})
}

func TestShardsCoverTheCorpusOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(numbered(400)...)
		r.items = append(r.items, harvest.Entry{Rejected: &harvest.Rejection{Line: 401, Key: harvest.KeyOf("nonsense")}})
		var rejected int64
		for i := range 4 {
			c := r.config()
			c.Shard = harvest.Shard{Index: i, Of: 4}
			result, err := drain(t, r, c)
			if err != nil || result.Digest.Count != 400 {
				t.Fatalf("Drain() of shard %s = %+v, %v, want the digest of all 400", c.Shard, result, err)
			}
			rejected += result.Rejected
		}
		if len(r.pages) != 400 || r.sent() != 400 || rejected != 1 {
			t.Errorf("%d pages, %d requests, %d rejected, want 400, 400, 1", len(r.pages), r.sent(), rejected)
		}
	})
}

func TestAPassNotesTheDigestOfWhatTheCorpusWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(numbered(100)...)
		first, err := drain(t, r, r.config())
		if err != nil {
			t.Fatal(err)
		}
		grown := newRig(numbered(150)...)
		c := grown.config()
		c.Run.CorpusItems = first.Digest.Count
		second, err := drain(t, grown, c)
		if err != nil || second.Prefix != first.Digest.Sum() || second.Digest.Count != 150 {
			t.Errorf("second pass = %+v, %v, want prefix %s of 150", second, err, first.Digest.Sum())
		}
	})
}

func TestAStoreThatHangsDoesNotHoldUpTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(numbered(1000)...)
		r.hang = true
		stop := make(chan struct{})
		time.AfterFunc(10*time.Second, func() { close(stop) })
		start := time.Now()
		_, err := r.worker(t, r.config()).Drain(t.Context(), stop)
		if took := time.Since(start); !errors.Is(err, ErrStopped) || took > 10*time.Second+r.config().Grace+landGrace+time.Second {
			t.Errorf("Drain() = %v after %s, want ErrStopped within the graces", err, took)
		}
	})
}

func TestALateSuccessDoesNotLandWhatARefusalHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(numbered(100)...)
		r.Answer = func(_ int, url string) (*harvest.Answer, error) {
			if strings.HasSuffix(url, "/0") {
				r.Mu.Unlock() // held while an answer is made
				<-time.After(3 * time.Second)
				r.Mu.Lock()
				return status(200), nil
			}
			return status(403), nil
		}
		if _, err := drain(t, r, r.config()); !errors.Is(err, ErrRefused) || r.outcomes()[harvest.Skipped] != 0 {
			t.Errorf("Drain() = %v with %v, want ErrRefused and nothing skipped on record", err, r.outcomes())
		}
	})
}

func TestAnOutageGivesTriesBackForGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(numbered(1)...)
		r.Answer = func(n int, _ string) (*harvest.Answer, error) {
			r.Forgiven = n <= 10 // an outage that ends, and is forgotten by pace
			if n <= 12 {
				return status(502), nil
			}
			return status(200), nil
		}
		if _, err := drain(t, r, r.config()); err != nil || r.outcomes()[harvest.Landed] != 1 {
			t.Errorf("Drain() = %v with %v, want the item landed: 2 of its 12 failures count", err, r.outcomes())
		}
	})
}

func TestARestoredStoreIsIncomplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(numbered(200)...)
		r.landing = func([]harvest.Page) error {
			if r.lands == 2 {
				r.gen = "restored"
			}
			return nil
		}
		if _, err := drain(t, r, r.config()); !errors.Is(err, ErrIncomplete) || !strings.Contains(err.Error(), "restored") {
			t.Errorf("Drain() = %v, want ErrIncomplete: what was committed before may be gone", err)
		}
	})
}

func TestAnUnreachableUpstreamIsSaidAndForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(numbered(20)...)
		r.Unreachable = time.Now().Add(time.Minute)
		w := r.worker(t, r.config())
		meanwhile := make(chan harvest.Progress, 1)
		time.AfterFunc(30*time.Second, func() { meanwhile <- w.Progress() })
		if _, err := w.Drain(t.Context(), nil); err != nil || len(r.pages) != 20 {
			t.Fatalf("Drain() = %v with %d pages, want 20: no item pays for it", err, len(r.pages))
		}
		during := <-meanwhile
		if !strings.Contains(during.Note, "connection refused, next try in") || during.Limit != harvest.LimitOutage {
			t.Errorf("Progress() meanwhile = %q, limit %s, want the cause, the next try and outage", during.Note, during.Limit)
		}
		if after := w.Progress(); after.Note != "" {
			t.Errorf("Progress().Note afterwards = %q, want none", after.Note)
		}
	})
}

func TestOneSilenceAfterAnotherOutlastsPatience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(numbered(100)...)
		r.Answer = func(int, string) (*harvest.Answer, error) {
			answer := status(503)
			answer.Header.Set("Retry-After", "5")
			return answer, nil
		}
		c := r.config()
		c.Patience = 2 * time.Minute
		start := time.Now()
		if _, err := drain(t, r, c); !errors.Is(err, ErrPatience) || time.Since(start) > 3*time.Minute {
			t.Errorf("Drain() = %v after %s, want ErrPatience after about 2m", err, time.Since(start))
		}
	})
}

func TestProgressOfACutReadingIsNoTotal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(numbered(50_000)...)
		c := r.config()
		c.Limit = 10
		w := r.worker(t, c)
		if _, err := w.Drain(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		<-w.Reading()
		if p := w.Progress(); p.Total != 0 || p.CorpusEnded || p.Counts.Landed != 10 {
			t.Errorf("Progress() = total %d, ended %t, %d landed, want 0, false, 10", p.Total, p.CorpusEnded, p.Counts.Landed)
		}
	})
}

func TestReadingAheadIsBoundedByBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(numbered(2000)...)
		oneMiB := make([]byte, 1<<20)
		for i := range r.items {
			r.items[i].Item.Body = oneMiB
		}
		r.hang, r.Latency = true, time.Hour
		w := r.worker(t, r.config())
		stop := make(chan struct{})
		time.AfterFunc(time.Second, func() { close(stop) })
		_, _ = w.Drain(t.Context(), stop)
		// 256 tasks may be open; in addition a few MiB may be read.
		if seen := w.Progress().Seen; seen > 256+8 {
			t.Errorf("%d items of 1 MiB were read while nothing moved, want at most 264", seen)
		}
	})
}

func TestConnectionsThatDieBeforeARequestAreAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(numbered(20)...)
		r.Barren = 1
		c := r.config()
		c.Patience = time.Minute
		w := r.worker(t, c)
		start := time.Now()
		if _, err := w.Drain(t.Context(), nil); !errors.Is(err, ErrPatience) || time.Since(start) > 2*time.Minute {
			t.Errorf("Drain() = %v after %s, want ErrPatience after about a minute", err, time.Since(start))
		}
		if r.Permits > 100 || r.Used != 0 {
			t.Errorf("%d permits were taken for %d sends, want few: the fetchers must not spin", r.Permits, r.Used)
		}
	})
}

func TestAFewBadItemsAreNoOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(numbered(100)...)
		r.Answer = func(_ int, url string) (*harvest.Answer, error) {
			if strings.HasSuffix(url, "8") || strings.HasSuffix(url, "9") { // 20 of them, two at the very end
				return status(500), nil
			}
			return status(200), nil
		}
		c := r.config()
		c.Retry.Retries = 5
		if _, err := drain(t, r, c); err != nil || r.outcomes()[harvest.Dead] != 20 {
			t.Errorf("Drain() = %v with %v, want 20 dead", err, r.outcomes())
		}
		if r.Bad > 30 {
			t.Errorf("%d failures were reported as signs of an outage, want the first of each item and little more", r.Bad)
		}
	})
}
