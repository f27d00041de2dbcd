package coordinator

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync/atomic"
	"time"

	"shoal/internal/harvest"
)

// Chains keeps what was enumerated.
type Chains interface {
	// Chain is where the enumeration of seed goes on.
	Chain(ctx context.Context, run, seed string) (harvest.Chain, error)
	// ChainsDone is how many chains of the run have come to their end.
	ChainsDone(ctx context.Context, run string) (int, error)
	// CommitStep appends entries and moves the chain on, both or neither. ErrTaken when somebody else took this step.
	CommitStep(ctx context.Context, run string, to harvest.Chain, entries []harvest.Entry) error
	// CorpusRows are up to limit entries behind the row after; the Line of each is its row.
	CorpusRows(ctx context.Context, run string, after int64, limit int) ([]harvest.Entry, error)
}

// Lister makes one step of an enumeration. Steps of different seeds may be asked for at once.
type Lister interface {
	// List takes the step at.Step of the chain, which is at at.Next, and says where the one after it is; an empty then is
	// the end. ErrCursor: at.Next is refused, the chain is to start again. ErrParked, ErrBroken: the others go on.
	// ErrEnded: the chain ends with what is committed next, wherever it is.
	List(ctx context.Context, at harvest.Chain) (entries []harvest.Entry, then string, err error)
}

// Ender is a Lister that can end a chain at a step whose cursor is refused for good. ErrEnded: that is to be committed;
// else the error of the step.
type Ender interface {
	End(at harvest.Chain, why error) error
}

// Releaser is a Lister that parks chains. Release tells whether some of them can go on after all, when no other chain can.
type Releaser interface {
	Release(ctx context.Context) bool
}

// Observer is a Lister that knows what the answer to a step held besides where it goes on.
type Observer interface {
	// Observed stands for the items of the answer that List gave last for the seed: the same for the same items,
	// ObservedNone for none, empty where nothing is known.
	Observed(seed string) string
}

// ObservedNone stands for an answer without items.
const ObservedNone = "none"

var (
	// ErrTaken: somebody else took the step that was to be committed. The chain is to be read again.
	ErrTaken = errors.New("somebody else took this step")
	// ErrEmpty: the enumeration came to its end without one item.
	ErrEmpty = errors.New("nothing was enumerated: the corpus lists no item; are its address and its parameters right? (a wiki's prefix goes without the namespace's name)")
	// ErrCursor: the upstream does not know any more where a chain was to go on.
	ErrCursor = errors.New("the upstream refuses the cursor")
	// ErrEnded: the chain ends with a step of its own, behind all that it has had.
	ErrEnded = errors.New("the listing ends here")
	// ErrParked: whether the step counts shows when another chain has taken one; until then this chain waits.
	ErrParked = errors.New("no other listing goes on")
	// ErrBroken: the chain cannot be walked to its end.
	ErrBroken = errors.New("the listing cannot be walked to its end")
	// ErrStalled: nobody enumerates what we wait for.
	ErrStalled = errors.New("the corpus table does not grow")
)

const (
	// rowsAtOnce is how many rows are read at a time.
	rowsAtOnce = 2000
	// growth is how often a table that somebody else fills is looked at.
	growth = time.Second
)

// Table is the corpus table of a run as a corpus. It is read once.
type Table struct {
	Chains Chains
	Run    string
	// Seeds are where the chains begin; a corpus that is enumerated as a whole has one.
	Seeds []string
	// Pages says that steps are pages, known by their place in the chain, rather than rows of the table.
	Pages bool
	// Abreast is how many chains are walked side by side; 0 means 8.
	Abreast int
	// Lister lists what the table lacks; nil where somebody else does.
	Lister Lister
	// Again repeats what a store that is away makes fail; nil tries once.
	Again func(ctx context.Context, do func() error) error
	// Patience is how long a table that somebody else fills may stand still; 0 means for ever.
	Patience time.Duration
	// Source is the command that fills a table that somebody else is to fill.
	Source string
	// Short is said when every chain ended at its first step; empty: nothing.
	Short string
	// Say is told, once, that we wait for somebody else, and of Short; nil is silent.
	Say func(sentence string)

	said   atomic.Int32
	walker walker
	read   atomic.Int64
	size   atomic.Int64 // 0 until the enumeration is done
}

// Fraction is the part that was read; 0 until everything is enumerated.
func (t *Table) Fraction() float64 {
	if size := t.size.Load(); size > 0 {
		return float64(t.read.Load()) / float64(size)
	}
	return 0
}

// Entries yields the rows in their order, and enumerates on when they end before the chain does.
func (t *Table) Entries(ctx context.Context) iter.Seq2[harvest.Entry, error] {
	return func(yield func(harvest.Entry, error) bool) {
		ctx, end := context.WithCancel(ctx)
		defer t.walker.rest()
		defer end()
		var after int64
		grown, said := time.Now(), false
		for {
			done, rows, err := t.look(ctx, after)
			if err != nil {
				yield(harvest.Entry{}, err)
				return
			}
			for _, entry := range rows {
				after = entry.Line()
				t.read.Store(after)
				if !yield(entry, nil) {
					return
				}
			}
			switch {
			case len(rows) > 0:
				grown = time.Now()
				continue
			case done && after > 0:
				return
			case done:
				err = ErrEmpty
			case t.Lister != nil:
				_, err = t.walker.advance(ctx, t)
			default:
				err = t.wait(ctx, grown, &said)
			}
			if err != nil {
				yield(harvest.Entry{}, err)
				return
			}
		}
	}
}

// look asks whether the chains are done before it reads the rows: if they were and no row is left, none will come.
func (t *Table) look(ctx context.Context, after int64) (done bool, rows []harvest.Entry, err error) {
	err = t.again(ctx, func() (err error) {
		if done, err = t.done(ctx); err != nil {
			return err
		}
		rows, err = t.Chains.CorpusRows(ctx, t.Run, after, rowsAtOnce)
		return err
	})
	if err == nil && done && len(rows) < rowsAtOnce {
		t.size.Store(after + int64(len(rows)))
	}
	return done, rows, err
}

// done tells whether all chains have come to their end.
func (t *Table) done(ctx context.Context) (bool, error) {
	if t.walker.done(t) {
		return true, nil
	}
	n, err := t.Chains.ChainsDone(ctx, t.Run)
	return n >= len(t.Seeds), err
}

func (t *Table) again(ctx context.Context, do func() error) error {
	if t.Again == nil {
		return do()
	}
	return t.Again(ctx, do)
}

// wait lets somebody else fill the table.
func (t *Table) wait(ctx context.Context, grown time.Time, said *bool) error {
	if !*said && t.Say != nil {
		*said = true
		t.Say(fmt.Sprintf("the corpus of run %s is not enumerated to its end yet: waiting for %s", t.Run, t.Source))
	}
	if t.Patience > 0 && time.Since(grown) > t.Patience {
		return fmt.Errorf("%w since %s: start %s", ErrStalled, grown.Format(time.TimeOnly), t.Source)
	}
	timer := time.NewTimer(growth)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// Fill enumerates to the end without reading the rows. grew is told now and then how many entries were added.
func (t *Table) Fill(ctx context.Context, grew func(entries int)) error {
	ctx, end := context.WithCancel(ctx)
	defer t.walker.rest()
	defer end()
	for {
		var done bool
		err := t.again(ctx, func() (err error) {
			done, err = t.done(ctx)
			return err
		})
		if err != nil || done {
			return err
		}
		listed, err := t.walker.advance(ctx, t)
		if listed > 0 {
			grew(listed)
		}
		if err != nil {
			return err
		}
	}
}
