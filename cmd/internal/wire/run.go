package wire

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"shoal/internal/config"
	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/kinds"
	"shoal/internal/upstream/plain"
	"shoal/internal/worker"
)

// adoptTemplate takes the template of the run that is resumed, if none was said.
func (h *Harvester) adoptTemplate(ctx context.Context) error {
	if h.set.Corpus == "" || h.set.URL+h.set.API != "" {
		return nil
	}
	run, err := h.findRun(ctx, harvest.Inputs{Corpus: h.shownCorpus(h.set.Corpus)})
	if errors.Is(err, errNoRunYet) {
		return nil
	}
	if err == nil && (run.Corpus == h.shownCorpus(h.set.Corpus) || h.set.Corpus == harvest.StoreCorpus) {
		h.adoptAPI(run)
	}
	return err
}

var errNoRunYet = errors.New("no run to continue")

// waitsForRun tells whether somebody else may open the run that this worker is to go on with: the store is shared.
func (h *Harvester) waitsForRun() bool {
	kind, _ := kinds.Of(h.set.Store)
	return !h.leads && (h.set.AutoShard || !kind.File)
}

// adoptRun takes the inputs of the run that is meant when no corpus is named, or the run's own table. In
// a store that others share it waits for somebody to open one.
func (h *Harvester) adoptRun(ctx context.Context) error {
	run, err := h.awaitRun(ctx)
	switch {
	case err != nil:
		return err
	case h.set.AutoShard && !run.FinishedAt.IsZero() && !h.contradicts(run): // else what opens the run says so
		h.run = run
		return store.ErrNoShardLeft
	case h.set.AutoShard && run.Shards == 0:
		return config.Usagef("--shard auto takes the shards of a run that was opened with a number of them, and run %s was not: open one with coordinator run --shards N, or say --shard i/N", run.Name)
	case h.set.Corpus == "" || h.set.Corpus == harvest.StoreCorpus:
	case h.set.Corpus != run.Corpus:
		return &store.Contradiction{Run: run.Name, Field: "--corpus", Stored: run.Corpus, Given: h.set.Corpus}
	}
	enumerated, err := h.isEnumerated(ctx, run)
	switch {
	case err != nil:
		return err
	case enumerated, h.set.Corpus == harvest.StoreCorpus:
		h.set.Run, h.set.Corpus = run.Name, harvest.StoreCorpus
		h.adoptAPI(run)
		return nil
	case run.Corpus == "" || run.Corpus == "-":
		return config.Usagef("run %s was opened with a corpus on standard input: give it again with --corpus -", run.Name)
	case strings.HasSuffix(run.Corpus, hiddenQuery):
		return config.Usagef("run %s was opened with the corpus %s, whose query is not stored because it may be a credential: give the whole address again with --corpus", run.Name, run.Corpus)
	}
	h.set.Run, h.set.Corpus = run.Name, run.Corpus
	h.adoptAPI(run)
	return nil
}

// awaitRun finds the run that is meant, once it is there.
func (h *Harvester) awaitRun(ctx context.Context) (run harvest.Run, err error) {
	waiting := func(err error) bool {
		return unavailable(err) || h.waitsForRun() && errors.Is(err, errNoRunYet)
	}
	err = h.patiently(ctx, "a run to be opened", waiting, func() (err error) {
		run, err = h.findRun(ctx, harvest.Inputs{})
		return err
	})
	if errors.Is(err, errNoRunYet) && !errors.Is(err, worker.ErrPatience) {
		err = config.Usagef("what shall be harvested? The store has no run to continue: add --corpus FILE")
	}
	return run, err
}

// contradicts reports whether an input given now differs from what the finished run was opened with.
func (h *Harvester) contradicts(run harvest.Run) bool {
	given := h.set
	defer func() { h.set = given }()
	h.set.Corpus = cmp.Or(given.Corpus, run.Corpus)
	h.adoptAPI(run)
	return store.Contradicts(run, h.asSaid(h.asSet(""))) != nil
}

// isEnumerated tells whether the run's corpus is read from its table: because somebody has begun to fill it, or because
// whoever leads the run will.
func (h *Harvester) isEnumerated(ctx context.Context, run harvest.Run) (yes bool, err error) {
	if run.Corpus == "-" && run.Shards > 0 {
		return true, nil
	}
	err = h.patiently(ctx, "the store", unavailable, func() error {
		chain, err := h.truth.Chain(ctx, run.Name, run.Corpus)
		yes = chain.Step > 0 && !h.isListing(run.Corpus)
		return err
	})
	return yes, err
}

// adoptAPI takes the kind of upstream and where it is from the run, as far as neither was said, and how to read it.
func (h *Harvester) adoptAPI(run harvest.Run) {
	h.adoptReading(run)
	kind, known := h.set.Kinds().Find(run.Upstream)
	switch {
	case h.set.URL+h.set.API != "":
	case kind.API != "":
		h.set.Upstream, h.set.API = run.Upstream, run.API
	default:
		h.set.URL = run.API
		if known && !h.set.Given("upstream") {
			h.set.Upstream = run.Upstream
		}
	}
}

// adoptReading takes from the run how its answers are read, as far as nobody said it now.
func (h *Harvester) adoptReading(run harvest.Run) {
	set := &h.set
	set.Next, set.Items = cmp.Or(set.Next, run.Next), cmp.Or(set.Items, run.Items)
	set.Split, set.ID = cmp.Or(set.Split, run.Split), cmp.Or(set.ID, run.ID)
	set.Check, set.Wait = cmp.Or(set.Check, run.Check), cmp.Or(set.Wait, run.Wait)
	if run.Absent != "" && h.isDefault("absent") {
		set.Absent = run.Absent
	}
	if run.Pack > 0 && h.isDefault("pack") {
		set.Pack = run.Pack
	}
}

// readAs reads answers as the run says, of which what was said now is a part.
func (h *Harvester) readAs(run harvest.Run) {
	set := &h.set
	set.Next, set.Items, set.Split, set.ID, set.Check, set.Wait = run.Next, run.Items, run.Split, run.ID, run.Check, run.Wait
	set.Absent, set.Pack = cmp.Or(run.Absent, set.Absent), cmp.Or(run.Pack, set.Pack)
}

// isDefault tells whether nobody said the setting, not even a profile of the operator's own.
func (h *Harvester) isDefault(name string) bool { return h.set.Source(name).Kind == config.FromDefault }

func (h *Harvester) findRun(ctx context.Context, given harvest.Inputs) (harvest.Run, error) {
	runs, err := h.truth.ListRuns(ctx)
	if err != nil {
		return harvest.Run{}, err
	}
	name := h.set.Run
	if name == "" && h.leads && h.set.Scheduled.IsZero() && given == (harvest.Inputs{}) { // a tool for runs takes the one that a person would mean
		return ChosenRun(ctx, h.truth, "")
	}
	if name == "" {
		if name, err = h.chooseRun(runs, given); err != nil {
			return harvest.Run{}, err
		}
	}
	if at := slices.IndexFunc(runs, func(run harvest.Run) bool { return run.Name == name }); at >= 0 {
		return runs[at], nil
	}
	if h.set.AutoShard && h.set.Run == "" && h.set.Scheduled.IsZero() && given == (harvest.Inputs{}) {
		if run, ok := harvest.JustEnded(runs, time.Now()); ok {
			return run, nil
		}
	}
	return harvest.Run{}, errNoRunYet
}

// chooseRun names the run that is meant where nobody named one. What a scheduler starts is about its own quarter.
func (h *Harvester) chooseRun(runs []harvest.Run, given harvest.Inputs) (name string, err error) {
	switch at := h.set.Scheduled; {
	case at.IsZero():
		name, err = harvest.ChooseRun(runs, given, time.Now())
	case h.leads:
		return harvest.QuarterName(at), nil
	default:
		name, err = harvest.ChooseScheduled(runs, given, at)
	}
	if err != nil {
		return "", config.Usagef("%v", err)
	}
	return name, nil
}

// openRun opens or resumes the run.
func (h *Harvester) openRun(ctx context.Context) error {
	err := h.patiently(ctx, "the store", unavailable, func() error {
		given, err := h.givenRun(ctx)
		if err != nil {
			return err
		}
		h.run, h.opened, err = h.truth.OpenRun(ctx, given)
		return err
	})
	if err != nil {
		return err
	}
	if said := h.set.Extract; said != "" && said != h.run.Extract {
		h.Say(fmt.Sprintf("records of run %s were made again since by --extract %s, which goes on", h.run.Name, harvest.Quote(h.run.Extract)))
	}
	h.set.Extract, h.set.Body = h.run.Extract, h.run.Body
	h.readAs(h.run)
	return h.introduce(ctx)
}

// hiddenQuery stands for the query of a corpus' address, which may be a signature.
const hiddenQuery = "?…"

// shownCorpus is the corpus as it is stored with the run and may be printed.
func (h *Harvester) shownCorpus(uri string) string {
	if address, _, hasQuery := strings.Cut(uri, "?"); hasQuery && strings.Contains(address, "://") && !h.set.Kinds().Filters(uri) {
		return address + hiddenQuery
	}
	return uri
}

// givenRun is what this start says about the run. Of a run that is there, only
// what the operator said counts: a default contradicts nothing, and the rate
// that was kept goes on.
func (h *Harvester) givenRun(ctx context.Context) (harvest.Run, error) {
	given := h.asSet(h.source.Host())
	runs, err := h.truth.ListRuns(ctx)
	if err != nil {
		return given, err
	}
	said := h.asSaid(given)
	if given.Name == "" {
		if given.Name, err = h.chooseRun(runs, said.Inputs); err != nil {
			return given, err
		}
	}
	at := slices.IndexFunc(runs, func(run harvest.Run) bool { return run.Name == given.Name })
	if h.leads && (h.set.Shards > 0 || at < 0 || runs[at].Shards == 0) {
		given.Shards = h.shards()
	}
	if at < 0 {
		if given.Base = baseOf(h.set.Kinds(), runs, given); given.Base == "" && strings.Contains(given.Corpus, "{since}") {
			return given, config.Usagef("--corpus %s: {since} is when the run before was opened, and the store has no finished run of this listing: leave it out this time", given.Corpus)
		}
		return given, nil
	}
	said.Name, said.Shards = given.Name, given.Shards
	if kept, err := config.ParseRate(runs[at].Rate); err == nil && !h.set.Given("rate") {
		h.set.Rate, said.Rate = kept, kept.Text
	}
	return said, nil
}

// asSet is the run as all settings have it. An empty host is that of the stored run.
func (h *Harvester) asSet(host string) harvest.Run {
	run := harvest.Run{Name: h.set.Run, Rate: h.set.Rate.String(), Check: h.set.Check, Wait: h.set.Wait, Titles: harvest.TitlesWritten, Inputs: harvest.Inputs{
		Upstream: h.set.Upstream, API: h.set.URL + h.set.API, Host: host, Extract: h.set.Extract, Body: h.set.Body, Corpus: h.shownCorpus(h.set.Corpus),
	}}
	if h.isChained(h.set.Corpus) { // elsewhere they are of no meaning, though a profile may say them
		run.Next, run.Items = h.set.Next, h.set.Items
	}
	if plain.Packed(h.set.UpstreamSettings()) > 0 {
		run.Split, run.ID, run.Absent, run.Pack = h.set.Split, h.set.ID, h.set.Absent, h.set.Pack
	}
	return run
}

// asSaid is the run without what is only a default.
func (h *Harvester) asSaid(run harvest.Run) harvest.Run {
	if !h.set.Given("upstream") {
		run.Upstream = ""
	}
	if !h.set.Given("body") {
		run.Body = ""
	}
	if h.isDefault("absent") {
		run.Absent = ""
	}
	if h.isDefault("pack") {
		run.Pack = 0
	}
	return run
}

// shards is into how many parts the run is cut.
func (h *Harvester) shards() int {
	if h.set.Shards > 0 {
		return h.set.Shards
	}
	return h.set.Kind().Shards(h.set.UpstreamSettings())
}

// introduce says which run this is and how far it has come.
func (h *Harvester) introduce(ctx context.Context) error {
	if h.opened {
		cut := ""
		if h.run.Shards > 0 {
			cut = fmt.Sprintf(", in %d shards", h.run.Shards)
		}
		h.Say(fmt.Sprintf("opened run %s: %s at %s%s", h.run.Name, h.run.Host, h.set.Rate, cut))
		return nil
	}
	totals, err := h.totals(ctx)
	if err != nil {
		return err
	}
	done := fmt.Sprintf("%d items done", totals.Items())
	switch {
	case !h.run.FinishedAt.IsZero():
		done = "100 % done"
	case h.run.CorpusItems > 0:
		done = fmt.Sprintf("%.0f %% done", min(99, 100*float64(totals.Items())/float64(h.run.CorpusItems)))
	}
	h.Say(fmt.Sprintf("resuming %s, opened %s ago, %s", h.run.Name, harvest.Ago(time.Since(h.run.OpenedAt)), done))
	return nil
}

func (h *Harvester) totals(ctx context.Context) (totals harvest.Counts, err error) {
	err = h.patiently(ctx, "the store", unavailable, func() error {
		totals, err = h.truth.Totals(ctx, h.run.Name)
		return err
	})
	return totals, err
}
