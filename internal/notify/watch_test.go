package notify

import (
	"strings"
	"testing"
	"time"

	"shoal/internal/harvest"
)

// at returns a moment of a test.
func at(minutes float64) time.Time {
	return time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC).Add(time.Duration(minutes * float64(time.Minute)))
}

// look is one snapshot, and the event that it is to complete.
type glance struct {
	minute float64
	limit  harvest.Limit
	landed int64
	change func(*harvest.Progress)
	want   Event
}

// TestWatch states which snapshots are events.
func TestWatch(t *testing.T) {
	t.Parallel()
	until := func(minute float64) func(*harvest.Progress) {
		return func(p *harvest.Progress) { p.SilentUntil = at(minute) }
	}
	stuck := func(p *harvest.Progress) { p.Stuck = "land: nothing has left this stage for 2m0s" }
	idle := func(p *harvest.Progress) { p.Fleet, p.Idle = true, "no worker is on run q" }
	led := func(p *harvest.Progress) { p.Led = true }
	leader := func(p *harvest.Progress) { p.Led, p.Fleet = true, true }
	const budget, store, backoff, hold, outage = harvest.LimitBudget, harvest.LimitStore, harvest.LimitBackoff, harvest.LimitHold, harvest.LimitOutage
	for _, test := range []struct {
		name    string
		glances []glance
	}{
		{"all is well", []glance{{0, budget, 1, nil, ""}, {60, budget, 2, nil, ""}, {120, harvest.LimitCorpus, 2, nil, ""}}},
		{"the store is away, and comes back", []glance{
			{0, budget, 5, nil, ""}, {1, store, 5, nil, ""}, {10.9, store, 5, nil, ""}, {11, store, 5, nil, Stalled}, {30, store, 5, nil, ""}, {31, budget, 5, nil, ""}, {32, budget, 6, nil, Resumed}, {33, budget, 7, nil, ""},
		}},
		{"a slow store is not a stall", []glance{{0, store, 1, nil, ""}, {9, store, 2, nil, ""}, {18, store, 3, nil, ""}, {27, store, 4, nil, ""}}},
		{"probes of an outage do not end it", []glance{{0, outage, 1, nil, ""}, {5, budget, 1, nil, ""}, {6, outage, 1, nil, ""}, {11, outage, 1, nil, Stalled}}},
		{"a long silence is known when it begins", []glance{{0, budget, 1, nil, ""}, {1, backoff, 1, until(61), Silenced}, {1.1, backoff, 2, until(61), ""}, {61, budget, 2, nil, ""}, {62, budget, 3, nil, Resumed}}},
		{"short silences are not", []glance{{0, backoff, 1, until(1), ""}, {1, budget, 2, nil, ""}, {2, backoff, 2, until(9), ""}, {9, budget, 3, nil, ""}}},
		{"silence after silence without an item", []glance{{0, backoff, 0, until(4), ""}, {4, budget, 0, nil, ""}, {5, backoff, 0, until(9), ""}, {9.5, backoff, 0, until(13), Silenced}}},
		{"an open pause", []glance{{0, budget, 1, nil, ""}, {0.5, hold, 2, nil, ""}, {9, hold, 2, nil, ""}, {10.5, hold, 2, nil, Paused}, {99, hold, 2, nil, ""}}},
		{"a pause that becomes a stall", []glance{{0, hold, 0, nil, ""}, {10, hold, 0, nil, Paused}, {11, store, 0, nil, ""}, {21, store, 0, nil, Stalled}, {22, budget, 1, nil, Resumed}}},
		{"a stage is stuck", []glance{{0, budget, 0, stuck, ""}, {10, budget, 0, stuck, Stalled}}},
		{"no worker", []glance{{0, harvest.LimitCorpus, 0, idle, ""}, {10, harvest.LimitCorpus, 0, idle, Stalled}}},
		{"a led worker is silent", []glance{{0, store, 0, led, ""}, {60, store, 0, led, ""}, {61, backoff, 0, led, ""}, {90, backoff, 0, led, ""}}},
		{"its leader is not", []glance{{0, store, 0, leader, ""}, {60, store, 0, leader, Stalled}}},
	} {
		w := Watch{After: 10 * time.Minute}
		for _, g := range test.glances {
			p := harvest.Progress{Run: "q", Host: "api.example", Shard: harvest.Shard{Of: 1}, Now: at(g.minute), Limit: g.limit, Counts: harvest.Counts{Landed: g.landed}}
			if g.change != nil {
				g.change(&p)
			}
			n, ok := w.See(p)
			if n.Event != g.want || ok != (g.want != "") {
				t.Errorf("%s: See(minute %g) = %q, %v, want %q", test.name, g.minute, n.Event, ok, g.want)
			}
			if ok && (n.Run != "q" || n.Host != "api.example" || n.ID == "" || n.Since == nil || !strings.HasPrefix(n.Text, "Run q (api.example) ")) {
				t.Errorf("%s: See(minute %g) = %+v, want run, host, id, since and a sentence", test.name, g.minute, n)
			}
		}
	}
}

// TestEnding states which ends are events, and of which process.
func TestEnding(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name           string
		code           int
		finished       bool
		fleet          bool
		free, led      Event // without and with a leader
		sentence, fact string
	}{
		{name: "the last shard", finished: true, free: Finished, sentence: "is finished"},
		{name: "a shard of several, or a limit"},
		{name: "a led run", finished: true, fleet: true, free: Finished, led: Finished, sentence: "is finished"},
		{name: "more lost than allowed", code: 3, finished: true, free: Finished, sentence: "lost more than allowed"},
		{name: "more lost in a shard", code: 3, free: Failed, led: Failed, sentence: "exit code 3"},
		{name: "refused", code: 4, free: Refused, led: Refused, sentence: "a person is needed"},
		{name: "a service was away", code: 5, free: Stalled, sentence: "the same command continues it"},
		{name: "a service was away from the leader", code: 5, fleet: true, free: Stalled, led: Stalled, sentence: "has stalled and ended"},
		{name: "incomplete", code: 6, free: Failed, led: Failed, sentence: "exit code 6"},
		{name: "usage", code: 2, free: Failed, led: Failed, sentence: "exit code 2"},
		{name: "another worker has it", code: 13},
		{name: "SIGTERM", code: 143},
		{name: "SIGINT", code: 130},
	} {
		for led, want := range map[bool]Event{false: test.free, true: test.led} {
			if test.fleet && !led {
				continue
			}
			e := Ending{Code: test.code, Finished: test.finished, Last: harvest.Progress{Run: "q", Now: at(0), Fleet: test.fleet, Led: led, Counts: harvest.Counts{Landed: 1234}}}
			if test.code != 0 {
				e.Err = "it broke"
			}
			n, ok := e.Notice()
			if n.Event != want || ok != (want != "") {
				t.Errorf("%s, led %v: Notice() = %q, %v, want %q", test.name, led, n.Event, ok, want)
			}
			if ok && (!strings.Contains(n.Text, test.sentence) || !strings.Contains(n.Text, "1,234 landed") || *n.Exit != test.code) {
				t.Errorf("%s, led %v: text %q, exit %d, want %q, the counts and %d", test.name, led, n.Text, *n.Exit, test.sentence, test.code)
			}
		}
	}
}

// TestTextIsSafe: foreign words cannot call people in Slack, and their length has a bound.
func TestTextIsSafe(t *testing.T) {
	t.Parallel()
	e := Ending{Code: 4, Err: "403 <!channel> & <https://evil.example|click>\n\x1b[31m" + strings.Repeat("x", 9000), Last: harvest.Progress{Run: "q", Now: at(0)}}
	n, _ := e.Notice()
	if strings.ContainsAny(n.Text, "<>\n\x1b") || !strings.Contains(n.Text, "&lt;!channel&gt; &amp;") || len(n.Text) > 3*maxText || len(n.Cause) > 4*maxCause {
		t.Errorf("Notice() = text %q, cause %q", n.Text, n.Cause)
	}
}
