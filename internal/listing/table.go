package listing

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync/atomic"
	"time"

	"shoal/internal/harvest"
)

const (
	// rowsAtOnce is how many rows are read at a time.
	rowsAtOnce = 2000
	// growth is how often a table that another process fills is looked at.
	growth = time.Second
)

// Table is the corpus table of a run as a corpus. It is read once.
type Table struct {
	Chains Chains
	Run    string
	// Seeds are where the chains begin; a corpus that is enumerated as a whole has one.
	Seeds []string
	// Pages means that steps are pages, known by their place in the chain, rather than rows of the
	// table.
	Pages bool
	// Abreast is how many chains are walked side by side; 0 means 8.
	Abreast int
	// Lister lists what the table lacks; nil where another process does.
	Lister Lister
	// Again repeats calls that fail because the store is unreachable; nil tries once.
	Again Again
	// Patience is how long a table that another process fills may stand still; 0 means for ever.
	Patience time.Duration
	// Source is the command that fills a table that another process is to fill.
	Source string
	// Short is printed when every chain ended at its first step; empty: nothing.
	Short string
	// Say is called, once, where this process waits for another one, and with Short; nil is silent.
	Say func(sentence string)

	said   atomic.Int32
	walker walker
	read   atomic.Int64
	size   atomic.Int64 // 0 until the enumeration is done
}

// Fraction returns the part that was read; 0 until everything is enumerated.
func (t *Table) Fraction() float64 {
	if size := t.size.Load(); size > 0 {
		return float64(t.read.Load()) / float64(size)
	}
	return 0
}

// Entries yields the rows in their order, and continues the enumeration if they end before the
// chain does.
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

// look asks whether the chains are done before it reads the rows: if they were and no row is left,
// none will come.
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

// Listed reports whether the table holds all of the corpus.
func (t *Table) Listed(ctx context.Context) (done bool, err error) {
	err = t.again(ctx, func() (err error) {
		done, err = t.done(ctx)
		return err
	})
	return done, err
}

// Whole returns [harvest.ErrIncomplete] unless the table holds all of the corpus.
func (t *Table) Whole(ctx context.Context) error {
	done, err := t.Listed(ctx)
	if err == nil && !done {
		err = fmt.Errorf("%w: the corpus of run %s is not enumerated to its end: start %s", harvest.ErrIncomplete, t.Run, t.Source)
	}
	return err
}

// done reports whether all chains have come to their end.
func (t *Table) done(ctx context.Context) (bool, error) {
	if t.walker.done(t) {
		return true, nil
	}
	walked, err := t.Chains.Walked(ctx, t.Run)
	return walked.Done >= len(t.Seeds), err
}

func (t *Table) again(ctx context.Context, do func() error) error {
	if t.Again == nil {
		return do()
	}
	return t.Again(ctx, do)
}

// wait lets another process fill the table.
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

// Fill enumerates to the end without reading the rows. grew is called now and then with how many
// entries were added. If ctx ends, the error is its cause.
func (t *Table) Fill(ctx context.Context, grew func(entries int)) error {
	err := t.fill(ctx, grew)
	if cause := context.Cause(ctx); err != nil && cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return err
}

// toldEvery is how often a person reads how the table grows.
const toldEvery = 10 * time.Second

// Enumerate fills the table with what the Lister lists or, without one, with the entries of a
// corpus that can be read only once, and prints how it grows. turn, which may be nil, is called
// before each step of the Lister, as [LeaderOnly] does. It fails with [ErrEmpty] if the table has
// no row in the end.
func (t *Table) Enumerate(ctx context.Context, size Sizer, entries func() iter.Seq2[harvest.Entry, error], turn func(ctx context.Context) error) error {
	switch {
	case t.Lister == nil:
		stream := NewStream(entries())
		defer stream.Close()
		t.Lister = stream
	case turn != nil:
		t.Lister = LeaderOnly{Lister: t.Lister, Turn: turn}
	}
	return t.enumerate(ctx, size)
}

func (t *Table) enumerate(ctx context.Context, size Sizer) error {
	items, told := 0, time.Now()
	err := t.Fill(ctx, func(n int) {
		items += n
		if time.Since(told) > toldEvery {
			told = time.Now()
			t.Say(fmt.Sprintf("%d items enumerated", items))
		}
	})
	total, sizeErr := size.CorpusSize(context.WithoutCancel(ctx), t.Run)
	if sizeErr == nil {
		t.Say(fmt.Sprintf("run %s: %d items enumerated now, %d in all", t.Run, items, total))
	}
	if err == nil && sizeErr == nil && total == 0 {
		return fmt.Errorf("run %s: %w", t.Run, ErrEmpty)
	}
	return err
}

func (t *Table) fill(ctx context.Context, grew func(entries int)) error {
	ctx, end := context.WithCancel(ctx)
	defer t.walker.rest()
	defer end()
	for {
		done, err := t.Listed(ctx)
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
