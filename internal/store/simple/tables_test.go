package simple

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/internal/tables"
)

func TestAChainMovesByOneStep(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		at, to harvest.Chain
		moves  bool
		step   int64 // at which the chain is then
	}{
		{"the first", harvest.Chain{}, harvest.Chain{Step: 1}, true, 1},
		{"the next", harvest.Chain{Step: 3}, harvest.Chain{Step: 4}, true, 4},
		{"the same again", harvest.Chain{Step: 3}, harvest.Chain{Step: 3}, false, 3},
		{"one too far", harvest.Chain{Step: 3}, harvest.Chain{Step: 5}, false, 3},
		{"the end", harvest.Chain{Step: 3}, harvest.Chain{Step: 4, Done: true}, true, 4},
		{"an end before the one known", harvest.Chain{Step: 3}, harvest.Chain{Step: 2, Done: true}, true, 3},
		{"an end too far", harvest.Chain{Step: 3}, harvest.Chain{Step: 5, Done: true}, false, 3},
		{"after the end", harvest.Chain{Step: 3, Done: true}, harvest.Chain{Step: 4}, false, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.at.Seed, test.to.Seed = "s", "s"
			all := Chains{"s": test.at, "other": {Seed: "other", Step: 2, Done: true}}
			if moved := all.Move(test.to); moved != test.moves || all.At("s").Step != test.step {
				t.Errorf("Move() = %t, to step %d, want %t, %d", moved, all.At("s").Step, test.moves, test.step)
			}
			if w := all.Walked(); w.Longest != max(2, test.step) {
				t.Errorf("Walked() = %+v, want %d steps", w, max(2, test.step))
			}
		})
	}
}

func TestAChainWhoseStepIsPutBackIsWalkedAgain(t *testing.T) {
	t.Parallel()
	all := Chains{"a": {Seed: "a", Step: 2, Next: "n", Done: true}, "b": {Seed: "b", Step: 2, Done: true}}
	var back tables.PutBack
	back.Add(harvest.Page{Key: harvest.StepKey("a", 2), Outcome: harvest.Dead})
	all.Rewind(&back)
	if want := (harvest.Chain{Seed: "a", Step: 2}); all["a"] != want || !all["b"].Done {
		t.Errorf("Rewind() = %+v, want %+v, and b as it was", all, want)
	}
}

func TestOrders(t *testing.T) {
	t.Parallel()
	const length = time.Minute
	type orders struct {
		Orders
		now *time.Time
	}
	for _, test := range []struct {
		name string
		do   func(o orders) error
		want harvest.Control
	}{
		{"a rate", func(o orders) error { return o.SetRate(t.Context(), "h", "5/s", "me") }, harvest.Control{Rate: "5/s", By: "me", At: start}},
		{"a hold", func(o orders) error { return o.Hold(t.Context(), "h", length, "me") }, harvest.Control{Hold: length, By: "me", At: start}},
		{"for ever", func(o orders) error { return o.Hold(t.Context(), "h", harvest.Forever, "me") }, harvest.Control{Hold: harvest.Forever, By: "me", At: start}},
		{"resumed", func(o orders) error {
			return errors.Join(o.Hold(t.Context(), "h", harvest.Forever, "me"), o.Hold(t.Context(), "h", 0, "you"))
		}, harvest.Control{By: "you", At: start}},
		{"a silence", func(o orders) error { return o.Silence(t.Context(), "h", length) }, harvest.Control{Silence: length}},
		{"a shorter one", func(o orders) error {
			return errors.Join(o.Silence(t.Context(), "h", length), o.Silence(t.Context(), "h", time.Second))
		}, harvest.Control{Silence: length}},
		{"lifted", func(o orders) error {
			return errors.Join(o.Silence(t.Context(), "h", length), o.Lift(t.Context(), "h", "me"))
		}, harvest.Control{By: "me", At: start, Lifted: start}},
		{"over", func(o orders) error {
			err := errors.Join(o.Silence(t.Context(), "h", length), o.Hold(t.Context(), "h", length, "me"))
			*o.now = start.Add(time.Hour)
			return err
		}, harvest.Control{By: "me", At: start}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var h Host
			now := start
			o := orders{Orders{func(_ context.Context, _ string, do func(h *Host, now time.Time)) error { do(&h, now); return nil }}, &now}
			if err := test.do(o); err != nil || h.Control(now) != test.want {
				t.Errorf("Control() = %+v, %v, want %+v", h.Control(now), err, test.want)
			}
		})
	}
}

func TestWorkAddsUp(t *testing.T) {
	t.Parallel()
	var all Work
	minute := func(unix int64, sent int) []harvest.Minute {
		return []harvest.Minute{{Unix: unix, Seconds: [60]int{sent}}}
	}
	all.Save(harvest.Work{Worker: "b", Started: start, Minutes: minute(2, 5)}, start)
	all.Save(harvest.Work{Worker: "a", Started: start, Minutes: minute(2, 3)}, start)
	all.Save(harvest.Work{Worker: "b", Started: start, Ended: true, Minutes: append(minute(2, 6), minute(1, 1)...)}, start.Add(time.Second))
	list := all.List()
	if len(list) != 2 || list[0].Worker != "a" || !list[1].Ended || list[1].Seen != start.Add(time.Second) || list[1].Minutes != nil {
		t.Errorf("List() = %+v, want a, and b as it last reported", list)
	}
	if got := all.Minutes(0); !slices.Equal(got, append(minute(1, 1), minute(2, 9)...)) {
		t.Errorf("Minutes() = %v, want 1 and 9", got)
	}
}

func TestExtract(t *testing.T) {
	t.Parallel()
	var e Extract
	one := store.Extracted{Key: key(1), Worked: true}
	if err := e.Stage([]store.Extracted{one}, key(1)); !errors.Is(err, store.ErrBusy) {
		t.Errorf("Stage() before Begin = %v, want busy", err)
	}
	e.Begin(".a", 3)
	if err := errors.Join(e.Stage([]store.Extracted{one}, key(1))); err != nil {
		t.Errorf("Stage() = %v, want nil", err)
	}
	if err := e.Stage(nil, key(1)); !errors.Is(err, store.ErrBusy) {
		t.Errorf("Stage() of the same cursor = %v, want busy", err)
	}
	if cursor := e.Begin(".a", 3); cursor != key(1) {
		t.Errorf("Begin() once more = %s, want where it stopped", cursor)
	}
	if _, err := e.Finish(".b", 3); !errors.Is(err, store.ErrBusy) {
		t.Errorf("Finish(another) = %v, want busy", err)
	}
	made, err := e.Finish(".a", 3)
	if err != nil || !made[key(1)].Worked {
		t.Errorf("Finish() = %v, %v, want what was staged", made, err)
	}
	e.Begin(".a", 3)
	if _, err := e.Finish(".a", 4); !errors.Is(err, store.ErrBusy) || e.Spec != "" {
		t.Errorf("Finish() after a landing = %v, want busy, and nothing staged", err)
	}
	if cursor := e.Begin(".a", 4); cursor != (harvest.Key{}) {
		t.Errorf("Begin() with other pages = %s, want the start", cursor)
	}
}

func TestReextracted(t *testing.T) {
	t.Parallel()
	failed := harvest.Page{Outcome: harvest.Skipped, Reason: tables.ReasonExtractFailed, Detail: "d"}
	records := []harvest.Record{{Data: []byte("1")}}
	for _, test := range []struct {
		name  string
		page  harvest.Page
		made  store.Extracted
		lands bool
	}{
		{"it works now", failed, store.Extracted{Worked: true}, true},
		{"it yields now", failed, store.Extracted{Records: records}, true},
		{"it fails still", failed, store.Extracted{}, false},
		{"a page that had landed", harvest.Page{Outcome: harvest.Landed}, store.Extracted{Worked: true}, false},
		{"skipped for another reason", harvest.Page{Outcome: harvest.Skipped, Reason: "bad_json"}, store.Extracted{Worked: true}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			again, lands := Reextracted(test.page, test.made)
			if lands != test.lands || lands && (again.Outcome != harvest.Landed || again.Reason+again.Detail != "") || len(again.Records) != len(test.made.Records) {
				t.Errorf("Reextracted() = %+v, %t, want landed: %t", again, lands, test.lands)
			}
		})
	}
}
