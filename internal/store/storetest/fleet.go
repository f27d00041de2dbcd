package storetest

import (
	"fmt"
	"testing"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/store"
)

func testFleet(t *testing.T, e *env) {
	e.run(t, "orders of operators", fleetControl)
	e.run(t, "a silence of the upstream", fleetSilence)
	e.run(t, "shards as they stand", fleetShards)
	e.run(t, "work and minutes", fleetWork)
	e.run(t, "quiets", fleetQuiets)
	e.run(t, "finished when all shards of one N are drained", fleetFinish)
	e.run(t, "put back", fleetPutBack)
	e.run(t, "put back and replaced", fleetReplaced)
	e.run(t, "put back counts where several N were at work", fleetPutBackMixed)
	e.run(t, "drop leaves other runs", fleetDrop)
	e.run(t, "no other is disturbed", fleetBusy)
	e.run(t, "a run that is led stays", fleetLed)
	e.run(t, "steps are put back", fleetRewound)
	e.run(t, "opened again", fleetReopened)
	e.run(t, "a page and its chain's step are one", fleetChain)
	e.run(t, "evidence", fleetEvidence)
}

func (f *fixture) control(t *testing.T) harvest.Control {
	t.Helper()
	c, err := f.store.Control(t.Context(), Name)
	if err != nil {
		t.Fatalf("Control(%s) = %v, want nil", Name, err)
	}
	return c
}

func must(t testing.TB, call string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s = %v, want nil", call, err)
	}
}

func fleetControl(t *testing.T, f *fixture) {
	ctx, host := t.Context(), Inputs().Host
	equal(t, "Control() at first", f.control(t), harvest.Control{})
	must(t, "SetRate(30)", f.store.SetRate(ctx, host, "30/s", "ada@lab"))
	must(t, "Hold(10m)", f.store.Hold(ctx, host, 10*time.Minute, "bob@lab"))
	c := f.control(t)
	if c.Rate != "30/s" || c.By != "bob@lab" || c.At.IsZero() || c.Hold < 9*time.Minute || c.Hold > 10*time.Minute {
		t.Errorf("Control() = %+v, want 30/s, held for 10 minutes by bob@lab", c)
	}
	must(t, "Hold(for ever)", f.store.Hold(ctx, host, harvest.Forever, "bob@lab"))
	equal(t, "hold without an end", f.control(t).Hold, harvest.Forever)
	must(t, "Hold(0)", f.store.Hold(ctx, host, 0, "ada@lab"))
	c = f.control(t)
	equal(t, "hold after its end", c.Hold, time.Duration(0))
	equal(t, "rate after the hold's end", c.Rate, "30/s")
	must(t, "RequestDrain(ada)", f.store.RequestDrain(ctx, Name, "ada@lab"))
	if c = f.control(t); c.DrainBy != "ada@lab" || c.DrainAt.IsZero() {
		t.Errorf("Control() after Drain = %+v, want drained by ada@lab", c)
	}
	must(t, "RequestDrain(none)", f.store.RequestDrain(ctx, Name, ""))
	if c = f.control(t); c.DrainBy != "" || !c.DrainAt.IsZero() {
		t.Errorf("Control() after the drain's end = %+v, want none", c)
	}
	wantError(t, "RequestDrain(no such run)", f.store.RequestDrain(ctx, "nosuch", "ada"), store.ErrNoRun)
	_, err := f.store.Control(ctx, "nosuch")
	wantError(t, "Control(no such run)", err, store.ErrNoRun)
}

func fleetSilence(t *testing.T, f *fixture) {
	ctx, host := t.Context(), Inputs().Host
	must(t, "Silence(1h)", f.store.Silence(ctx, host, time.Hour))
	c := f.control(t)
	if c.Silence < 59*time.Minute || c.Silence > time.Hour || !c.At.IsZero() || !c.Lifted.IsZero() {
		t.Errorf("Control() = %+v, want an hour of silence and no order of an operator", c)
	}
	must(t, "Silence(1m)", f.store.Silence(ctx, host, time.Minute))
	must(t, "SetRate(30)", f.store.SetRate(ctx, host, "30/s", "ada@lab"))
	must(t, "Hold(0)", f.store.Hold(ctx, host, 0, "ada@lab"))
	if c = f.control(t); c.Silence < 59*time.Minute || c.At.IsZero() {
		t.Errorf("Control() after a shorter silence and an operator's orders = %+v, want the hour", c)
	}
	must(t, "Silence(2h)", f.store.Silence(ctx, host, 2*time.Hour))
	if c = f.control(t); c.Silence < 119*time.Minute {
		t.Errorf("Control() after a longer silence = %+v, want two hours", c)
	}
	must(t, "Lift()", f.store.Lift(ctx, host, "bob@lab"))
	c = f.control(t)
	if c.Silence != 0 || c.Lifted.IsZero() || c.By != "bob@lab" || c.Rate != "30/s" {
		t.Errorf("Control() after Lift() = %+v, want no silence, lifted by bob@lab", c)
	}
	must(t, "Silence(1ms)", f.store.Silence(ctx, host, time.Millisecond))
	lifted := c.Lifted
	for c = f.control(t); c.Silence > 0; {
		c = f.control(t)
	}
	equal(t, "Lifted after another silence", c.Lifted, lifted)
	must(t, "Lift(another host)", f.store.Lift(ctx, "other.example", "bob@lab"))
}

func (f *fixture) shards(t *testing.T) []harvest.ShardState {
	t.Helper()
	shards, err := f.store.ListShards(t.Context(), Name)
	must(t, "ListShards()", err)
	return shards
}

func fleetShards(t *testing.T, f *fixture) {
	equal(t, "ListShards() at first", len(f.shards(t)), 0)
	lease, shard, err := f.store.ClaimAny(t.Context(), store.Claim{Run: Name, Shard: harvest.Shard{Of: 4}, Owner: "lab:1"})
	must(t, "ClaimAny()", err)
	if _, err := lease.Land(t.Context(), []harvest.Page{Page(1)}); err != nil {
		t.Fatal(err)
	}
	s := f.shards(t)
	if len(s) != 1 || s[0].Shard != shard || !s[0].Held || s[0].Lapsed || s[0].Owner != "lab:1" || s[0].Counts.Landed != 1 || !s[0].Drained.IsZero() {
		t.Fatalf("ListShards() = %+v, want %s held by lab:1 with one page", s, shard)
	}
	_, err = lease.Complete(t.Context(), 3)
	must(t, "Complete()", err)
	if s = f.shards(t); s[0].Held || s[0].Drained.IsZero() || s[0].Counts.Rejected != 3 {
		t.Fatalf("ListShards() = %+v, want it drained, with 3 rejected", s)
	}
	must(t, "Release()", lease.Release(t.Context()))
}

func fleetWork(t *testing.T, f *fixture) {
	ctx := t.Context()
	began := time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC)
	w := harvest.Work{Run: Name, Worker: "lab:1", Shard: "3/8", Started: began, Stats: harvest.Stats{
		Requests: 7, Retries: map[string]int64{"502": 2}, Pauses: map[string]harvest.Silence{"Retry-After": {Times: 1, Seconds: 3}}, Limit: harvest.LimitBudget,
	}, Minutes: []harvest.Minute{{Unix: 29_000_000}, {Unix: 29_000_001}}}
	w.Minutes[0].Seconds[5] = 40
	must(t, "SaveWork()", f.store.SaveWork(ctx, w))
	other := harvest.Work{Run: Name, Worker: "lab:2", Started: began.Add(time.Second), Minutes: []harvest.Minute{{Unix: 29_000_000}}}
	other.Minutes[0].Seconds[5] = 11
	must(t, "SaveWork(other)", f.store.SaveWork(ctx, other))
	w.Shard, w.Ended, w.Stats.Requests, w.Minutes = "", true, 9, []harvest.Minute{{Unix: 29_000_001}}
	w.Minutes[0].Seconds[0] = 2
	must(t, "SaveWork() again", f.store.SaveWork(ctx, w))

	all, err := f.store.ListWork(ctx, Name)
	must(t, "ListWork()", err)
	if len(all) != 2 || all[0].Seen.IsZero() {
		t.Fatalf("ListWork() = %+v, want two, with the time when they were seen", all)
	}
	got := all[0]
	got.Seen, w.Minutes = time.Time{}, nil
	equal(t, "ListWork()[0]", got, w)
	minutes, err := f.store.ListMinutes(ctx, Name, 0)
	must(t, "ListMinutes()", err)
	want := []harvest.Minute{{Unix: 29_000_000}, {Unix: 29_000_001}}
	want[0].Seconds[5], want[1].Seconds[0] = 51, 2
	equal(t, "ListMinutes()", minutes, want)
	minutes, err = f.store.ListMinutes(ctx, Name, 29_000_001)
	must(t, "ListMinutes(since the second)", err)
	equal(t, "ListMinutes(since the second)", minutes, want[1:])
}

func (f *fixture) drain(t *testing.T, of int) {
	t.Helper()
	for i := range of {
		lease, err := f.store.Claim(t.Context(), store.Claim{Run: Name, Shard: harvest.Shard{Index: i, Of: of}, Owner: "lab:1"})
		must(t, "Claim()", err)
		_, err = lease.Complete(t.Context(), 0)
		must(t, "Complete()", err)
		must(t, "Release()", lease.Release(t.Context()))
	}
}

func fleetFinish(t *testing.T, f *fixture) {
	_, _, err := f.store.OpenRun(t.Context(), harvest.Run{Name: Name, Shards: 4})
	must(t, "OpenRun(led: workers do not finish it)", err)
	finished, err := f.store.FinishRun(t.Context(), Name)
	if err != nil || finished {
		t.Fatalf("FinishRun() at first = %t, %v, want false", finished, err)
	}
	f.drain(t, 2)
	_, _, err = f.store.ClaimAny(t.Context(), store.Claim{Run: Name, Shard: harvest.Shard{Of: 4}, Owner: "lab:1"})
	wantError(t, "ClaimAny() of a run that another N drained", err, store.ErrNoShardLeft)
	if run, err := f.store.FindRun(t.Context(), Name); err != nil || !run.FinishedAt.IsZero() {
		t.Fatalf("FindRun() = finished %v, %v, want unfinished", run.FinishedAt, err)
	}
	if finished, err = f.store.FinishRun(t.Context(), Name); err != nil || !finished {
		t.Fatalf("FinishRun() = %t, %v, want true", finished, err)
	}
	if c := f.control(t); c.Done.IsZero() {
		t.Error("Control().Done is zero, want when it was finished")
	}
	_, err = f.store.FinishRun(t.Context(), "nosuch")
	wantError(t, "FinishRun(no such run)", err, store.ErrNoRun)
}

// lost is the n-th page, ended without landing.
func lost(n int, o harvest.Outcome, status int, reason string) harvest.Page {
	p := Page(n)
	p.Outcome, p.Status, p.Reason, p.Body = o, status, reason, nil
	return p
}

func fleetDrop(t *testing.T, f *fixture) {
	ctx := t.Context()
	_, _, err := f.store.OpenRun(ctx, harvest.Run{Name: "other", Inputs: Inputs(), Rate: "50/s"})
	must(t, "OpenRun(other)", err)
	f.land(t, Page(1, `{"a": 1}`))
	f.release(t)
	must(t, "CommitStep()", f.store.CommitStep(ctx, Name, harvest.Chain{Seed: "s", Step: 1, Next: "n"}, listed(1, 1)))
	must(t, "SaveWork()", f.store.SaveWork(ctx, harvest.Work{Run: Name, Worker: "w", Started: time.Now(), Minutes: []harvest.Minute{{Unix: 1}}}))
	must(t, "DropRun()", f.store.DropRun(ctx, Name))
	_, err = f.store.FindRun(ctx, Name)
	wantError(t, "FindRun() after DropRun", err, store.ErrNoRun)
	runs, err := f.store.ListRuns(ctx)
	if must(t, "ListRuns()", err); len(runs) != 1 || runs[0].Name != "other" {
		t.Errorf("ListRuns() = %v, want only other", runs)
	}
	_, opened, err := f.store.OpenRun(ctx, harvest.Run{Name: Name, Inputs: Inputs(), Rate: "50/s"})
	if err != nil || !opened {
		t.Fatalf("OpenRun() after DropRun = opened %t, %v, want true", opened, err)
	}
	equal(t, "pages of the new run", len(f.pages(t)), 0)
	equal(t, "Totals() of the new run", f.totals(t), harvest.Counts{})
	size, err := f.store.CorpusSize(ctx, Name)
	if must(t, "CorpusSize()", err); size != 0 {
		t.Errorf("CorpusSize() of the new run = %d, want 0", size)
	}
	all, err := f.store.ListWork(ctx, Name)
	if must(t, "ListWork()", err); len(all) != 0 {
		t.Errorf("ListWork() of the new run = %v, want none", all)
	}
	wantError(t, "DropRun(no such run)", f.store.DropRun(ctx, "nosuch"), store.ErrNoRun)
}

func fleetBusy(t *testing.T, f *fixture) {
	f.land(t, lost(1, harvest.Dead, 502, "502")) // its lease lasts
	_, err := f.store.PutBack(t.Context(), Name, []harvest.Outcome{harvest.Dead}, func(harvest.Page) bool { return true })
	wantError(t, "PutBack() beside a worker", err, store.ErrBusy)
	wantError(t, "DropRun() beside a worker", f.store.DropRun(t.Context(), Name), store.ErrBusy)
	equal(t, "pages after what was refused", len(f.pages(t)), 1)
}

func fleetLed(t *testing.T, f *fixture) {
	lead, err := f.store.Lead(t.Context(), Name, "lab-1:7", nil)
	must(t, "Lead()", err)
	wantError(t, "DropRun() beside a leader", f.store.DropRun(t.Context(), Name), store.ErrBusy)
	lead.Close()
	must(t, "DropRun() after it", f.store.DropRun(t.Context(), Name))
}

func fleetChain(t *testing.T, f *fixture) {
	ctx := t.Context()
	step := func(n int, done bool) harvest.Page {
		p := Page(n)
		p.Chain = &harvest.Chain{Seed: "s", Step: int64(n), Next: "after", Done: done}
		return p
	}
	at := func() int64 {
		c, err := f.store.Chain(ctx, Name, "s")
		must(t, "Chain()", err)
		return c.Step
	}
	f.land(t, step(1, false))
	f.land(t, step(2, false))
	equal(t, "step after two", at(), int64(2))
	f.land(t, step(1, false)) // walked again from its start: absorbed
	equal(t, "step after the first came again", at(), int64(2))
	equal(t, "pages", len(f.pages(t)), 2)
	f.land(t, step(4, false)) // not what follows: the page lands, the chain waits for the third
	equal(t, "step after the fourth came before the third", at(), int64(2))
	_, err := f.overtake(t).Land(ctx, []harvest.Page{step(3, false)})
	wantError(t, "land(under a stale token)", err, store.ErrFenced)
	equal(t, "step after a stale landing", at(), int64(2))
	f.land(t, step(3, false))
	f.land(t, step(4, false))
	shorter := step(2, true) // walked again, it has come to its end earlier
	shorter.Key = Page(2).Key
	f.land(t, shorter)
	walked, err := f.store.Walked(ctx, Name)
	if must(t, "Walked()", err); at() != 4 || walked.Done != 1 {
		t.Errorf("Chain() = step %d, Walked() = %+v, want 4 and 1 done", at(), walked)
	}
}

func fleetRewound(t *testing.T, f *fixture) {
	ctx := t.Context()
	step := func(seed string, n int, outcome harvest.Outcome, done bool) harvest.Page {
		p := Page(n)
		p.Key, p.URL, p.Outcome = harvest.StepKey(seed, int64(n)), fmt.Sprintf("https://api.example/%s?page=%d", seed, n), outcome
		p.Chain = &harvest.Chain{Seed: seed, Step: int64(n), Next: "after", Done: done}
		return p
	}
	for _, p := range []harvest.Page{
		step("a", 1, harvest.Landed, false), step("a", 2, harvest.Skipped, false), step("a", 3, harvest.Skipped, false), step("a", 4, harvest.Landed, true),
		step("b", 1, harvest.Dead, true), step("c", 1, harvest.Landed, true),
	} {
		f.land(t, p)
	}
	f.release(t)
	back, err := f.store.PutBack(ctx, Name, []harvest.Outcome{harvest.Dead, harvest.Skipped}, func(harvest.Page) bool { return true })
	must(t, "PutBack()", err)
	equal(t, "what was put back", back, harvest.Counts{Skipped: 2, Dead: 1})
	for _, want := range []harvest.Chain{{Seed: "a", Step: 4}, {Seed: "b", Step: 1}, {Seed: "c", Step: 1, Next: "after", Done: true}} {
		got, err := f.store.Chain(ctx, Name, want.Seed)
		must(t, "Chain()", err)
		equal(t, "chain "+want.Seed, got, want)
	}
	equal(t, "Totals()", f.totals(t).Items(), int64(3))
}

func fleetReopened(t *testing.T, f *fixture) {
	ctx := t.Context()
	lease, err := f.store.Claim(ctx, store.Claim{Run: Name, Shard: whole, Owner: "a:1"})
	must(t, "Claim()", err)
	_, err = lease.Land(ctx, []harvest.Page{Page(1)})
	must(t, "Land()", err)
	finished, err := lease.Complete(ctx, 0)
	if must(t, "Complete()", err); !finished {
		t.Fatal("Complete() of the only shard = not finished")
	}
	must(t, "Release()", lease.Release(ctx))
	before, err := f.store.FindRun(ctx, Name)
	must(t, "FindRun()", err)
	must(t, "Reopen()", f.store.Reopen(ctx, Name))
	after, err := f.store.FindRun(ctx, Name)
	must(t, "FindRun()", err)
	shards, err := f.store.ListShards(ctx, Name)
	must(t, "ListShards()", err)
	if !after.FinishedAt.IsZero() || after.Generation == before.Generation || harvest.Drained(shards) || f.totals(t).Landed != 1 {
		t.Errorf("the run after Reopen() = %+v with %+v, want it unfinished, of a new generation, its shard not drained, its page there", after, shards)
	}
	wantError(t, "Reopen(no such run)", f.store.Reopen(ctx, "nosuch"), store.ErrNoRun)
}

func fleetEvidence(t *testing.T, f *fixture) {
	f.land(t, Page(1, `{"a": 1}`, `{"a": 2}`), Page(2, `{"b": 1}`), lost(3, harvest.Dead, 502, "http_502"), lost(4, harvest.Dead, 502, "http_502"), lost(5, harvest.Dead, 500, "http_500"), lost(6, harvest.Missing, 404, "http_404"))
	counts, err := f.store.CountOutcomes(t.Context(), Name, []harvest.Outcome{harvest.Dead, harvest.Missing})
	must(t, "CountOutcomes()", err)
	equal(t, "CountOutcomes(dead, missing)", counts, []store.OutcomeCount{
		{Outcome: harvest.Dead, Reason: "http_502", Status: 502, Items: 2},
		{Outcome: harvest.Dead, Reason: "http_500", Status: 500, Items: 1},
		{Outcome: harvest.Missing, Reason: "http_404", Status: 404, Items: 1},
	})
	key := Page(1).Key
	for call, test := range map[string]struct {
		query store.Query
		want  int
	}{
		"by reason":        {store.Query{What: store.PageRows, Reason: "http_502"}, 2},
		"by status":        {store.Query{What: store.PageRows, Status: 500}, 1},
		"by outcome":       {store.Query{What: store.PageRows, Outcomes: []harvest.Outcome{harvest.Dead}, Reason: "http_404"}, 0},
		"by id":            {store.Query{What: store.PageRows, ID: "3"}, 1},
		"by URL":           {store.Query{What: store.PageRows, URL: Page(3).URL}, 1},
		"by key":           {store.Query{What: store.PageRows, Key: &key}, 1},
		"records by key":   {store.Query{What: store.RecordRows, Key: &key}, 2},
		"no more than few": {store.Query{What: store.PageRows, Limit: 4}, 4},
	} {
		equal(t, "Export("+call+")", len(f.export(t, test.query)), test.want)
	}
}
