package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"shoal/internal/harvest"
)

// Fleet is what those who look after runs ask of a store, besides what workers do.
type Fleet interface {
	// Control is what operators said about the run and its host. ErrNoRun without the run.
	Control(ctx context.Context, run string) (harvest.Control, error)
	// SetRate keeps the rate of a host, as typed, in the name of by.
	SetRate(ctx context.Context, host, rate, by string) error
	// Hold keeps that a host is to be left alone for so long from now; 0 ends it, harvest.Forever lasts until then.
	Hold(ctx context.Context, host string, length time.Duration, by string) error
	// Silence keeps that the upstream of a host asked for silence for so long from now. It never shortens one.
	Silence(ctx context.Context, host string, length time.Duration) error
	// Lift ends the upstream's silence, which by orders.
	Lift(ctx context.Context, host, by string) error
	// Drain keeps that the run's workers are to stop; an empty by ends that. ErrNoRun without the run.
	Drain(ctx context.Context, run, by string) error

	// ListShards returns the shards of the run that somebody has ever held, by N and index.
	ListShards(ctx context.Context, run string) ([]harvest.ShardState, error)
	// SaveWork keeps what a process did: Stats replace the earlier ones, Minutes those of the same minute.
	SaveWork(ctx context.Context, w harvest.Work) error
	// ListWork returns what each process did, the first to start first, without its Minutes.
	ListWork(ctx context.Context, run string) ([]harvest.Work, error)
	// ListMinutes adds up what all processes sent, in order of time.
	ListMinutes(ctx context.Context, run string) ([]harvest.Minute, error)

	// Lead makes this process the one that leads the run. It waits while another does; waiting is told whom for, once
	// for each. ErrUnavailable may come in the middle: call again.
	Lead(ctx context.Context, run, owner string, waiting func(sentence string)) (Leadership, error)
	// FinishRun notes that the run is finished if all shards of one N are drained, and says whether it is.
	FinishRun(ctx context.Context, run string) (finished bool, err error)
	// Reopen makes a drained run one at work again, of which every mirror of the keys is void: items that it lacks are
	// fetched. ErrNoRun without the run.
	Reopen(ctx context.Context, run string) error
	// PutBack has items for whose page wanted is true fetched again; a listing of which steps are among them is walked once
	// more. Their pages, records and counts stay until the new outcome lands, but do not count as known. It counts them by
	// outcome. The run is not finished any more, their shards not drained, and every mirror of the keys void. ErrBusy while
	// a worker holds a shard of the run.
	PutBack(ctx context.Context, run string, outcomes []harvest.Outcome, wanted func(harvest.Page) bool) (harvest.Counts, error)
	// Retried reports whether the item was put back and its new outcome has not landed yet.
	Retried(ctx context.Context, run string, key harvest.Key) (bool, error)
	// DropRun removes the run and all that belongs to it. ErrBusy while a worker holds a shard of the run, or somebody
	// leads it.
	DropRun(ctx context.Context, run string) error
}

// Leadership is the right to lead a run. Two leaders for a moment harm nothing: all that a leader does is done once.
type Leadership interface {
	// Keep makes sure that we still lead, on a new connection where the old one was lost. ErrHeld: another does.
	Keep(ctx context.Context) error
	// Close gives the leadership back.
	Close()
}

// errLed refuses to take a run away from whoever leads it.
var errLed = fmt.Errorf("%w: a coordinator leads it: stop that first", ErrBusy)

// ErrDrained is returned by ClaimAny when the run has no shard left to drain.
var ErrDrained = errors.New("no shard of the run is left")

// leads says who leads a run.
func leads(run, who string) string {
	return fmt.Sprintf("run %s is led by %s: waiting, to take over when it ends", run, who)
}

// marshalMinute is a minute's row.
func marshalMinute(m harvest.Minute) string {
	text, _ := json.Marshal(m.Seconds) // numbers can always be marshalled
	return string(text)
}

// minutes adds up rows that come in order of time.
type minutes []harvest.Minute

func (all *minutes) add(minute int64, seconds []byte) error {
	m := harvest.Minute{Unix: minute}
	if err := json.Unmarshal(seconds, &m.Seconds); err != nil {
		return fmt.Errorf("minute %d: %w", minute, err)
	}
	if n := len(*all); n > 0 && (*all)[n-1].Unix == minute {
		for i, sent := range m.Seconds {
			(*all)[n-1].Seconds[i] += sent
		}
		return nil
	}
	*all = append(*all, m)
	return nil
}

// putBack are the pages that PutBack takes out.
type putBack struct {
	keys   []harvest.Key
	ended  map[harvest.Key]harvest.Outcome
	seeds  map[harvest.Key]harvest.Key // of steps of a listing: the key of its seed, which chooses their shard
	counts harvest.Counts
}

// rewind finds the chains of which steps are put back, by their seeds.
func (b *putBack) rewind(chains []harvest.Chain) (seeds []string) {
	b.seeds = map[harvest.Key]harvest.Key{}
	for _, chain := range chains {
		before := len(b.seeds)
		for step := int64(1); step <= chain.Step; step++ {
			if key := harvest.StepKey(chain.Seed, step); b.ended[key] != "" {
				b.seeds[key] = harvest.KeyOf(chain.Seed)
			}
		}
		if len(b.seeds) > before {
			seeds = append(seeds, chain.Seed)
		}
	}
	return seeds
}

// rewindChain is the statement for one of them: it is walked again from its seed, and what is there is known by its
// place. Parameters: run, seed.
func rewindChain(schema, name string) string {
	return fmt.Sprintf("UPDATE %schains SET next = NULL, done_at = NULL, trail = NULL WHERE %s", schema, chainNamed(name))
}

func (b *putBack) add(p harvest.Page) {
	if b.ended == nil {
		b.ended = map[harvest.Key]harvest.Outcome{}
	}
	b.keys = append(b.keys, p.Key)
	b.ended[p.Key] = p.Outcome
	b.counts.Add(p.Outcome, 0)
}

// owners are the shards that the pages are of, under whichever N: they are not drained any more.
func (b *putBack) owners(shards []harvest.ShardState) (all []harvest.Shard) {
	for _, s := range shards {
		for _, key := range b.keys {
			owner, ok := b.seeds[key]
			if !ok {
				owner = key
			}
			if s.Shard.Owns(owner) {
				all = append(all, s.Shard)
				break
			}
		}
	}
	return all
}

// replaced are the outcomes of rows that a landing puts others in place of.
type replaced []harvest.Outcome

// settle says what of it to take out of the counts of which shard. An old row was counted in the shard of whichever N its
// worker had: the one that lands goes first, another that still counts one of its kind is next, so that the sum is right.
func (r replaced) settle(own harvest.Shard, shards []harvest.ShardState) map[harvest.Shard]*harvest.Counts {
	minus := map[harvest.Shard]*harvest.Counts{own: {}}
	slices.SortStableFunc(shards, func(a, b harvest.ShardState) int {
		if (a.Shard == own) == (b.Shard == own) {
			return 0
		}
		if a.Shard == own {
			return -1
		}
		return 1
	})
	for _, outcome := range r {
		at := own
		for i := range shards {
			if n := countOf(&shards[i].Counts, outcome); *n > 0 {
				*n--
				at = shards[i].Shard
				break
			}
		}
		if minus[at] == nil {
			minus[at] = &harvest.Counts{}
		}
		*countOf(minus[at], outcome)++
	}
	return minus
}

// notRetried ends a query of pages: those that were put back are not done.
func notRetried(schema, run string) string {
	return fmt.Sprintf(" AND NOT EXISTS (SELECT 1 FROM %[1]sretried r WHERE r.run = %[2]s AND r.key = %[1]spages.key)", schema, run)
}

func countOf(c *harvest.Counts, o harvest.Outcome) *int64 {
	switch o {
	case harvest.Missing:
		return &c.Missing
	case harvest.Skipped:
		return &c.Skipped
	case harvest.Dead:
		return &c.Dead
	default:
		return &c.Landed
	}
}

// runTables hold rows of runs, besides pages and records; that of the run itself goes last.
var runTables = []string{"corpus", "chains", "extracts", "extracted", "former_extracts", "work", "sent", "retried", "suspects", "shards", "inputs", "runs"}

func words(outcomes []harvest.Outcome) []string {
	all := make([]string, len(outcomes))
	for i, o := range outcomes {
		all[i] = string(o)
	}
	return all
}
