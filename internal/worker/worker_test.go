package worker

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"shoal/internal/harvest"
)

// drain runs the rig's worker to its end under a fake clock.
func drain(t *testing.T, r *rig, c Config) (Result, error) {
	t.Helper()
	result, err := r.worker(t, c).Drain(t.Context(), nil)
	if r.Bodies != 0 {
		t.Errorf("%d bodies were never released", r.Bodies)
	}
	return result, err
}

func TestEveryItemLandsOnceAndIsMarked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		urls := numbered(500)
		r := newRig(append(urls, urls...)...)
		result, err := drain(t, r, r.config())
		if err != nil || !result.Complete {
			t.Fatalf("Drain() = %+v, %v, want a complete pass", result, err)
		}
		if len(r.pages) != 500 || r.sent() != 500 || len(r.marked) != 500 {
			t.Errorf("Drain(): %d pages, %d sent, %d marked, want 500 each", len(r.pages), r.sent(), len(r.marked))
		}
		if result.Digest.Count != 1000 {
			t.Errorf("Digest.Count = %d, want 1000: repeats are part of a corpus", result.Digest.Count)
		}
		if r.Worst > 8 {
			t.Errorf("%d exchanges in flight at once, want at most 8", r.Worst)
		}
	})
}

func TestARerunFetchesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(numbered(100)...)
		if _, err := drain(t, r, r.config()); err != nil {
			t.Fatal(err)
		}
		before := r.sent()
		result, err := drain(t, r, r.config())
		if err != nil || !result.Complete || r.sent() != before {
			t.Errorf("second Drain() = %+v, %v with %d requests, want complete with 0", result, err, r.sent()-before)
		}
	})
}

func TestOutcomesOfFailingItems(t *testing.T) {
	ok := func() *harvest.Answer { return status(200) }
	for _, c := range []struct {
		name    string
		answer  func(n int) (*harvest.Answer, error)
		outcome harvest.Outcome
		reason  string
		sends   int
	}{
		{"a 500 that lasts ends dead after all retries", func(int) (*harvest.Answer, error) { return status(500), nil }, harvest.Dead, "http_500", 4},
		{"a 500 that passes lands", func(n int) (*harvest.Answer, error) {
			if n < 3 {
				return status(500), nil
			}
			return ok(), nil
		}, harvest.Landed, "", 3},
		{"a reset is repeated", func(n int) (*harvest.Answer, error) {
			if n == 1 {
				return nil, &harvest.Failure{Fault: harvest.FaultReset, Err: errors.New("gone")}
			}
			return ok(), nil
		}, harvest.Landed, "", 2},
		{"a refused stream costs no retry at first", func(n int) (*harvest.Answer, error) {
			if n <= 6 {
				return nil, &harvest.Failure{Fault: harvest.FaultUnprocessed, Err: errors.New("refused")}
			}
			return ok(), nil
		}, harvest.Landed, "", 7},
		{"a stream that is always refused ends dead", func(int) (*harvest.Answer, error) {
			return nil, &harvest.Failure{Fault: harvest.FaultUnprocessed, Err: errors.New("refused")}
		}, harvest.Dead, "unprocessed", 7},
		{"a connection that is always lost ends dead", func(int) (*harvest.Answer, error) {
			return nil, &harvest.Failure{Fault: harvest.FaultLost, Err: errors.New("EOF")}
		}, harvest.Dead, "connection_lost", 7},
		{"a 429 that only this item gets ends dead", func(int) (*harvest.Answer, error) { return status(429), nil }, harvest.Dead, "http_429", 15},
		{"404 is missing", func(int) (*harvest.Answer, error) { return status(404), nil }, harvest.Missing, "http_404", 1},
		{"400 is skipped", func(int) (*harvest.Answer, error) { return status(400), nil }, harvest.Skipped, "http_400", 1},
		{"too large is skipped", func(int) (*harvest.Answer, error) {
			return nil, &harvest.Failure{Fault: harvest.FaultTooLarge, Err: errors.New("large")}
		}, harvest.Skipped, "body_too_large", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(numbered(2)...)
				r.Answer = func(n int, url string) (*harvest.Answer, error) {
					if strings.HasSuffix(url, "/0") {
						return ok(), nil
					}
					return c.answer(n)
				}
				if _, err := drain(t, r, r.config()); err != nil {
					t.Fatal(err)
				}
				page := r.pages[r.items[1].Item.Key]
				if page.Outcome != c.outcome || page.Reason != c.reason || page.Attempts != c.sends || r.Sends[page.URL] != c.sends {
					t.Errorf("page = %s %q after %d attempts and %d sends, want %s %q after %d",
						page.Outcome, page.Reason, page.Attempts, r.Sends[page.URL], c.outcome, c.reason, c.sends)
				}
			})
		})
	}
}

func TestTriesInAnOutageCostNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(numbered(1)...)
		r.Forgiven = true
		r.Answer = func(n int, _ string) (*harvest.Answer, error) {
			if n < 20 {
				return status(502), nil
			}
			return status(200), nil
		}
		if _, err := drain(t, r, r.config()); err != nil || r.outcomes()[harvest.Landed] != 1 {
			t.Errorf("Drain() = %v with %v, want the item landed after the outage", err, r.outcomes())
		}
	})
}

func TestRedirectsTakeAPermitEach(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig("http://api.test/a", "http://api.test/loop")
		r.Answer = func(_ int, url string) (*harvest.Answer, error) {
			if url == "http://api.test/b" {
				return status(200), nil
			}
			answer := status(302)
			answer.Header = http.Header{"Location": {"http://api.test/b"}}
			if strings.HasSuffix(url, "loop") {
				answer.Header.Set("Location", url)
			}
			return answer, nil
		}
		if _, err := drain(t, r, r.config()); err != nil {
			t.Fatal(err)
		}
		landed, loop := r.pages[r.items[0].Item.Key], r.pages[r.items[1].Item.Key]
		if landed.Outcome != harvest.Landed || landed.URL != "http://api.test/a" {
			t.Errorf("redirected page = %s at %s, want landed under its own URL", landed.Outcome, landed.URL)
		}
		if loop.Outcome != harvest.Skipped || loop.Reason != "redirect_loop" {
			t.Errorf("loop = %s %q, want skipped redirect_loop", loop.Outcome, loop.Reason)
		}
		if r.Permits != 6 || r.Used != 6 {
			t.Errorf("%d permits for %d sends, want 6 (2 and 4)", r.Permits, r.Used)
		}
	})
}

func TestRefusalsStopAndMarkNothing(t *testing.T) {
	for _, c := range []struct {
		name  string
		items int
		code  int
		most  int // requests
	}{
		{"a wrong path is stopped by the canary", 1000, 404, 120},
		{"a storm of 403", 1000, 403, 40},
		{"a few 401 and nothing else", 5, 401, 10},
		{"429 to every item", 1000, 429, 60},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(numbered(c.items)...)
				r.Answer = func(int, string) (*harvest.Answer, error) { return status(c.code), nil }
				_, err := drain(t, r, r.config())
				if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "http://api.test/items/") {
					t.Errorf("Drain() = %v, want ErrRefused with examples", err)
				}
				if len(r.pages) != 0 || r.sent() > c.most {
					t.Errorf("%d pages recorded with %d requests, want none with at most %d", len(r.pages), r.sent(), c.most)
				}
			})
		})
	}
}

func TestTheFirstSuccessReleasesWhatWasHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(numbered(300)...)
		r.Answer = func(_ int, url string) (*harvest.Answer, error) {
			if strings.HasSuffix(url, "/50") {
				return status(200), nil
			}
			return status(404), nil
		}
		if _, err := drain(t, r, r.config()); err != nil || r.outcomes()[harvest.Missing] != 299 {
			t.Errorf("Drain() = %v with %v, want 299 missing and 1 landed", err, r.outcomes())
		}
	})
}

func TestA401RenewsTheCredentialOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(numbered(1)...)
		r.Answer = func(n int, _ string) (*harvest.Answer, error) {
			if n == 1 {
				return status(401), nil
			}
			return status(200), nil
		}
		if _, err := drain(t, r, r.config()); err != nil || r.Renewals != 1 || r.outcomes()[harvest.Landed] != 1 {
			t.Errorf("Drain() = %v with %d renewals and %v, want one renewal and a landed page", err, r.Renewals, r.outcomes())
		}
	})
}

func TestSilenceIsReportedInFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(numbered(1)...)
		r.Answer = func(n int, _ string) (*harvest.Answer, error) {
			if n > 1 {
				return status(200), nil
			}
			answer := status(429)
			answer.Header.Set("Retry-After", "3")
			return answer, nil
		}
		start := time.Now()
		if _, err := drain(t, r, r.config()); err != nil {
			t.Fatal(err)
		}
		if len(r.Backoffs) != 1 || r.Backoffs[0] != 3*time.Second || time.Since(start) < 3*time.Second {
			t.Errorf("backoffs = %v, done after %s, want one of 3s kept", r.Backoffs, time.Since(start))
		}
	})
}

func TestAPauseLongerThanPatienceEndsTheWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(numbered(10)...)
		r.Answer = func(_ int, url string) (*harvest.Answer, error) {
			if !strings.HasSuffix(url, "/7") {
				return status(200), nil
			}
			answer := status(429)
			answer.Header.Set("Retry-After", "3600")
			return answer, nil
		}
		c := r.config()
		c.Patience = time.Minute
		_, err := drain(t, r, c)
		if !errors.Is(err, ErrPatience) || !strings.Contains(err.Error(), "start again") {
			t.Errorf("Drain() = %v, want ErrPatience that says when to start again", err)
		}
		if r.outcomes()[harvest.Landed] == 0 {
			t.Error("what had come was not landed before the end")
		}
	})
}

func TestAnswersThatNoPageKeepsAreReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(numbered(200)...)
		w := r.worker(t, r.config())
		w.parts.Upstream = sanitizingUpstream{}
		if _, err := w.Drain(t.Context(), nil); err != nil || len(r.pages) != 200 {
			t.Fatalf("Drain() = %v with %d pages, want 200", err, len(r.pages))
		}
		if r.Bodies != 0 {
			t.Errorf("%d bodies were never released", r.Bodies)
		}
	})
}

// sanitizingUpstream makes pages with bytes of their own.
type sanitizingUpstream struct{ rigUpstream }

func (u sanitizingUpstream) Read(request *harvest.Request, a *harvest.Answer) harvest.Reading {
	reading := u.rigUpstream.Read(request, a)
	reading.Pages[0].Body, reading.Pages[0].Answer = []byte(`"mended"`), nil
	return reading
}

func TestAWrongExpressionIsStoppedByTheCanary(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(numbered(1000)...)
		w := r.worker(t, r.config())
		w.parts.Upstream = skippingUpstream{}
		_, err := w.Drain(t.Context(), nil)
		if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "cannot iterate") || len(r.pages) != 0 {
			t.Errorf("Drain() = %v with %d pages, want ErrRefused with the message and none", err, len(r.pages))
		}
	})
}

// skippingUpstream is one whose expression fails on every answer.
type skippingUpstream struct{ rigUpstream }

func (u skippingUpstream) Read(request *harvest.Request, a *harvest.Answer) harvest.Reading {
	reading := u.rigUpstream.Read(request, a)
	reading.Pages[0].Refuse("extract_failed")
	reading.Pages[0].Detail, reading.Pages[0].Answer = "cannot iterate over: null", nil
	return reading
}
