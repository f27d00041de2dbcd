package runs

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"shoal/internal/harvest"
)

var (
	errAway     = errors.New("away")
	errPatience = errors.New("patience ended")
)

// finder is a [Finder] whose patience lasts a minute. Its sentences go into the list.
func finder(start Start, store Store, said *[]string) Finder {
	start.Kinds = kinds{}
	return Finder{
		Start: start, Store: store, Away: func(err error) bool { return errors.Is(err, errAway) }, Say: func(sentence string) { *said = append(*said, sentence) },
		Retry: func(_ context.Context, _ string, temporary func(error) bool, do func() error) error {
			began := time.Now()
			for {
				err := do()
				switch {
				case err == nil || !temporary(err):
					return err
				case time.Since(began) > time.Minute:
					return errors.Join(errPatience, err)
				}
				time.Sleep(time.Second)
			}
		},
	}
}

// later is a store whose runs are there from an instant on.
type later struct {
	shelf

	from      time.Time
	meanwhile error
}

func (l later) ListRuns(ctx context.Context) ([]harvest.Run, error) {
	if time.Now().Before(l.from) {
		return nil, l.meanwhile
	}
	return l.shelf.runs, nil
}

// TestAwait states which run a start means that names no corpus, what it takes from that run, and
// when it waits for one.
func TestAwait(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		start  Start
		merged harvest.Run   // what the start was given
		run    harvest.Run   // of the store; without a name there is none
		step   int64         // how far the run's corpus was enumerated
		after  time.Duration // when the run is there
		away   error         // what the store answers until then
		waits  bool
		late   bool
		want   string // the corpus to read
		err    error
		says   string
	}{
		{name: "the corpus of the run", run: aRun("a", 1, false), want: "ids.txt"},
		{name: "its table", run: aRun("a", 1, false), step: 3, want: harvest.StoreCorpus},
		{name: "its table, as given", merged: harvest.Run{Inputs: harvest.Inputs{Corpus: harvest.StoreCorpus}}, run: aRun("a", 1, false), want: harvest.StoreCorpus},
		{name: "a corpus that cannot be read again", run: of(aRun("a", 1, false), func(r *harvest.Run) { r.Corpus = Stdin }), err: harvest.ErrUsage, says: "give it again with --corpus -"},
		{name: "no run", err: harvest.ErrUsage, says: "what shall be harvested?"},
		{name: "no run in a shared store", start: Start{Shared: true}, waits: true, err: errPatience},
		{name: "no run for a leader of a shared store", start: Start{Shared: true, Leads: true}, err: harvest.ErrUsage, says: "holds no run yet"},
		{name: "a run that another process opens", start: Start{Shared: true}, run: aRun("a", 1, false), after: 30 * time.Second, waits: true, want: "ids.txt"},
		{name: "a store that is away", run: aRun("a", 1, false), after: 30 * time.Second, away: errAway, waits: true, want: "ids.txt"},
		{name: "too late for any shard", start: Start{AutoShard: true}, run: cut(aRun("a", 1, true), 4), late: true},
		{name: "too late, and with another API", start: Start{AutoShard: true}, merged: harvest.Run{Inputs: harvest.Inputs{API: "https://h/x/{id}"}}, run: cut(aRun("a", 1, true), 4), want: "ids.txt"},
		{name: "too late, and with another Next, which means nothing", start: Start{AutoShard: true}, merged: harvest.Run{Inputs: harvest.Inputs{Next: ".next"}}, run: cut(aRun("a", 1, true), 4), late: true},
		{name: "any shard of another corpus", start: Start{AutoShard: true}, merged: harvest.Run{Name: "a", Inputs: harvest.Inputs{Corpus: "other.txt"}}, run: cut(aRun("a", 1, false), 4), says: `--corpus "ids.txt", now "other.txt"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				store := later{shelf: shelf{step: test.step}, from: began.Add(test.after), meanwhile: test.away}
				if test.run.Name != "" {
					test.run.OpenedAt = began
					store.runs = []harvest.Run{test.run}
				}
				test.start.Merged = test.merged
				var said []string
				meant, err := finder(test.start, store, &said).Await(t.Context())
				if waited := time.Since(began) > 0; waited != test.waits {
					t.Errorf("Await() took %s", time.Since(began))
				}
				if fails := test.err != nil || test.says != ""; fails {
					if err == nil || !errors.Is(err, test.err) && test.err != nil || !strings.Contains(harvest.ErrorText(err), test.says) {
						t.Fatalf("Await() = %v, want %v, %q", err, test.err, test.says)
					}
					return
				}
				if err != nil || meant.Run.Name != test.run.Name || meant.Late != test.late {
					t.Fatalf("Await() = %+v, %v, want the run %q, late %v", meant, err, test.run.Name, test.late)
				}
				if !test.late && (meant.Merged.Corpus != test.want || meant.Merged.Name != test.run.Name) {
					t.Errorf("Await() reads %q of run %q, want %q", meant.Merged.Corpus, meant.Merged.Name, test.want)
				}
			})
		})
	}
}

// of is a run with a change.
func of(run harvest.Run, change func(*harvest.Run)) harvest.Run {
	change(&run)
	return run
}

// TestTemplate states which start takes the template of the run that it resumes.
func TestTemplate(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name        string
		corpus, api string // of the start
		runs        []harvest.Run
		away        error
		want        string // the template
	}{
		{name: "the same corpus", corpus: "ids.txt", runs: []harvest.Run{aRun("a", 1, false)}, want: "https://h/{id}"},
		{name: "the table of a run", corpus: harvest.StoreCorpus, runs: []harvest.Run{aRun("a", 1, false)}, want: "https://h/{id}"},
		{name: "another corpus", corpus: "other.txt", runs: []harvest.Run{aRun("a", 1, false)}},
		{name: "no corpus", runs: []harvest.Run{aRun("a", 1, false)}},
		{name: "a template of its own", corpus: "ids.txt", api: "https://i/{id}", runs: []harvest.Run{aRun("a", 1, false)}, want: "https://i/{id}"},
		{name: "a store that is away", corpus: "ids.txt", away: errAway},
	} {
		var said []string
		start := Start{Merged: harvest.Run{Inputs: harvest.Inputs{Corpus: test.corpus, API: test.api}}}
		got, err := finder(start, shelf{runs: test.runs, err: test.away}, &said).Template(t.Context())
		if got.API != test.want || got.Name != "" || got.Corpus != test.corpus || !errors.Is(err, test.away) {
			t.Errorf("%s: Template() = %+v, %v, want the template %q", test.name, got, err, test.want)
		}
	}
}

// TestOfTable states whose table a start reads.
func TestOfTable(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		corpus string
		host   string
		store  Store
		want   harvest.Run // the run: its name, its corpus and its host
		says   string
	}{
		{name: "the only run", corpus: harvest.StoreCorpus, store: shelf{runs: []harvest.Run{aRun("a", 1, false)}}, want: tableOf("a", "ids.txt")},
		{name: "a listing that fills one", corpus: "list:x", host: "h", want: tableOf("", "list:x")},
		{name: "no run", corpus: harvest.StoreCorpus, store: shelf{}, says: "--corpus store: is the corpus table of a run: no run to continue; coordinator run, or worker --corpus FILE, opens one"},
		{name: "no store", corpus: harvest.StoreCorpus, says: "and the store has none"},
	} {
		var said []string
		start := Start{Merged: harvest.Run{Inputs: harvest.Inputs{Corpus: test.corpus}}}
		got, err := finder(start, test.store, &said).OfTable(t.Context(), test.host)
		if test.says != "" {
			if !errors.Is(err, harvest.ErrUsage) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%s: OfTable() = %v, want %q", test.name, err, test.says)
			}
			continue
		}
		if of := tableOf(got.Run.Name, got.Run.Corpus); err != nil || of != test.want || got.Run.Host != "h" || got.Merged.Name != test.want.Name || got.Merged.Corpus != test.corpus {
			t.Errorf("%s: OfTable() = %+v, %v, want run %+v", test.name, got, err, test.want)
		}
	}
}

// tableOf is a run with this corpus.
func tableOf(name, corpus string) harvest.Run {
	return harvest.Run{Name: name, Inputs: harvest.Inputs{Corpus: corpus}}
}

// TestRefresh checks that a run takes what it gained, once the store is there.
func TestRefresh(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var said []string
		run := harvest.Run{Name: "a", Rate: "5/s"}
		store := &digests{run: harvest.Run{Name: "a", Rate: "9/s", CorpusItems: 3, CorpusSum: "abc", FinishedAt: now}}
		f := finder(Start{}, refreshed{shelf{}, store}, &said)
		if err := f.Refresh(t.Context(), &run); err != nil || run != (harvest.Run{Name: "a", Rate: "5/s", CorpusItems: 3, CorpusSum: "abc", FinishedAt: now}) {
			t.Errorf("Refresh() = %v, and the run is %+v", err, run)
		}
		f.Store = shelf{err: errAway}
		if err := f.Refresh(t.Context(), &run); !errors.Is(err, errPatience) {
			t.Errorf("Refresh() from a store that is away = %v, want %v", err, errPatience)
		}
	})
}

// refreshed is a store that has a run.
type refreshed struct {
	shelf
	*digests
}

// FindRun implements [Named].
func (r refreshed) FindRun(ctx context.Context, name string) (harvest.Run, error) {
	return r.digests.FindRun(ctx, name)
}

// TestOpenInStore states how a run is harvested that was opened or resumed, and how it is
// introduced.
func TestOpenInStore(t *testing.T) {
	t.Parallel()
	merged := harvest.Run{Name: "a", Rate: "50/s", Inputs: harvest.Inputs{Upstream: "plain", API: "https://h/{id}", Corpus: "ids.txt", Body: "none", Extract: ".x"}}
	stored := of(aRun("a", 3, false), func(r *harvest.Run) { r.Extract, r.Check = ".y", ".ok" })
	for _, test := range []struct {
		name     string
		defaults Defaults
		store    shelf
		isNew    bool
		want     harvest.Run // harvested
		says     []string    // how each sentence begins
		err      error
	}{
		{name: "a new run", isNew: true, want: merged, says: []string{"opened run a: h at 50/s"}},
		{name: "a run with its own rate, bodies and records", defaults: Defaults{Rate: true}, store: shelf{runs: []harvest.Run{stored}},
			want: of(merged, func(r *harvest.Run) { r.Rate, r.Body, r.Extract, r.Check = "20/s", "json", ".y", ".ok" }),
			says: []string{`records of run a were made again since by --extract ".y", which stays`, "resuming a"}},
		{name: "a rate that was given", store: shelf{runs: []harvest.Run{stored}},
			want: of(merged, func(r *harvest.Run) { r.Body, r.Extract, r.Check = "json", ".y", ".ok" }),
			says: []string{"records of run a", "resuming a"}},
		{name: "a store that cannot count", store: shelf{totals: errors.ErrUnsupported}, isNew: true, want: merged, err: errors.ErrUnsupported},
		{name: "a store that fails", store: shelf{err: errors.ErrUnsupported}, err: errors.ErrUnsupported},
	} {
		var said []string
		got, err := finder(Start{Merged: merged, Defaults: test.defaults}, test.store, &said).Open(t.Context(), "h")
		if !errors.Is(err, test.err) || got.New != test.isNew || test.want.Name != "" && (got.Run.Name != "a" || got.Run.Host != "h") {
			t.Errorf("%s: Open() = %+v, %v, want %v", test.name, got, err, test.err)
		}
		got.Merged.Host = ""
		if got.Merged != test.want {
			t.Errorf("%s: Open() is harvested as %+v, want %+v", test.name, got.Merged, test.want)
		}
		if !slices.EqualFunc(said, test.says, strings.HasPrefix) {
			t.Errorf("%s: Open() says %q, want %q", test.name, said, test.says)
		}
	}
}

// TestSinceInStore states when the instant that {since} stands for is shown.
func TestSinceInStore(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		store  Store
		base   string
		opened bool
		says   int
		err    error
	}{
		{name: "a run that was opened just now", store: shelf{}, base: "b", opened: true, says: 1},
		{name: "a run that is resumed", store: shelf{}, base: "b"},
		{name: "the first run of its listing", store: shelf{}, opened: true},
		{name: "a look without a store", opened: true},
		{name: "a store that fails", store: shelf{err: errors.ErrUnsupported}, base: "b", opened: true, err: errors.ErrUnsupported},
	} {
		var said []string
		since, err := finder(Start{}, test.store, &said).Since(t.Context(), harvest.Run{Name: "a", Base: test.base}, test.opened)
		if !errors.Is(err, test.err) || len(said) != test.says || since.IsZero() != (test.store != nil) {
			t.Errorf("%s: Since() = %s, %v, and says %q, want %d sentences, %v", test.name, since, err, said, test.says, test.err)
		}
	}
}
