//go:build prove

package e2e

import (
	"fmt"
	"testing"
	"time"

	"shoal/internal/fakeapi"
)

// TestFleetUsesTheBudget: 1, 4 and 8 workers on a strict 50/s upstream with 50 ms latency.
func TestFleetUsesTheBudget(t *testing.T) {
	for _, n := range []int{1, 4, 8} {
		t.Run(fmt.Sprint(n, " workers"), func(t *testing.T) {
			steadily(t, func() {
				f := newFleet(t, 1000, fakeapi.Behaviour{Rate: 50, Latency: 50 * time.Millisecond})
				wantAll(f.shards(n), 0, time.Minute)
				f.polite(51)
				part := used(f.api.Arrivals(), 50)
				t.Logf("%d workers used %.1f %% of the budget", n, 100*part)
				if part < 0.98 {
					t.Errorf("%.1f %% of the budget used, want at least 98 %%", 100*part)
				}
				f.complete("proof", 1000)
			})
		})
	}
}

// TestSurvivorsTakeUpTheShare: one of four is killed; the others use the whole budget; a restart
// completes the run.
func TestSurvivorsTakeUpTheShare(t *testing.T) {
	steadily(t, func() {
		f := newFleet(t, 3000, fakeapi.Behaviour{Rate: 50, Latency: 50 * time.Millisecond})
		workers := f.shards(4)
		f.arrived(500, time.Minute)
		killed := time.Now()
		workers[1].kill()
		f.arrived(1500, time.Minute)
		after := f.api.Between(killed, time.Now())
		f.steady(51)
		part := used(after, 50)
		t.Logf("after the kill three workers used %.1f %% of the budget", 100*part)
		if part < 0.97 {
			t.Errorf("after the kill %.1f %% of the budget was used, want at least 97 %%", 100*part)
		}
		restarted := time.Now()
		again := f.start("--shard", "1/4")
		wantAll([]*worker{workers[0], workers[2], workers[3], again}, 0, 2*time.Minute)
		t.Logf("the restarted shard was done %s after its start", time.Since(restarted).Round(time.Second))
		f.polite(51)
		f.complete("proof", 3000)
	})
}

// TestTwoRunsShareOneBudget: two runs on one host.
func TestTwoRunsShareOneBudget(t *testing.T) {
	steadily(t, func() {
		f := newFleet(t, 1500, fakeapi.Behaviour{Rate: 50, Latency: 50 * time.Millisecond})
		one := f.corpus("one.txt", 0, 750)
		two := f.corpus("two.txt", 750, 1500)
		services := []string{"--redis", f.redis.URL, "--store", f.pg.URL, "--rate", "50"}
		a := f.run(append(services, "--run", "a", "--corpus", one)...)
		b := f.run(append(services, "--run", "b", "--corpus", two)...)
		wantAll([]*worker{a, b}, 0, time.Minute)
		f.polite(51)
		t.Logf("both together used %.1f %% of the budget", 100*used(f.api.Arrivals(), 50))
		f.complete("a", 750)
		f.complete("b", 750)
	})
}

// TestGoAwayCostsLittle: a server that sends GOAWAY every 1,000 requests costs less than 1 % of the
// budget.
func TestGoAwayCostsLittle(t *testing.T) {
	steadily(t, func() {
		const rate, items = 100, 5000
		part := map[int]float64{}
		for _, every := range []int{0, 1000} {
			f := newFleet(t, items, fakeapi.Behaviour{Rate: rate, Latency: 50 * time.Millisecond, GoAwayEvery: every})
			f.start("--rate", fmt.Sprint(rate)).want(0, 2*time.Minute)
			f.polite(rate + 1)
			// A request that was sent and not processed has wasted its slot: only served ones
			// count.
			part[every] = used(f.api.Arrivals(), rate)
			t.Logf("GOAWAY every %d: %.2f %% of the budget, %d requests unprocessed", every, 100*part[every], len(f.api.Unprocessed()))
			f.complete("proof", items)
		}
		if cost := 1 - part[1000]/part[0]; cost >= 0.01 {
			t.Errorf("GOAWAY every 1,000 requests costs %.2f %%, want less than 1 %%", 100*cost)
		}
	})
}
