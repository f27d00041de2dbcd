package dashboard

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"shoal/internal/harvest"
)

const (
	// patience is how long a page waits for the state of a run; what takes longer is shown as soon
	// as it is there.
	patience = 3 * time.Second
	// slowPatience is how long it waits for what may take longer.
	slowPatience = 25 * time.Millisecond
	// day is how far back charts go.
	day = 24 * time.Hour
)

// runLook is what is kept of one run.
type runLook struct {
	status  *kept[Status]
	sent    *kept[Sent]
	manners *kept[Manners]
	chains  *kept[Chains]
	losses  *kept[[]Loss]
	drawn   drawn
}

// looks are what is kept of all runs.
type looks struct {
	life   context.Context // of the handler
	source Source
	items  Items
	runs   *kept[[]harvest.Run]

	quick, rare purse      // of the states of runs, and of what may take long
	slow        sync.Mutex // held by the one question that may take long: the state of a run finds a connection
	mu          sync.Mutex
	all         map[string]*runLook
}

// slowly lets a question wait for its turn.
func slowly[T any](l *looks, ask func(ctx context.Context) (T, error)) *kept[T] {
	return &kept[T]{ask: ask, turns: &l.slow, purse: &l.rare}
}

func newLooks(life context.Context, source Source, items Items) *looks {
	l := &looks{life: life, source: source, items: items, all: map[string]*runLook{}}
	l.runs = &kept[[]harvest.Run]{ask: source.Runs, purse: &l.quick}
	return l
}

// of returns what is kept of a run.
func (l *looks) of(name string) *runLook {
	l.mu.Lock()
	defer l.mu.Unlock()
	look := l.all[name]
	if look == nil {
		look = &runLook{
			status:  &kept[Status]{rests: rests, purse: &l.quick, ask: func(ctx context.Context) (Status, error) { return l.source.Status(ctx, name) }},
			manners: slowly(l, func(ctx context.Context) (Manners, error) { return l.source.Manners(ctx, name) }),
			chains:  slowly(l, func(ctx context.Context) (Chains, error) { return l.source.Chains(ctx, name) }),
		}
		look.sent = slowly(l, l.asker(name))
		look.losses = slowly(l, func(ctx context.Context) ([]Loss, error) { return l.items.Losses(ctx, name) })
		l.all[name] = look
	}
	return look
}

// rests returns how long the state of a run holds: a finished one changes only by an order.
func rests(s Status) time.Duration {
	if s.State == "finished" {
		return time.Minute
	}
	return 0
}

// asker asks for what was sent lately. Once a day's minutes are there, only the latest are read
// again: the others do not change, except where a worker was long cut off from the store.
func (l *looks) asker(name string) func(context.Context) (Sent, error) {
	const again = 15 // minutes
	var all []harvest.Minute
	return func(ctx context.Context) (Sent, error) {
		now := time.Now().Unix() / 60
		first := now - int64(day/time.Minute)
		since := first
		if n := len(all); n > 0 {
			since = max(first, all[n-1].Unix-again)
		}
		more, err := l.source.Sent(ctx, name, since)
		if err != nil {
			return Sent{}, err
		}
		var late []harvest.Minute
		for _, m := range all {
			if m.Unix >= first && m.Unix < since {
				late = append(late, m)
			}
		}
		all = slices.Concat(late, more.Minutes)
		return Sent{all, more.Quiets}, nil
	}
}

// forget drops what is kept of a run that is not there.
func (l *looks) forget(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.all, name)
}

// void makes the next look at a run read the store: an order has changed it.
func (l *looks) void(name string) {
	l.runs.void()
	look := l.of(name)
	look.status.void()
	look.losses.void()
}

// facts are what a page shows of a run. A zero turn means that the answer is not there yet.
type facts struct {
	Status
	sent    Sent
	manners Manners
	chains  Chains
	losses  []Loss

	sentTurn, mannersTurn, chained, lossTurn uint64

	turn    uint64 // changes with any of the answers
	trouble error  // why the latest question was not answered
}

// state returns only the state of a run.
func (l *looks) state(name string) (s Status, err error) {
	s, _, err = l.of(name).status.get(l.life, time.Now(), patience)
	switch {
	case errors.Is(err, ErrUnknown):
		l.forget(name)
	case s.Run.Name != "":
		err = nil
	case err == nil:
		err = errSlow
	}
	return s, err
}

// look returns the facts of a run. What may take long is asked when its state is known.
func (l *looks) look(name string) (f facts, err error) {
	now := time.Now()
	look := l.of(name)
	status, turn, err := look.status.get(l.life, now, patience)
	var slow sync.WaitGroup
	var sentErr, mannersErr, chainsErr, lossesErr error
	slow.Go(func() { f.sent, f.sentTurn, sentErr = look.sent.get(l.life, now, slowPatience) })
	slow.Go(func() { f.manners, f.mannersTurn, mannersErr = look.manners.get(l.life, now, slowPatience) })
	slow.Go(func() { f.chains, f.chained, chainsErr = look.chains.get(l.life, now, slowPatience) })
	slow.Go(func() { f.losses, f.lossTurn, lossesErr = look.losses.get(l.life, now, slowPatience) })
	slow.Wait()
	f.Status, f.turn = status, turn+f.sentTurn+f.mannersTurn+f.chained+f.lossTurn
	switch {
	case errors.Is(err, ErrUnknown):
		l.forget(name)
		return f, err
	case status.Run.Name == "" && err != nil:
		return f, err
	case status.Run.Name == "":
		return f, errSlow
	}
	f.trouble = errors.Join(err, sentErr, mannersErr, chainsErr, lossesErr)
	return f, nil
}

// errSlow means that the store has not answered yet.
var errSlow = errors.New("the store has not answered yet")
