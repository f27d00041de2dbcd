package doctor

import (
	"context"
	"sync"
	"time"
)

// leave is how long a look whose limit has come may take to report why, before it is left behind.
const leave = 500 * time.Millisecond

// Examine looks at all groups at the same time and returns their lines in the order of the groups.
// code maps the error that a worker would meet to its exit code. It ends once each row has ended or
// reached its limit, whatever hangs.
func Examine(ctx context.Context, groups []Group, code func(error) int) Report {
	all := map[string]*cell{}
	for _, group := range groups {
		for _, row := range group.Rows {
			all[row.Name] = &cell{done: make(chan struct{})}
		}
	}
	var looking sync.WaitGroup
	for _, group := range groups {
		looking.Go(func() {
			hung := ""
			for _, row := range group.Rows {
				c := all[row.Name]
				began := time.Now()
				f, left := unknown("%s has not ended", hung), false
				if hung == "" { // else it may still write what this row would read
					f, left = row.find(ctx, all)
				}
				if left {
					hung = row.About + " (" + row.Name + ")"
				}
				c.line = row.line(group, f, time.Since(began), code)
				close(c.done)
			}
		})
	}
	looking.Wait()
	r := Report{Verdict: OK}
	for _, group := range groups {
		r.places = append(r.places, place{group.Name, group.At})
		for _, row := range group.Rows {
			r.add(all[row.Name].line)
		}
	}
	return r
}

// cell is the line of a row, once done is closed.
type cell struct {
	done chan struct{}
	line Line
}

// find waits for the rows that this one needs, and looks. left reports that the look hangs, and was
// left behind.
func (r Row) find(ctx context.Context, all map[string]*cell) (f Finding, left bool) {
	for _, name := range r.Needs {
		need, ok := all[name]
		if !ok {
			continue
		}
		<-need.done
		if v := need.line.Verdict; v == Fault || v == NotChecked {
			return because(need.line), false
		}
	}
	limit := r.Limit
	if limit == 0 {
		limit = Limit
	}
	bound, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	found := make(chan Finding, 1)
	go func() { found <- r.Look(bound) }()
	last := time.NewTimer(limit + leave)
	defer last.Stop()
	select {
	case f := <-found:
		return f, false
	case <-ctx.Done():
	case <-last.C:
	}
	return expired(ctx, limit), true
}

func (r Row) line(g Group, f Finding, took time.Duration, code func(error) int) Line {
	l := Line{Service: g.Name, Check: r.Name, About: r.About, Verdict: f.Verdict, Found: f.Found, Seconds: took.Round(time.Microsecond).Seconds(), err: f.Err, after: f.after}
	if f.Verdict == Warning || f.Verdict == Fault {
		l.Change = f.Change
		if l.Change == "" {
			l.Change = r.Change
		}
	}
	if f.Verdict == Fault {
		l.Code = code(f.Err)
	}
	return l
}
