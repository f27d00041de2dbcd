package worker

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"shoal/internal/harvest"
)

// WorkStore keeps what processes report of themselves.
type WorkStore interface {
	// SaveWork replaces what the process reported before. A report that is not kept is followed by
	// the next one.
	SaveWork(ctx context.Context, work harvest.Work) error
}

// Reports reports in the store what a process does.
type Reports struct {
	Store    WorkStore
	Run      string
	Worker   string // names the process
	Began    time.Time
	Auto     bool // it takes one free shard after the other
	Progress *ProcessProgress
	Log      *slog.Logger
}

// Owner leads a person to the process: host and process id.
func Owner() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown-host"
	}
	return fmt.Sprintf("%s:%d", host, os.Getpid())
}

// ProcessName names this process, which began at that instant, among all that ever worked on a run.
func ProcessName(began time.Time) string { return fmt.Sprintf("%s@%d", Owner(), began.UnixMicro()) }

// Save reports what the process has done so far. ended means that it leaves.
func (r Reports) Save(ctx context.Context, limit time.Duration, ended bool) {
	work := harvest.Work{Run: r.Run, Worker: r.Worker, Started: r.Began, Ended: ended}
	p, counters := r.Progress.Of(), r.Progress.Counters
	if p.Shard.Of > 0 && !ended {
		work.Shard = p.Shard.String()
	}
	work.Stats, work.Minutes = counters.Take(p)
	work.Stats.Auto, work.Stats.Version, work.Quiets = r.Auto, harvest.Version(), counters.Quiets()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := r.Store.SaveWork(ctx, work); err != nil {
		r.Log.Debug("the store did not take this worker's report", "error", err)
		return
	}
	counters.Saved(work.Minutes, time.Now())
	counters.SavedQuiets(work.Quiets)
}

// Start reports every [harvest.ReportEvery]. The returned function ends that with a last report,
// which may take as long as lastWord.
func (r Reports) Start(ctx context.Context, lastWord time.Duration) (stop func()) {
	life, end := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(harvest.ReportEvery)
		defer tick.Stop()
		for {
			select {
			case <-life.Done():
				return
			case <-tick.C:
				r.Save(life, harvest.ReportEvery, false)
			}
		}
	}()
	return func() {
		end()
		<-done
		r.Save(context.WithoutCancel(ctx), lastWord, true)
	}
}
