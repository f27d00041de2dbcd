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
	// CommitStep appends items and moves the chain on, both or neither. ErrTaken when somebody else took this step.
	CommitStep(ctx context.Context, run string, to harvest.Chain, items []harvest.Item) error
	// CorpusRows are up to limit items behind the row after; an item's Line is its row.
	CorpusRows(ctx context.Context, run string, after int64, limit int) ([]harvest.Item, error)
}

// Lister makes one step of an enumeration.
type Lister interface {
	// List lists the items at next and says where the step after it goes on; an empty then is the end.
	List(ctx context.Context, next string) (items []harvest.Item, then string, err error)
}

var (
	// ErrTaken: somebody else took the step that was to be committed. The chain is to be read again.
	ErrTaken = errors.New("somebody else took this step")
	// ErrEmpty: the enumeration came to its end without one item.
	ErrEmpty = errors.New("nothing was enumerated: the corpus lists no item; is the prefix right, without the namespace's name, and the namespace?")
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
	Seed   string
	// Lister lists what the table lacks; nil where somebody else does.
	Lister Lister
	// Again repeats what a store that is away makes fail; nil tries once.
	Again func(ctx context.Context, do func() error) error
	// Patience is how long a table that somebody else fills may stand still; 0 means for ever.
	Patience time.Duration
	// Say is told, once, that we wait for somebody else; nil is silent.
	Say func(sentence string)

	read atomic.Int64
	size atomic.Int64 // 0 until the enumeration is done
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
		var after int64
		grown, said := time.Now(), false
		for {
			chain, rows, err := t.look(ctx, after)
			if err != nil {
				yield(harvest.Entry{}, err)
				return
			}
			for _, item := range rows {
				after = item.Line
				t.read.Store(after)
				if !yield(harvest.Entry{Item: item}, nil) {
					return
				}
			}
			switch {
			case len(rows) > 0:
				grown = time.Now()
				continue
			case chain.Done && after > 0:
				return
			case chain.Done:
				err = ErrEmpty
			case t.Lister != nil:
				_, err = t.step(ctx, chain)
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

// look reads the chain before the rows: if it was done by then and no row is left, none will come.
func (t *Table) look(ctx context.Context, after int64) (chain harvest.Chain, rows []harvest.Item, err error) {
	err = t.again(ctx, func() (err error) {
		if chain, err = t.Chains.Chain(ctx, t.Run, t.Seed); err != nil {
			return err
		}
		rows, err = t.Chains.CorpusRows(ctx, t.Run, after, rowsAtOnce)
		return err
	})
	if err == nil && chain.Done && len(rows) < rowsAtOnce {
		t.size.Store(after + int64(len(rows)))
	}
	return chain, rows, err
}

// step lists once and commits what came. Whoever lost the step to somebody else goes on from that one's.
func (t *Table) step(ctx context.Context, chain harvest.Chain) (listed int, err error) {
	items, then, err := t.Lister.List(ctx, chain.Next)
	if err != nil {
		return 0, err
	}
	to := harvest.Chain{Seed: t.Seed, Step: chain.Step + 1, Next: then, Done: then == ""}
	err = t.again(ctx, func() error { return t.Chains.CommitStep(ctx, t.Run, to, items) })
	if errors.Is(err, ErrTaken) {
		return 0, nil
	}
	return len(items), err
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
		t.Say(fmt.Sprintf("the corpus of run %s is not enumerated to its end yet: waiting for coordinator enumerate --run %s", t.Run, t.Run))
	}
	if t.Patience > 0 && time.Since(grown) > t.Patience {
		return fmt.Errorf("%w since %s: start coordinator enumerate --run %s", ErrStalled, grown.Format(time.TimeOnly), t.Run)
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

// Fill enumerates to the end without reading the rows. grew is told after each step how many items it brought.
func (t *Table) Fill(ctx context.Context, grew func(items int)) error {
	for {
		var chain harvest.Chain
		err := t.again(ctx, func() (err error) {
			chain, err = t.Chains.Chain(ctx, t.Run, t.Seed)
			return err
		})
		if err != nil || chain.Done {
			return err
		}
		listed, err := t.step(ctx, chain)
		if err != nil {
			return err
		}
		grew(listed)
	}
}
