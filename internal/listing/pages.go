package listing

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"shoal/internal/canary"
	"shoal/internal/exchange"
	"shoal/internal/harvest"
	"shoal/internal/retry"
	"shoal/internal/suspect"
)

// Settings are how to walk the chains of a shard.
type Settings struct {
	Run      string
	Shard    harvest.Shard
	Seeds    []string // of all shards
	Abreast  int      // chains that are walked side by side; 0 means 8
	Limit    int      // steps to land; 0 for no limit
	NoCanary bool     // an operator accepts whatever steps are answered as their outcomes
	Landed   bool     // something of the run has landed before
	Short    string   // printed when every chain ended at its first step; empty: nothing
}

// Parts are what a walk calls.
type Parts struct {
	API      API
	Caller   exchange.Caller
	Steps    Steps
	Longest  Longest
	Lease    Lease
	Again    Again
	Suspects *suspect.Suspicion // nil while no crash is suspected
	Counters *exchange.Counters
	Log      *slog.Logger
	Say      func(sentence string)
}

// Pages lands the answers of a listing as pages, each together with its step. As a worker does with
// items, it holds back what may be a mistake of ours: pages that did not land before any has, and
// refusals of who we are. It runs once.
type Pages struct {
	settings Settings
	parts    Parts

	caller exchange.Caller
	served served
	sights sights
	doubt  *Doubt
	canary *canary.Canary
	guard  *Guard
	began  time.Time
	before harvest.Counts // that the process had counted already

	mu    sync.Mutex
	steps map[string]*step // by seed
	taken int              // steps that ended, for the limit
}

// step is what became of a chain's current step.
type step struct {
	page harvest.Page
	then string
	held bool // the canary has its page

	parked  bool // its chain waits
	verdict bool // an answer that ends the chain
}

// NewPages returns a walk.
func NewPages(settings Settings, parts Parts) *Pages {
	p := &Pages{
		settings: settings, parts: parts, caller: parts.Caller, doubt: NewDoubt(settings.NoCanary, settings.Run, parts.Longest), steps: map[string]*step{},
		// Release asks for listings of other shards before the canary stops anything.
		canary: canary.New(canary.Settings{Off: settings.NoCanary, Fresh: !settings.Landed, Patient: settings.Shard.Of > 1}),
		guard:  ofPages(parts.Suspects, parts.Again, parts.Log, settings.Abreast),
		began:  time.Now(), before: parts.Counters.Sum().Items,
	}
	p.caller.Served = p.served.since
	if settings.Landed {
		p.served.before()
	}
	return p
}

// Walk walks the chains of the shard to their ends. The error is [ErrLimit], [harvest.ErrAnother],
// one of the walk, of the store or ctx's cause.
func (p *Pages) Walk(ctx context.Context) error {
	generation := p.parts.Lease.Fingerprint()
	var own []string
	for _, seed := range p.settings.Seeds {
		if p.settings.Shard.Owns(harvest.KeyOf(seed)) {
			own = append(own, seed)
		}
	}
	table := &Table{
		Chains: p, Lister: p, Run: p.settings.Run, Seeds: own, Pages: true, Abreast: p.settings.Abreast, Say: p.parts.Say, Short: p.settings.Short, Again: p.parts.Again,
	}
	if err := p.guard.learn(ctx); err != nil {
		return err
	}
	err := table.Fill(ctx, func(int) {})
	if err == nil && p.parts.Lease.Fingerprint() != generation { // the store may have lost rows since the walk began
		err = harvest.ErrAnother
	}
	return err
}

// Drain is Walk as the work on a shard: complete reports that all its chains have ended; a limit
// ends it earlier, without an error. Where another worker has taken over the shard, the error is
// [harvest.ErrFenced] itself.
func (p *Pages) Drain(ctx context.Context) (complete bool, err error) {
	err = p.Walk(ctx)
	switch {
	case errors.Is(err, harvest.ErrFenced):
		return false, harvest.ErrFenced
	case errors.Is(err, ErrLimit):
		return false, nil
	}
	return err == nil, err
}

// Progress returns the walk's progress: the number of steps is known only when the chains have
// ended.
func (p *Pages) Progress() harvest.Progress {
	pace, now := p.caller.Client.Pace.State(), time.Now()
	return harvest.Progress{
		Run: p.settings.Run, Shard: p.settings.Shard, Started: p.began, Now: now, Counts: p.parts.Counters.Sum().Items.Minus(p.before),
		Budget: pace.Budget, Lowered: pace.Lowered, Limit: pace.Limit, SilentUntil: pace.Until, Stuck: p.parts.Counters.Stuck(now, false),
	}
}

// Chain implements [Chains].
func (p *Pages) Chain(ctx context.Context, run, seed string) (harvest.Chain, error) {
	return p.parts.Steps.Chain(ctx, run, seed)
}

// Walked implements [Chains]; the chains of other shards are counted there.
func (p *Pages) Walked(context.Context, string) (harvest.Walked, error) {
	return harvest.Walked{Done: -1}, nil
}

// CorpusRows implements [Chains].
func (p *Pages) CorpusRows(context.Context, string, int64, int) ([]harvest.Entry, error) {
	return nil, nil
}

// List implements [Lister].
func (p *Pages) List(ctx context.Context, at harvest.Chain) (_ []harvest.Entry, then string, err error) {
	if had, err := p.resume(at.Seed); had != nil || err != nil {
		return nil, had.continues(), cmp.Or(err, had.end())
	}
	request, err := p.parts.API.ListRequest(at.Seed, at.Next)
	if err != nil {
		return nil, "", err
	}
	if crashes := p.guard.poisoned(at); crashes > 0 {
		return nil, "", p.poisonous(at, request.URL, crashes)
	}
	caller := p.caller
	p.guard.around(&caller, at)
	var page harvest.Page
	var more string
	requests, err := caller.Call(ctx, request, func(answer *harvest.Answer) harvest.Reading {
		listed, after, read := p.parts.API.ReadList(request, at.Seed, at.Step, answer, nil)
		more = listed.More
		p.sights.see(at.Seed, listed.Sight)
		if then = after; read.Fault == harvest.FaultNone { // the page holds the answer's memory until it has landed
			pages := []harvest.Page{listed.Page}
			answer.Hold(1)
			exchange.Share(answer, pages)
			page = pages[0]
		}
		return read
	})
	refused, ok := errors.AsType[*exchange.Refused](err)
	switch {
	case ok && refusedCursor(refused, at):
		p.uncount()
		return nil, "", fmt.Errorf("%w: %w", ErrCursor, err)
	case ok && refused.Verdict.Outcome == "":
		return nil, "", fmt.Errorf("%w: %w", ErrBroken, err)
	case ok:
		return nil, "", p.keep(at, request.URL, refused)
	case err != nil:
		return nil, "", err
	}
	page.Attempts = requests
	p.served.now()
	if err := p.doubt.Step(ctx, request.URL, then, more); err != nil {
		p.uncount()
		page.Answer.Release()
		return nil, "", err
	}
	class := retry.ClassEnded
	if page.Outcome == harvest.Landed {
		class = retry.ClassAccepted
	}
	return nil, then, p.judge(at.Seed, &step{page: page, then: then}, class, request.URL+": "+page.Reason)
}

// Leave implements [Leaver].
func (p *Pages) Leave(ctx context.Context, at harvest.Chain, to *harvest.Chain, why error) {
	p.guard.Leave(ctx, at, to, why)
}

// Observed implements [Observer].
func (p *Pages) Observed(seed string) string { return p.sights.of(seed) }

// End implements [Ender]: a cursor that is refused for good becomes a page with that reason.
func (p *Pages) End(at harvest.Chain, why error) error {
	refused, ok := errors.AsType[*exchange.Refused](why)
	if !ok {
		return why
	}
	request, err := p.parts.API.ListRequest(at.Seed, at.Next)
	if err != nil {
		return err
	}
	p.parts.Log.Warn("a listing is cut off where its cursor is refused again and again", "url", request.URL, "status", refused.Verdict.Status, "step", at.Step)
	return p.keep(at, request.URL, refused)
}

// keep makes the answer that ends a chain its last page.
func (p *Pages) keep(at harvest.Chain, url string, refused *exchange.Refused) error {
	page := refused.Verdict
	page.Key, page.URL = harvest.StepKey(at.Seed, at.Step), url
	if err := p.judge(at.Seed, &step{page: page, verdict: true}, refused.Class, refused.Text); err != nil {
		return err
	}
	return ErrEnded
}

// resume returns the step that was held back, once it need not be any more. It returns nil if the
// step has to be requested.
func (p *Pages) resume(seed string) (*step, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	had := p.steps[seed]
	switch {
	case had != nil && had.held:
		return nil, parked{p.refusal()}
	case had == nil && p.settings.Limit > 0 && p.taken >= p.settings.Limit:
		return nil, ErrLimit
	case had == nil:
		p.taken++
	default:
		had.parked = false
	}
	return had, nil
}

// uncount handles a step that has to be taken once more, or existed already.
func (p *Pages) uncount() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.taken--
}

// continues returns where the chain continues; empty if it does not.
func (s *step) continues() string {
	if s == nil {
		return ""
	}
	return s.then
}

func (s *step) end() error {
	if s != nil && s.verdict {
		return ErrEnded
	}
	return nil
}
