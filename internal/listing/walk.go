package listing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"shoal/internal/harvest"
)

const (
	abreast     = 8  // chains that are walked side by side, without a setting
	maxRestarts = 5  // of a chain in a row, without getting further than before
	maxBroken   = 20 // chains that break before any has moved: what breaks them breaks all
	maxExamples = 3  // of them in the error
	maxParked   = 200
)

// walker walks the chains of a table, some side by side. Within a chain a step follows the one
// before; no chain waits for another.
type walker struct {
	begun  int     // seeds that were looked at
	open   []*walk // chains that have not ended
	broken []error // of chains that cannot be walked to their end
	moved  bool    // some chain has taken a step
	far    bool    // some chain has continued after its first step
	busy   int     // chains under way
	taken  chan taken
	way    sync.WaitGroup
}

// taken is what became of one step.
type taken struct {
	walk   *walk
	listed int
	err    error
}

// walk is one chain.
type walk struct {
	seed     string
	busy     bool
	parked   error  // why it cannot continue before another chain has
	loaded   bool   // what follows is known
	step     int64  // committed
	place    int64  // steps from the seed to where it is; less than step when it has started again
	next     string // where the next step is
	done     bool
	best     int64 // the furthest place so far
	restarts int   // in a row, without getting further
	trail    trail
}

// done reports whether every seed was looked at and none is left.
func (w *walker) done(t *Table) bool {
	return w.begun == len(t.Seeds) && len(w.open)+len(w.broken) == 0
}

// advance lets the chains continue until one of them has taken a step, and returns how many items
// were listed, also with an error. The others continue meanwhile. An error of a single chain comes
// when no other can continue.
func (w *walker) advance(ctx context.Context, t *Table) (listed int, err error) {
	w.start(ctx, t)
	if w.busy == 0 && w.released(ctx, t) {
		w.start(ctx, t)
	}
	if w.busy == 0 {
		return 0, w.stuck()
	}
	for got := <-w.taken; ; {
		w.busy--
		listed += got.listed
		if err := w.settle(got, t); err != nil {
			return listed, err
		}
		select {
		case got = <-w.taken: // others may have been as quick
		default:
			return listed, nil
		}
	}
}

// start starts all chains that can continue.
func (w *walker) start(ctx context.Context, t *Table) {
	most := t.Abreast
	if most == 0 {
		most = abreast
	}
	if w.taken == nil {
		w.taken = make(chan taken, most)
	}
	going := 0
	for _, chain := range w.open {
		if chain.parked == nil {
			going++
		}
	}
	for ; going < most && len(w.open) < most+maxParked && w.begun < len(t.Seeds); going++ {
		w.open = append(w.open, &walk{seed: t.Seeds[w.begun]})
		w.begun++
	}
	for _, chain := range w.open {
		if chain.busy || chain.parked != nil || w.busy == most {
			continue
		}
		chain.busy = true
		w.busy++
		w.way.Go(func() {
			listed, err := chain.take(ctx, t)
			w.taken <- taken{chain, listed, err}
		})
	}
}

// settle notes what became of a step. The error is one that ends the walk.
func (w *walker) settle(got taken, t *Table) error {
	chain := got.walk
	chain.busy = false
	switch {
	case errors.Is(got.err, ErrParked):
		chain.parked = got.err
		return nil
	case errors.Is(got.err, ErrBroken):
		w.broken = append(w.broken, got.err)
		chain.done = true
		if !w.moved && len(w.broken) >= maxBroken {
			return w.stuck()
		}
	case got.err != nil:
		return got.err
	default:
		w.moved, w.far = true, w.far || chain.step > 1 || !chain.done
		for _, other := range w.open {
			other.parked = nil
		}
	}
	left := w.open[:0]
	for _, other := range w.open {
		if other.busy || !other.done {
			left = append(left, other)
		}
	}
	w.open = left
	if w.done(t) && w.moved && !w.far && t.Say != nil && t.Short != "" {
		t.Say(t.Short)
	}
	return nil
}

// released lets parked chains continue that need not wait any more.
func (w *walker) released(ctx context.Context, t *Table) bool {
	lister, ok := t.Lister.(Releaser)
	if !ok || !slices.ContainsFunc(w.open, func(chain *walk) bool { return chain.parked != nil }) || !lister.Release(ctx) {
		return false
	}
	for _, chain := range w.open {
		chain.parked = nil
	}
	return true
}

// stuck returns why none of the remaining chains can continue; nil if none remains.
func (w *walker) stuck() error {
	why := slices.Clone(w.broken)
	for _, chain := range w.open {
		if chain.parked != nil {
			why = append(why, chain.parked)
			break
		}
	}
	switch len(why) {
	case 0:
		return nil
	case 1:
		return why[0]
	}
	lines := make([]string, 0, maxExamples+1)
	for _, err := range why[:min(len(why), maxExamples)] {
		lines = append(lines, harvest.Sentence(err))
	}
	if more := len(why) - len(lines); more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return &harvest.Detailed{Err: several(why), Below: lines}
}

// several are the errors of chains that cannot continue.
type several []error

// Error counts them.
func (s several) Error() string {
	return fmt.Sprintf("%d listings cannot be walked to their ends", len(s))
}

// Unwrap implements [errors.Is].
func (s several) Unwrap() []error { return s }

// rest waits for the chains under way, whose context has ended.
func (w *walker) rest() {
	w.way.Wait()
	for ; w.busy > 0; w.busy-- {
		got := <-w.taken
		got.walk.busy = false
	}
}

// load reads where the chain continues.
func (w *walk) load(ctx context.Context, t *Table) error {
	return t.again(ctx, func() error {
		chain, err := t.Chains.Chain(ctx, t.Run, w.seed)
		if err == nil {
			w.loaded, w.step, w.place, w.next, w.done = true, chain.Step, chain.Step, chain.Next, chain.Done
			w.best, w.trail = chain.Step, readTrail(chain)
			if chain.Next == "" { // it is to be walked again from its seed
				w.place, w.trail = 0, trail{}
			}
		}
		return err
	})
}

// take lists once and commits what came. A step that another process took first is continued from
// that one's.
func (w *walk) take(ctx context.Context, t *Table) (listed int, err error) {
	if !w.loaded {
		if err := w.load(ctx, t); err != nil || w.done {
			return 0, err
		}
	}
	at := harvest.Chain{Seed: w.seed, Step: w.place + 1, Next: w.next}
	var committed *harvest.Chain
	if leaver, ok := t.Lister.(Leaver); ok {
		defer func() { leaver.Leave(ctx, at, committed, err) }()
	}
	entries, then, err := t.Lister.List(ctx, at)
	if errors.Is(err, ErrCursor) && w.place > 0 {
		if w.restarts++; w.restarts <= maxRestarts { // what was listed before is listed once more, and known by its keys
			w.place, w.next, w.trail = 0, "", trail{}
			return 0, nil
		}
		err = w.giveUp(t, at, err)
	}
	ended := errors.Is(err, ErrEnded)
	if err != nil && !ended {
		return 0, err
	}
	trail := w.trail
	if !ended {
		if then, err = trail.judge(t, at, then); err != nil {
			return 0, err
		}
	}
	to := harvest.Chain{Seed: w.seed, Step: w.step + 1, Next: then, Done: then == "", Trail: trail.text()}
	if t.Pages && !ended { // a page that is there already is known by its place
		to.Step = w.place + 1
	}
	err = t.again(ctx, func() error { return t.Chains.CommitStep(ctx, t.Run, to, entries) })
	if errors.Is(err, harvest.ErrTaken) {
		w.loaded = false
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	committed = &to
	w.step, w.place, w.next, w.done, w.trail = max(w.step, to.Step), w.place+1, then, to.Done, trail
	if w.place > w.best {
		w.best, w.restarts = w.place, 0
	}
	return len(entries), nil
}

// giveUp handles a chain whose cursor is refused again and again. If its steps are pages, this one
// may become a page with that reason, and the chain's end.
func (w *walk) giveUp(t *Table, at harvest.Chain, why error) error {
	if ender, ok := t.Lister.(Ender); ok {
		return ender.End(at, why)
	}
	return fmt.Errorf("%w: %s has started again %d times without getting further: %w", ErrBroken, harvest.Quote(w.seed), maxRestarts, why)
}
