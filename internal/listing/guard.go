package listing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"shoal/internal/exchange"
	"shoal/internal/harvest"
	"shoal/internal/suspect"
)

// Guard keeps steps apart that may make their process crash, while a crash of an earlier owner of
// the shard is not long ago: each is noted before it is asked for, and one that was in flight in a
// crash is asked for with nothing beside it, until it is committed. A nil one guards nothing. It is
// safe for concurrent use.
type Guard struct {
	suspects *suspect.Suspicion
	again    Again
	log      *slog.Logger
	pages    int // steps are pages: so many land before all is calm; 0 where they are not

	mu     sync.Mutex
	steps  map[string]*guarded // that are under way, by seed
	landed int
}

// guarded is one step that is under way.
type guarded struct {
	*Guard

	key   harvest.Key
	leave func() // lets others be asked for; nil while none waits
}

// NewGuard makes one for a walk of steps that are rows of the corpus table.
func NewGuard(suspects *suspect.Suspicion, again Again, log *slog.Logger) *Guard {
	if suspects == nil {
		return nil
	}
	return &Guard{suspects: suspects, again: again, log: log, steps: map[string]*guarded{}}
}

// ofPages makes one for a walk of pages, of which so many may be under way.
func ofPages(suspects *suspect.Suspicion, again Again, log *slog.Logger, most int) *Guard {
	g := NewGuard(suspects, again, log)
	if g != nil {
		g.pages = max(1, most)
	}
	return g
}

// keep repeats do while the store is away.
func (g *Guard) keep(ctx context.Context) suspect.Again {
	return func(do func() error) error { return g.again(ctx, do) }
}

// learn loads what crashes have left; it comes before the first step.
func (g *Guard) learn(ctx context.Context) error {
	if g == nil {
		return nil
	}
	return g.suspects.Learn(ctx, g.keep(ctx), nil, g.log)
}

// poisoned is in how many crashed leases the step was in flight, where it is not to be asked for
// again; else 0.
func (g *Guard) poisoned(at harvest.Chain) int {
	if g == nil {
		return 0
	}
	if crashes := g.suspects.Crashes(harvest.StepKey(at.Seed, at.Step)); crashes >= suspect.MaxCrashes {
		return crashes
	}
	return 0
}

// broken is the error of a step that is not to be asked for again, where it has no page that
// records it; nil for any other.
func (g *Guard) broken(at harvest.Chain, url string) error {
	crashes := g.poisoned(at)
	if crashes == 0 {
		return nil
	}
	return fmt.Errorf("%w: step %d of it is %s (%s): %s; coordinator retry --outcome dead has it asked for again",
		ErrBroken, at.Step, suspect.Reason, harvest.Quote(url), suspect.Sentence(crashes, "step"))
}

// begin takes note that a step is under way.
func (g *Guard) begin(at harvest.Chain) *guarded {
	s := &guarded{Guard: g, key: harvest.StepKey(at.Seed, at.Step)}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.steps[at.Seed] = s
	return s
}

// around guards each attempt of a call for the step.
func (g *Guard) around(caller *exchange.Caller, at harvest.Chain) {
	if g == nil || !g.suspects.On() {
		return
	}
	s := g.begin(at)
	caller.Before, caller.Between = s.before, s.between
}

// before comes before an attempt. A step that two crashes count for waits first.
func (s *guarded) before(ctx context.Context) error {
	enter, crashes := s.suspects.Beside, s.suspects.Crashes(s.key)
	if crashes > 0 {
		enter = s.suspects.Exclusively
	}
	if crashes >= suspect.MaxCrashes-1 && !exchange.Sleep(ctx, s.suspects.Wary()) {
		return context.Cause(ctx)
	}
	leave, err := enter(ctx)
	if err != nil {
		return err
	}
	if err := s.suspects.Note(ctx, s.keep(ctx), s.key); err != nil {
		leave()
		return err
	}
	s.leave = leave
	return nil
}

// between comes when another attempt follows: what an exchange may do to the process, the one
// before has done.
func (s *guarded) between(ctx context.Context) {
	s.withdraw(ctx)
	s.free()
}

func (s *guarded) free() {
	if s.leave != nil {
		s.leave()
		s.leave = nil
	}
}

// withdraw takes the note back. At the end of the process its lease does that.
func (s *guarded) withdraw(ctx context.Context) {
	if ctx.Err() == nil {
		s.say(s.suspects.Withdraw(ctx, s.key))
	}
}

func (s *guarded) say(err error) {
	if err != nil {
		s.log.Warn("a step of a listing that is not in flight any more is still noted", "error", err)
	}
}

// Leave implements [Leaver]: a step that is held has been answered, and is not a suspect any more.
// Any other that was not committed is to be asked for again.
func (g *Guard) Leave(ctx context.Context, at harvest.Chain, to *harvest.Chain, why error) {
	if g == nil {
		return
	}
	g.mu.Lock()
	s := g.steps[at.Seed]
	delete(g.steps, at.Seed)
	if to != nil {
		g.landed++
	}
	enough := g.pages > 0 && g.landed >= g.pages
	g.mu.Unlock()
	if s == nil {
		return
	}
	defer s.free()
	switch {
	case to != nil && g.pages > 0 && harvest.StepKey(to.Seed, to.Step) == s.key: // its landing has taken the note out
		g.suspects.Ended(s.key)
	case to != nil, errors.Is(why, ErrParked):
		s.say(g.suspects.Clear(context.WithoutCancel(ctx), s.key))
	default:
		s.withdraw(ctx)
	}
	g.suspects.Calm(ctx, enough, g.log)
}

// poisonous is the last page of a chain whose step is not asked for again.
func (p *Pages) poisonous(at harvest.Chain, url string, crashes int) error {
	p.guard.begin(at)
	p.parts.Log.Warn("a listing is cut off at a step that was in flight in one crash after the other", "url", url, "step", at.Step, "crashes", crashes)
	page := suspect.Poisonous(crashes)
	page.URL, page.Detail, page.FetchedAt = url, suspect.Sentence(crashes, "step"), time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.steps[at.Seed] = &step{page: page, verdict: true}
	return ErrEnded
}
