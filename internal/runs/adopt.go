package runs

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"shoal/internal/harvest"
)

// Adopt returns the run of the start with what the run of the store has, and the start was not
// given, of how answers are asked for and read.
func (s Start) Adopt(run harvest.Run) harvest.Run {
	m := s.Merged
	if m.API == "" {
		m.API = run.API
		if s.Defaults.Upstream {
			m.Upstream = cmp.Or(run.Upstream, m.Upstream)
		}
	}
	m.Next, m.Items = cmp.Or(m.Next, run.Next), cmp.Or(m.Items, run.Items)
	m.Split, m.ID = cmp.Or(m.Split, run.Split), cmp.Or(m.ID, run.ID)
	m.Check, m.Wait = cmp.Or(m.Check, run.Check), cmp.Or(m.Wait, run.Wait)
	if s.Defaults.Absent {
		m.Absent = cmp.Or(run.Absent, m.Absent)
	}
	if s.Defaults.Pack {
		m.Pack = cmp.Or(run.Pack, m.Pack)
	}
	return m
}

// As returns the run of the start with the reading of the run that was opened, which holds what its
// start was given.
func (s Start) As(run harvest.Run) harvest.Run {
	m := s.Merged
	m.Next, m.Items, m.Split, m.ID, m.Check, m.Wait = run.Next, run.Items, run.Split, run.ID, run.Check, run.Wait
	m.Absent, m.Pack = cmp.Or(run.Absent, m.Absent), cmp.Or(run.Pack, m.Pack)
	return m
}

// Harvested returns the run of the start as the run of the store is harvested: with the records and
// the bodies of that one, and with its rate if it was resumed and the start was given none.
func (s Start) Harvested(run harvest.Run, opened bool) harvest.Run {
	m := s.As(run)
	m.Extract, m.Body = run.Extract, run.Body
	if kept, err := harvest.ParseRate(run.Rate); err == nil && !opened && s.Defaults.Rate {
		m.Rate = kept.Text
	}
	return m
}

// extractsOther reports whether the start was given another expression than the run has, whose
// records were made again since it was opened.
func (s Start) extractsOther(run harvest.Run) bool {
	return s.Merged.Extract != "" && s.Merged.Extract != run.Extract
}

// extractStays returns the sentence about the expression of a run that a start does not change.
func extractStays(run harvest.Run) string {
	return fmt.Sprintf("records of run %s were made again since by --extract %s, which stays", run.Name, harvest.Quote(run.Extract))
}

// Contradicts returns the input of the start that differs from what a run was opened with, nil if
// none does. What the start was not given is as stored.
func (s Start) Contradicts(run harvest.Run) *harvest.Contradiction {
	s.Merged.Corpus = cmp.Or(s.Merged.Corpus, run.Corpus)
	s.Merged = s.Adopt(run)
	return harvest.Contradicts(run, s.Explicit())
}

// Corpus returns the corpus that a start reads which was given none, or the run's own table.
// enumerated reports that the table holds it.
func (s Start) Corpus(run harvest.Run, given string, enumerated bool) (string, error) {
	switch {
	case s.AutoShard && run.Shards == 0:
		return "", harvest.Usagef("--shard auto takes the shards of a run that was opened with a number of them, and run %s was not: open one with coordinator run --shards N, or give --shard i/N", run.Name)
	case enumerated, given == harvest.StoreCorpus:
		return harvest.StoreCorpus, nil
	case run.Corpus == "" || run.Corpus == Stdin:
		return "", harvest.Usagef("run %s was opened with a corpus on standard input: give it again with --corpus -", run.Name)
	case strings.HasSuffix(run.Corpus, hiddenQuery):
		return "", harvest.Usagef("run %s was opened with the corpus %s, whose query is not stored because it may be a credential: give the whole address again with --corpus", run.Name, run.Corpus)
	}
	return run.Corpus, nil
}

// Stdin is the corpus that is read from standard input.
const Stdin = "-"

// Enumerates reports whether the leader of the run fills its corpus table before any worker can
// read it.
func Enumerates(run harvest.Run) bool { return run.Corpus == Stdin && run.Shards > 0 }

// hiddenQuery replaces the query of a corpus' address, which may be a signature.
const hiddenQuery = "?…"

// Shown returns a corpus as it is stored with the run and may be printed: without the query of an
// address, which may be a signature. public means that its query is not one.
func Shown(uri string, public bool) string {
	if address, _, hasQuery := strings.Cut(uri, "?"); hasQuery && !public && strings.Contains(address, "://") {
		return address + hiddenQuery
	}
	return uri
}

// FilledBy returns the command that brings the rest of the run's corpus into its table.
func FilledBy(run harvest.Run) string {
	command := "coordinator enumerate"
	if run.Shards > 0 {
		command = "coordinator run"
	}
	command += " --run " + run.Name
	if run.Corpus == Stdin {
		command += " --corpus -, with the same lines on its standard input"
	}
	return command
}

// FilledByLeader reports whether the process that leads a run fills its corpus table: from what
// only it can read, or with its own requests to the upstream. given is the corpus of its start.
// lists and pages report that the run's corpus is a listing, and that its answers are the pages,
// which workers fetch.
func FilledByLeader(given string, lists, pages bool) bool { return given == Stdin || lists && !pages }

// FilledByWorker reports whether the worker of a shard fills the corpus table while it reads it: it
// has all of a run that no leader cut into shards. lists reports that the run's corpus is a
// listing.
func FilledByWorker(run harvest.Run, shard harvest.Shard, lists bool) bool {
	return lists && shard.Of == 1 && run.Shards == 0
}

// Unfilled returns an error where a leader that does not enumerate the corpus itself would wait for
// rows of the corpus table that no process brings.
func Unfilled(ctx context.Context, store Chains, run harvest.Run) error {
	if run.Corpus != Stdin {
		return nil
	}
	chain, err := store.Chain(ctx, run.Name, run.Corpus)
	if err != nil || chain.Done {
		return err
	}
	return harvest.Usagef("run %s reads its corpus from standard input, and not all of it is in the store yet: give it again with --corpus -", run.Name)
}

// Introduce returns the sentence with which a run begins or resumes.
func Introduce(run harvest.Run, opened bool, rate string, totals harvest.Counts, now time.Time) string {
	if opened {
		cut := ""
		if run.Shards > 0 {
			cut = fmt.Sprintf(", in %d shards", run.Shards)
		}
		return fmt.Sprintf("opened run %s: %s at %s%s", run.Name, run.Host, rate, cut)
	}
	done := fmt.Sprintf("%d items done", totals.Items())
	switch {
	case !run.FinishedAt.IsZero():
		done = "100 % done"
	case run.CorpusItems > 0:
		done = fmt.Sprintf("%.0f %% done", min(99, 100*float64(totals.Items())/float64(run.CorpusItems)))
	}
	return fmt.Sprintf("resuming %s, opened %s ago, %s", run.Name, harvest.Ago(now.Sub(run.OpenedAt)), done)
}

// NoShardLeft returns the sentence of a worker that comes too late.
func NoShardLeft(run harvest.Run, now time.Time) string {
	if run.FinishedAt.IsZero() {
		return "run " + run.Name + " has no shard left"
	}
	return fmt.Sprintf("run %s was finished %s ago and has no shard left; for a run that is not opened yet give --run NAME", run.Name, harvest.Ago(now.Sub(run.FinishedAt)))
}

// Waits reports whether the start waits for another process to open its run: the store is shared,
// or another process cuts the shards.
func (s Start) Waits() bool { return !s.Leads && (s.AutoShard || s.Shared) }

// Late reports whether the start comes when nothing of the run is left for it.
func (s Start) Late(run harvest.Run) bool { return s.AutoShard && !run.FinishedAt.IsZero() }

// Replaces reports whether the corpus that is given would be another one than that of a run which
// is led.
func Replaces(run harvest.Run, given string) bool {
	return given != "" && given != harvest.StoreCorpus && given != run.Corpus && run.Shards > 0
}
