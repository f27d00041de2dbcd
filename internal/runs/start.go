package runs

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"shoal/internal/harvest"
)

// ErrNone: no run of the store is meant.
var ErrNone = errors.New("no run to continue; coordinator run, or worker --corpus FILE, opens one")

// Start is what one start of a program was given about its run.
type Start struct {
	// Merged is the run as all settings have it, defaults included; its name and its corpus are
	// empty where none was given.
	Merged    harvest.Run
	Defaults  Defaults
	Kinds     Kinds
	Leads     bool // it is a tool for runs, not a worker of one
	Shared    bool // processes on several machines use the store
	AutoShard bool // it takes any free shard
	Shards    int  // --shards; 0: as fits
	// ShardsOfKind is into how many shards the kind of upstream has a run cut where the operator
	// does not choose.
	ShardsOfKind int
	Scheduled    time.Time // the instant that a scheduler started it for; zero without one
	Now          time.Time
}

// Kinds is what the kinds of upstream know of runs and their corpora.
type Kinds interface {
	// IsListing reports whether a corpus is what an upstream lists.
	IsListing(corpus string) bool
	// ListsPages reports whether the answers of that listing are the pages, by the expression that
	// finds items in them.
	ListsPages(corpus, items string) bool
	// SameListing reports whether two corpora list the same.
	SameListing(a, b string) bool
	// Filters reports whether the query of a corpus' address is not a signature.
	Filters(corpus string) bool
	// Relevant returns a run without the inputs that have no meaning for it.
	Relevant(run harvest.Run) harvest.Run
}

// Defaults are the settings of a start that no operator gave. They contradict nothing.
type Defaults struct {
	Upstream, Body, Rate bool // a profile may have given them
	Absent, Pack         bool // not even a profile did
}

// CutInto returns into how many shards the start cuts a run.
func (s Start) CutInto() int {
	return cmp.Or(s.Shards, s.ShardsOfKind)
}

// Stored returns the run of the start as it is stored: without inputs that have no meaning for it,
// and with a corpus that may be printed.
func (s Start) Stored() harvest.Run {
	run := s.Kinds.Relevant(s.Merged)
	run.Corpus = Shown(run.Corpus, s.Kinds.Filters(run.Corpus))
	return run
}

// Explicit returns the run of the start, as it is stored, without what is only a default.
func (s Start) Explicit() harvest.Run {
	run := s.Stored()
	if s.Defaults.Upstream {
		run.Upstream = ""
	}
	if s.Defaults.Body {
		run.Body = ""
	}
	if s.Defaults.Absent {
		run.Absent = ""
	}
	if s.Defaults.Pack {
		run.Pack = 0
	}
	return run
}

// Find returns the run of the store that the start means by its name or, without one, by the
// inputs. [ErrNone] where it is still to be opened.
func (s Start) Find(runs []harvest.Run, inputs harvest.Inputs) (harvest.Run, error) {
	name, open := s.Merged.Name, s.Merged.Name == "" && s.Scheduled.IsZero() && inputs == (harvest.Inputs{})
	if open && s.Leads { // a tool for runs takes the run that a person would mean
		return Choose(runs, s.Now)
	}
	if name == "" {
		var err error
		if name, err = s.choose(runs, inputs); err != nil {
			return harvest.Run{}, err
		}
	}
	if at := indexOf(runs, name); at >= 0 {
		return runs[at], nil
	}
	if open && s.AutoShard {
		if run, ok := JustEnded(runs, s.Now); ok {
			return run, nil
		}
	}
	return harvest.Run{}, ErrNone
}

func indexOf(runs []harvest.Run, name string) int {
	return slices.IndexFunc(runs, func(run harvest.Run) bool { return run.Name == name })
}

// choose names the run that is meant where none was named. What a scheduler starts is about its own
// quarter.
func (s Start) choose(runs []harvest.Run, inputs harvest.Inputs) (string, error) {
	switch {
	case s.Scheduled.IsZero():
		return ByInputs(runs, inputs, s.Now)
	case s.Leads:
		return harvest.QuarterName(s.Scheduled), nil
	default:
		return Scheduled(runs, inputs, s.Scheduled)
	}
}

// Open returns the run to open or to resume. Of a run that is there only explicit settings count,
// and its rate is kept where the start was given none.
func (s Start) Open(runs []harvest.Run) (harvest.Run, error) {
	run, explicit := s.Stored(), s.Explicit()
	if run.Name == "" {
		var err error
		if run.Name, err = s.choose(runs, explicit.Inputs); err != nil {
			return run, err
		}
	}
	at := indexOf(runs, run.Name)
	if s.Leads && (s.Shards > 0 || at < 0 || runs[at].Shards == 0) {
		run.Shards = s.CutInto()
	}
	if at < 0 {
		if run.Base = Base(runs, run.Corpus, s.Kinds.SameListing); run.Base == "" && strings.Contains(run.Corpus, since) {
			return run, harvest.Usagef("--corpus %s: {since} is when the run before was opened, and the store has no finished run of this listing: leave it out this time", run.Corpus)
		}
		return run, nil
	}
	explicit.Name, explicit.Shards = run.Name, run.Shards
	if kept, err := harvest.ParseRate(runs[at].Rate); err == nil && s.Defaults.Rate {
		explicit.Rate = kept.Text
	}
	return explicit, nil
}

// since marks in a listing the instant at which the run before was opened.
const since = "{since}"

// Base returns the run before a new one with this corpus: the newest finished one of the same
// listing. It is empty where the corpus does not ask for one.
func Base(runs []harvest.Run, corpus string, same func(a, b string) bool) string {
	if !strings.Contains(corpus, since) {
		return ""
	}
	at := slices.IndexFunc(runs, func(run harvest.Run) bool { return same(run.Corpus, corpus) && !run.FinishedAt.IsZero() })
	if at < 0 {
		return ""
	}
	return runs[at].Name
}

// Choose returns the run that a person means who names none: the only run, the only unfinished one,
// or that of the current quarter. Where that is not one run, the error lists all.
func Choose(runs []harvest.Run, now time.Time) (harvest.Run, error) {
	if len(runs) == 0 {
		return harvest.Run{}, harvest.Usagef("the store holds no run yet: harvest one with worker --corpus FILE, or give --store")
	}
	if len(runs) == 1 {
		return runs[0], nil
	}
	unfinished := slices.DeleteFunc(slices.Clone(runs), func(run harvest.Run) bool { return !run.FinishedAt.IsZero() })
	if len(unfinished) == 1 {
		return unfinished[0], nil
	}
	if at := indexOf(runs, harvest.QuarterName(now)); len(unfinished) == 0 && at >= 0 {
		return runs[at], nil
	}
	list := &harvest.Detailed{Err: errors.New("which run? Say --run with one of these")}
	for _, run := range runs {
		list.Below = append(list.Below, fmt.Sprintf("%s  opened %s ago at %s", run.Name, harvest.Ago(now.Sub(run.OpenedAt)), run.Host))
	}
	return harvest.Run{}, harvest.Usagef("%v", list)
}
