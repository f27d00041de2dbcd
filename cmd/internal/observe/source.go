package observe

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"shoal/cmd/internal/wire"
	"shoal/internal/coordinator"
	"shoal/internal/dashboard"
	"shoal/internal/harvest"
	"shoal/internal/status"
	"shoal/internal/store"
)

// source is what a store has of runs, for the page.
type source struct {
	address string

	mu     sync.Mutex
	db     *store.Store // nil before the first look
	speeds map[string]*status.Speed
}

// open opens the store to read it, once.
func (s *source) open(ctx context.Context) (*store.Store, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.db == nil {
		db, err := wire.OpenStore(ctx, s.address, true)
		if err != nil {
			return nil, err
		}
		s.db = db
	}
	return s.db, nil
}

// close gives the connections back.
func (s *source) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.db == nil {
		return nil
	}
	err := s.db.Close()
	s.db = nil
	return err
}

// ask asks the open store; a run that it does not hold is not known.
func ask[T any](ctx context.Context, s *source, question func(db *store.Store) (T, error)) (answer T, err error) {
	db, err := s.open(ctx)
	if err != nil {
		return answer, err
	}
	answer, err = question(db)
	if errors.Is(err, store.ErrNoRun) {
		err = fmt.Errorf("%w: %w", dashboard.ErrUnknown, err)
	}
	return answer, err
}

// Runs implements [dashboard.Source].
func (s *source) Runs(ctx context.Context) ([]harvest.Run, error) {
	runs, err := ask(ctx, s, func(db *store.Store) ([]harvest.Run, error) { return db.ListRuns(ctx) })
	if errors.Is(err, store.ErrNoTables) { // a store that no worker has made yet
		return nil, nil
	}
	return runs, err
}

// Status implements [dashboard.Source].
func (s *source) Status(ctx context.Context, run string) (dashboard.Status, error) {
	return ask(ctx, s, func(db *store.Store) (dashboard.Status, error) {
		look, err := coordinator.Look(ctx, db, run)
		if err != nil {
			return dashboard.Status{}, err
		}
		return s.statusOf(look), nil
	})
}

func (s *source) statusOf(look coordinator.RunStatus) dashboard.Status {
	p := look.Progress()
	d := dashboard.Status{
		Run: look.Run, State: look.State(), Progress: p, Totals: look.Totals, Of: look.Of(), Shards: look.Shards,
		Waiting: len(look.Waiting()), Unowned: len(look.Unowned()), Idle: look.Idle(), Control: look.Control, At: look.At,
	}
	d.ETA = eta(p.Total-look.Totals.Items(), s.speed(look))
	fresh := map[string]bool{}
	for _, w := range look.Fresh() {
		fresh[w.Worker] = true
	}
	for _, w := range look.Work {
		worker := dashboard.Worker{Work: w, State: "silent"}
		switch {
		case w.Ended:
			worker.State = "ended"
		case fresh[w.Worker]:
			worker.State = "at work"
			worker.ETA = eta(w.Stats.Left, coordinator.ItemRate([]harvest.Work{w}))
		}
		d.Workers = append(d.Workers, worker)
	}
	return d
}

// speed returns how many items of a run end in a second: as seen from look to look, else as its
// workers report.
func (s *source) speed(look coordinator.RunStatus) float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	speed := s.speeds[look.Run.Name]
	if speed == nil {
		speed = &status.Speed{}
		s.speeds[look.Run.Name] = speed
	}
	speed.Add(look.At, look.Totals.Items())
	if perSecond := speed.PerSecond(); perSecond > 0 {
		return perSecond
	}
	return coordinator.ItemRate(look.Fresh())
}

// eta returns how long so many items take; 0 if it is not known.
func eta(left int64, perSecond float64) time.Duration {
	d, ok := status.ETA(left, perSecond)
	if !ok || left <= 0 {
		return 0
	}
	return d
}

// maxQuiets is how many silences are read: each worker reports those that it met.
const maxQuiets = 2000

// Sent implements [dashboard.Source].
func (s *source) Sent(ctx context.Context, run string, since int64) (dashboard.Sent, error) {
	return ask(ctx, s, func(db *store.Store) (sent dashboard.Sent, err error) {
		if sent.Minutes, err = db.ListMinutes(ctx, run, since); err != nil {
			return sent, err
		}
		sent.Quiets, err = db.ListQuiets(ctx, run, maxQuiets)
		return sent, err
	})
}

// Manners implements [dashboard.Source].
func (s *source) Manners(ctx context.Context, run string) (dashboard.Manners, error) {
	return ask(ctx, s, func(db *store.Store) (m dashboard.Manners, err error) {
		r, err := coordinator.CompileReport(ctx, db, run)
		if err != nil {
			return m, err
		}
		m = dashboard.Manners{
			Budget: r.Budget, Budgets: r.Budgets, Lowered: r.Lowered, Requests: r.Requests, Refused: r.Refused, WorstSecond: r.WorstSecond, WorstMinute: r.WorstMinute,
			Sending: r.Sending, Used: r.Used, Retries: r.Retries, Pauses: r.Pauses, Malformed: r.Malformed, Limits: r.Limits, Stages: r.Stages, WireBytes: r.WireBytes,
		}
		if r.WorstAt != nil {
			m.WorstAt = *r.WorstAt
		}
		return m, nil
	})
}

// Chains implements [dashboard.Source].
func (s *source) Chains(ctx context.Context, run string) (dashboard.Chains, error) {
	return ask(ctx, s, func(db *store.Store) (dashboard.Chains, error) {
		w, err := db.Walked(ctx, run)
		return dashboard.Chains{Listed: w.Longest > 0, Done: w.Done, Longest: w.Longest}, err
	})
}
