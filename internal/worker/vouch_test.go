package worker

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"shoal/internal/canary"
	"shoal/internal/harvest"
)

// always answers every item in the same way.
func always(code int, body string) func(int, string) (*harvest.Answer, error) {
	return func(int, string) (*harvest.Answer, error) {
		answer := status(code)
		answer.Body = []byte(body)
		return answer, nil
	}
}

func TestACorpusOfWhichNothingLandsRecordsNothing(t *testing.T) {
	for _, n := range []int{1, 3, 50, 99} {
		for _, code := range []int{404, 400, 410, 500} {
			t.Run(fmt.Sprintf("%d items, %d", n, code), func(t *testing.T) {
				if code == 500 && n > 3 {
					return // that is an upstream that is out
				}
				synctest.Test(t, func(t *testing.T) {
					r := newRig(numbered(n)...)
					r.Answer = always(code, `{}`)
					_, err := drain(t, r, r.config())
					if !errors.Is(err, ErrRefused) || len(r.pages) != 0 || !strings.Contains(err.Error(), "--no-canary") || strings.Count(err.Error(), "http://api.test/") != min(n, canary.MaxExamples) {
						t.Errorf("Drain() = %v with %d pages, want ErrRefused with examples and --no-canary, and nothing recorded", err, len(r.pages))
					}
					c := r.config()
					c.Canary = false
					if _, err := drain(t, r, c); err != nil || len(r.pages) != n {
						t.Errorf("Drain() with --no-canary = %v with %d pages, want all %d recorded", err, len(r.pages), n)
					}
				})
			})
		}
	}
}

func TestAShardWithoutASuccessIsJudgedByTheWholeRun(t *testing.T) {
	for _, c := range []struct {
		name     string
		missing  func(mine bool) bool
		landed   bool // by another worker, meanwhile
		recorded bool
	}{
		{"all items of all shards fail", func(bool) bool { return true }, false, false},
		{"another shard's items are served", func(mine bool) bool { return mine }, false, true},
		{"another worker has landed something", func(bool) bool { return true }, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(numbered(200)...)
				config := r.config()
				config.Shard = harvest.Shard{Index: 3, Of: 64}
				own := 0
				for _, entry := range r.items {
					if config.Shard.Owns(entry.Item.Key) {
						own++
					}
				}
				r.Answer = func(_ int, url string) (*harvest.Answer, error) {
					if c.missing(config.Shard.Owns(harvest.KeyOf(url))) {
						return status(404), nil
					}
					return status(200), nil
				}
				if c.landed {
					other := harvest.Page{Key: harvest.KeyOf("http://api.test/other"), URL: "http://api.test/other", Outcome: harvest.Landed}
					r.pages[other.Key] = other
				}
				_, err := drain(t, r, config)
				missing := r.outcomes()[harvest.Missing]
				if c.recorded && (err != nil || missing != own) || !c.recorded && (!errors.Is(err, ErrRefused) || missing != 0) {
					t.Errorf("Drain() = %v with %d of %d recorded, want recorded: %t", err, missing, own, c.recorded)
				}
				if r.sent() > own+maxNeighbours {
					t.Errorf("%d requests for %d items, want at most %d for others", r.sent(), own, maxNeighbours)
				}
			})
		})
	}
}

func TestAnAddressOfSomethingElseIsRefusedWithinSeconds(t *testing.T) {
	for _, n := range []int{1, 2, 50, 3000} {
		for name, body := range map[string]string{"HTML": "<html><title>Sign in</title>", "nothing": "", "HTML, no canary": "<html><title>Sign in</title>", "nothing, no canary": ""} {
			t.Run(fmt.Sprintf("%s, %d items", name, n), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := newRig(numbered(n)...)
					r.Answer = always(200, body)
					r.Forgiven = true // were it an outage, none of this would ever end
					c := r.config()
					c.Retry.Retries, c.Canary = 5, !strings.HasSuffix(name, "no canary")
					began := time.Now()
					_, err := drain(t, r, c)
					if took := time.Since(began); !errors.Is(err, ErrRefused) || took > 8*time.Second || len(r.pages) != 0 || r.Bad != 0 {
						t.Errorf("Drain() = %v after %v with %d pages, %d signs of an outage, want ErrRefused within seconds", err, took, len(r.pages), r.Bad)
					}
					if err == nil || !strings.Contains(err.Error(), "text/html") || !strings.Contains(err.Error(), "Sign in") {
						t.Errorf("Drain() = %v, want the content type and the title in it", err)
					}
				})
			})
		}
	}
}

func TestAMaintenancePageInMidRunIsASignOfAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(numbered(200)...)
		down, up := time.Now().Add(100*time.Millisecond), time.Now().Add(2*time.Minute)
		r.Answer = func(int, string) (*harvest.Answer, error) {
			answer := status(200)
			if now := time.Now(); now.After(down) && now.Before(up) {
				answer.Body = []byte("<html><title>Back soon</title>")
				r.Forgiven = true // pace sees the outage
			}
			return answer, nil
		}
		if _, err := drain(t, r, r.config()); err != nil || r.outcomes()[harvest.Landed] != 200 || r.Bad < 10 {
			t.Errorf("Drain() = %v with %v and %d signs of an outage, want all landed after it, and 10 signs", err, r.outcomes(), r.Bad)
		}
	})
}

func TestTheLastItemsOfARunMayAllBeForbidden(t *testing.T) {
	for _, n := range []int{3, 45} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(numbered(100)...)
			r.Answer = func(_ int, url string) (*harvest.Answer, error) {
				var id int
				fmt.Sscanf(url, "http://api.test/items/%d", &id)
				if id >= 100-n {
					return status(403), nil
				}
				return status(200), nil
			}
			for _, entry := range r.items[:100-n] { // landed before this start
				r.pages[entry.Item.Key] = harvest.Page{Key: entry.Item.Key, URL: entry.Item.URL, Outcome: harvest.Landed}
			}
			c := r.config()
			c.Fresh = false
			if _, err := drain(t, r, c); err != nil || r.outcomes()[harvest.Skipped] != n {
				t.Errorf("Drain() = %v with %v, want %d skipped: what landed before is still served", err, r.outcomes(), n)
			}
		})
	}
}
