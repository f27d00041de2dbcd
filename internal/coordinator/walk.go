package coordinator

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"shoal/internal/harvest"
)

const (
	abreast      = 8 // chains that are walked side by side, where nobody says otherwise
	mostRestarts = 5 // of a chain in a row, without getting further than before
)

// walker walks the chains of a table, some side by side. Within a chain a step follows the one before.
type walker struct {
	begun int // seeds that were looked at
	open  []*walk
}

// walk is one chain under way.
type walk struct {
	seed     string
	loaded   bool   // what follows is known
	step     int64  // committed
	place    int64  // steps from the seed to where it is; less than step when it has started again
	next     string // where the next step is
	done     bool
	best     int64 // the furthest place so far
	restarts int   // in a row, without getting further
}

// done tells whether every seed was looked at and none is left.
func (w *walker) done(t *Table) bool { return w.begun == len(t.Seeds) && len(w.open) == 0 }

// round takes one step of each of some chains, at once. It returns how many items were listed, also with an error.
func (w *walker) round(ctx context.Context, t *Table) (listed int, err error) {
	most := t.Abreast
	if most == 0 {
		most = abreast
	}
	for len(w.open) < most && w.begun < len(t.Seeds) {
		w.open = append(w.open, &walk{seed: t.Seeds[w.begun]})
		w.begun++
	}
	var all sync.WaitGroup
	counts, errs := make([]int, len(w.open)), make([]error, len(w.open))
	for i, chain := range w.open {
		all.Go(func() { counts[i], errs[i] = chain.take(ctx, t) })
	}
	all.Wait()
	left := w.open[:0]
	for i, chain := range w.open {
		listed += counts[i]
		if !chain.done {
			left = append(left, chain)
		}
	}
	w.open = left
	return listed, errors.Join(errs...)
}

// load reads where the chain goes on.
func (w *walk) load(ctx context.Context, t *Table) error {
	return t.again(ctx, func() error {
		chain, err := t.Chains.Chain(ctx, t.Run, w.seed)
		if err == nil {
			w.loaded, w.step, w.place, w.next, w.done = true, chain.Step, chain.Step, chain.Next, chain.Done
		}
		return err
	})
}

// take lists once and commits what came. Whoever lost the step to somebody else goes on from that one's.
func (w *walk) take(ctx context.Context, t *Table) (listed int, err error) {
	if !w.loaded {
		if err := w.load(ctx, t); err != nil || w.done {
			return 0, err
		}
	}
	items, then, err := t.Lister.List(ctx, harvest.Chain{Seed: w.seed, Step: w.place + 1, Next: w.next})
	if errors.Is(err, ErrCursor) && w.place > 0 {
		return 0, w.restart(err)
	}
	if err != nil {
		return 0, err
	}
	to := harvest.Chain{Seed: w.seed, Step: w.step + 1, Next: then, Done: then == ""}
	if t.Pages { // a page that is there already is known by its place
		to.Step = w.place + 1
	}
	err = t.again(ctx, func() error { return t.Chains.CommitStep(ctx, t.Run, to, items) })
	if errors.Is(err, ErrTaken) {
		w.loaded = false
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	w.step, w.place, w.next, w.done = max(w.step, to.Step), w.place+1, then, to.Done
	if w.place > w.best {
		w.best, w.restarts = w.place, 0
	}
	return len(items), nil
}

// restart begins the chain again. What was listed before is listed once more, and known by its keys.
func (w *walk) restart(why error) error {
	w.place, w.next = 0, ""
	if w.restarts++; w.restarts > mostRestarts {
		return fmt.Errorf("%s has started again %d times without getting further: %w", harvest.Quote(w.seed), mostRestarts, why)
	}
	return nil
}
