package cmd_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"shoal/internal/harvest"
	"shoal/internal/testenv"
)

// lists is an upstream of six listings of 20 steps each, of which each step names two items.
type lists struct {
	step func(list string, page int) // is called when a step is in flight
	item func(path string)           // is called when an item is; may be nil
}

const (
	listsOf   = 6
	listSteps = 20
)

func (l *lists) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	list := r.FormValue("list")
	if list == "" {
		if l.item != nil {
			l.item(r.URL.Path)
		}
		fmt.Fprint(w, "{}")
		return
	}
	page, _ := strconv.Atoi("0" + r.FormValue("cursor"))
	l.step(list, page)
	next := strconv.Quote(strconv.Itoa(page + 1))
	if page == listSteps-1 {
		next = "null"
	}
	fmt.Fprintf(w, `{"data":["%s-%d-a","%s-%d-b"],"next":%s}`, list, page, list, page, next)
}

// listOf is a worker of the run r over the listings.
func listOf(t *testing.T, storeURL string, step func(v *victim, list string, page int), args ...string) *victim {
	t.Helper()
	v := &victim{t: t}
	return v.listing(storeURL, &lists{step: func(list string, page int) { step(v, list, page) }}, args...)
}

// listing has the worker list what upstream does.
func (v *victim) listing(storeURL string, upstream *lists, args ...string) *victim {
	v.t.Helper()
	api := httptest.NewServer(upstream)
	v.t.Cleanup(api.Close)
	v.args = []string{"--run", "r", "--corpus", fmt.Sprintf("list:%s/?list={1..%d}&cursor={cursor}", api.URL, listsOf), "--next", ".next", "--rate", "200", "--max-dead", "5",
		"--store", storeURL, "--progress", "none"}
	for _, arg := range args {
		v.args = append(v.args, strings.ReplaceAll(arg, "$API", api.URL))
	}
	return v
}

// coordinatorOf runs a command of the coordinator about the run r.
func coordinatorOf(t *testing.T, storeURL string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), testenv.Build(t, "./cmd/coordinator"), append(args, "--run", "r", "--store", storeURL)...).CombinedOutput()
	if err != nil {
		t.Fatalf("coordinator %v = %v\n%s", args, err, out)
	}
	return string(out)
}

// untilItEnds starts the worker again after each kill.
func (v *victim) untilItEnds() {
	v.t.Helper()
	for v.kills = 0; v.run(); {
		if v.kills > 4 {
			v.t.Fatalf("%d workers were killed, want at most 4\n%s", v.kills, v.log.String())
		}
	}
}

func TestAStepThatKillsItsWorkerEndsDead(t *testing.T) {
	eachStore(t, func(t *testing.T, url string) {
		const poison = 7
		var asked atomic.Int64
		var harmless atomic.Bool
		v := listOf(t, url, func(v *victim, list string, page int) {
			if list == "3" && page == poison && !harmless.Load() {
				asked.Add(1)
				v.kill()
			}
		})
		v.untilItEnds()
		counts, lost := outcomes(t, url)
		if want := int64((listsOf-1)*listSteps + poison); counts.Landed != want || len(lost) != 1 || lost[0].Outcome != harvest.Dead || lost[0].Items != 1 || lost[0].Reason != "suspected_poison" {
			t.Errorf("outcomes = %+v, %+v, want %d landed and one dead with suspected_poison\n%s", counts, lost, want, v.log.String())
		}
		if v.kills < 3 || asked.Load() != int64(v.kills) {
			t.Errorf("%d kills, asked for %d times, want 3 or 4 of both", v.kills, asked.Load())
		}
		verify(t, url)

		coordinatorOf(t, url, "retry", "--outcome", "dead")
		if v.untilItEnds(); v.kills < 3 {
			t.Errorf("the step was given up after %d kills, want a fresh start: 3 or 4", v.kills)
		}
		coordinatorOf(t, url, "retry", "--outcome", "dead")
		harmless.Store(true)
		v.untilItEnds()
		if counts, lost := outcomes(t, url); counts.Landed != listsOf*listSteps || len(lost) != 0 {
			t.Errorf("outcomes = %+v, %+v once the step is harmless, want all %d landed", counts, lost, listsOf*listSteps)
		}
		verify(t, url)
	})
}

func TestRandomKillsEndNoStep(t *testing.T) {
	eachStore(t, func(t *testing.T, url string) {
		const kills = 8
		var left atomic.Int64
		v := listOf(t, url, func(v *victim, _ string, _ int) {
			if left.Add(-1) == 0 {
				v.kill()
			}
		})
		for v.kills < kills {
			left.Store(1 + rand.Int64N(10))
			if !v.run() {
				t.Fatalf("the run ended after %d kills, want %d", v.kills, kills)
			}
		}
		v.untilItEnds()
		if counts, lost := outcomes(t, url); counts.Landed != listsOf*listSteps || len(lost) != 0 {
			t.Errorf("outcomes = %+v, %+v, want %d landed\n%s", counts, lost, listsOf*listSteps, v.log.String())
		}
		verify(t, url)
	})
}

func TestAStepThatNamesItemsAndKillsItsWorkerBreaksItsListing(t *testing.T) {
	eachStore(t, func(t *testing.T, url string) {
		const poison = 7
		var asked atomic.Int64
		var harmless atomic.Bool
		v := listOf(t, url, func(v *victim, list string, page int) {
			if list == "3" && page == poison && !harmless.Load() {
				asked.Add(1)
				v.kill()
			}
		}, "--items", ".data[]", "--url", "$API/items/{id}")
		code := v.exit()
		for ; code < 0; code = v.exit() {
			if v.kills > 4 {
				t.Fatalf("%d workers were killed, want at most 4\n%s", v.kills, v.log.String())
			}
		}
		said := v.log.String()
		if code != 4 || v.kills < 3 || !strings.Contains(said, "step 8 of it is suspected_poison") || !strings.Contains(said, "cursor=7") || !strings.Contains(said, "coordinator retry") {
			t.Errorf("exit %d after %d kills, want 4 after 3 or 4 of them, and a sentence that names the step and what to do\n%s", code, v.kills, said)
		}
		if counts, lost := outcomes(t, url); counts.Landed != 2*((listsOf-1)*listSteps+poison) || len(lost) != 0 {
			t.Errorf("outcomes = %+v, %+v, want the %d items that the other steps name landed", counts, lost, 2*((listsOf-1)*listSteps+poison))
		}
		before := asked.Load()
		if code := v.exit(); code != 4 || asked.Load() != before {
			t.Errorf("the next start = exit %d after %d requests for the step, want 4 and none", code, asked.Load()-before)
		}
		harmless.Store(true)
		if said := coordinatorOf(t, url, "retry", "--outcome", "dead"); !strings.Contains(said, "1 steps of listings that are suspected_poison are put back") {
			t.Errorf("coordinator retry says\n%s\nwant that the step is put back", said)
		}
		if code := v.exit(); code != 0 {
			t.Errorf("the start after retry = exit %d, want 0\n%s", code, v.log.String())
		}
		if counts, lost := outcomes(t, url); counts.Landed != 2*listsOf*listSteps || len(lost) != 0 {
			t.Errorf("outcomes = %+v, %+v, want %d landed", counts, lost, 2*listsOf*listSteps)
		}
		verify(t, url)
	})
}

func TestAnItemThatAListingNamesAndThatKillsItsWorkerEndsDead(t *testing.T) {
	eachStore(t, func(t *testing.T, url string) {
		v := &victim{t: t}
		v.listing(url, &lists{step: func(string, int) {}, item: func(path string) {
			if path == "/items/3-7-a" {
				v.kill()
			}
		}}, "--items", ".data[]", "--url", "$API/items/{id}")
		v.untilItEnds()
		counts, lost := outcomes(t, url)
		if counts.Landed != 2*listsOf*listSteps-1 || len(lost) != 1 || lost[0].Items != 1 || lost[0].Reason != "suspected_poison" || v.kills < 3 {
			t.Errorf("outcomes = %+v, %+v after %d kills, want all landed but one: no step of the listing counts for what an item did", counts, lost, v.kills)
		}
		verify(t, url)
	})
}
