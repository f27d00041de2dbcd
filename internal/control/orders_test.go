package control

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"shoal/internal/harvest"
)

// pace records its orders, in order.
type pace struct {
	mu   sync.Mutex
	told []string
	fail error
}

func (p *pace) tell(format string, args ...any) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.told = append(p.told, fmt.Sprintf(format, args...))
	return p.fail
}

// all returns its orders so far.
func (p *pace) all() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.told)
}

func (p *pace) SetRate(_ context.Context, host string, rate float64, by string) error {
	return p.tell("rate %s %g %s", host, rate, by)
}

func (p *pace) Hold(_ context.Context, host string, length time.Duration) error {
	return p.tell("hold %s %s", host, length)
}

func (p *pace) Confirm(order Order) {
	_ = p.tell("confirm %g %s %s", order.Rate, order.Hold, order.Silence)
}

// TestApply checks what each row of the store does to the pace and to the process.
func TestApply(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name    string
		leads   bool
		rows    []harvest.Control
		want    []string
		stopped string
	}{
		{name: "no order changes nothing", rows: []harvest.Control{{}}, want: []string{"confirm 0 0s 0s"}},
		{name: "a rate is set", rows: []harvest.Control{{Rate: "600/min", By: "ada", At: at}}, want: []string{"confirm 10 0s 0s", "hold h 0s", "rate h 10 ada"}},
		{name: "a rate that cannot be read is none", rows: []harvest.Control{{Rate: "fast", By: "ada", At: at}}, want: []string{"confirm 0 0s 0s", "hold h 0s"}},
		{name: "a pause without an end is a long one", rows: []harvest.Control{{Hold: harvest.Forever, At: at}}, want: []string{"confirm 0 -1ns 0s", "hold h 87600h0m0s"}},
		{name: "the same order is applied once", rows: []harvest.Control{{Hold: time.Minute, At: at}, {Hold: time.Minute, At: at}},
			want: []string{"confirm 0 1m0s 0s", "hold h 1m0s", "confirm 0 1m0s 0s"}},
		{name: "the upstream's silence is confirmed", rows: []harvest.Control{{Silence: time.Hour}}, want: []string{"confirm 0 0s 1h0m0s"}},
		{name: "a drain stops a worker", rows: []harvest.Control{{DrainAt: at, DrainBy: "ada"}}, want: []string{"confirm 0 0s 0s"}, stopped: "ada"},
		{name: "the first drainer is named", rows: []harvest.Control{{DrainAt: at, DrainBy: "ada"}, {DrainAt: at, DrainBy: "bob"}},
			want: []string{"confirm 0 0s 0s", "confirm 0 0s 0s"}, stopped: "ada"},
		{name: "a drain does not stop the leader", leads: true, rows: []harvest.Control{{DrainAt: at, DrainBy: "ada"}}, want: []string{"confirm 0 0s 0s"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			p := &pace{}
			o := New(nil, test.leads)
			defer o.Close()
			o.Attach(t.Context(), "h", p, p)
			for _, row := range test.rows {
				o.apply(t.Context(), at, row)
			}
			if got := p.all(); !slices.Equal(got, test.want) {
				t.Errorf("the pace was told %q, want %q", got, test.want)
			}
			last := test.rows[len(test.rows)-1]
			if got := o.Draining(); got != !last.DrainAt.IsZero() {
				t.Errorf("Draining() = %v", got)
			}
			if got := o.StoppedBy(); got != test.stopped {
				t.Errorf("StoppedBy() = %q, want %q", got, test.stopped)
			}
			if got := isClosed(o.Stop()); got != (test.stopped != "") {
				t.Errorf("Stop() is closed: %v, want %v", got, test.stopped != "")
			}
		})
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// TestApplyAgainAfterAnError checks that an order is repeated until the pace of the fleet has it.
func TestApplyAgainAfterAnError(t *testing.T) {
	t.Parallel()
	p := &pace{fail: errors.New("redis is away")}
	o := New(nil, false)
	defer o.Close()
	row := harvest.Control{Rate: "5/s", By: "ada", At: time.Unix(1, 0)}
	o.apply(t.Context(), time.Unix(1, 0), row) // before there is a pace
	o.Attach(t.Context(), "h", p, p)
	p.fail = nil
	for range 3 {
		o.apply(t.Context(), time.Unix(1, 0), row)
	}
	got := strings.Join(slices.DeleteFunc(p.all(), func(s string) bool { return strings.HasPrefix(s, "confirm") }), ", ")
	if want := "hold h 0s, rate h 5 ada, hold h 0s, rate h 5 ada"; got != want {
		t.Errorf("the pace was told %s, want %s", got, want)
	}
}

// TestSignal checks that a signal stops the process and that no operator is named for it.
func TestSignal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		signal := make(chan struct{})
		o := New(signal, false)
		close(signal)
		synctest.Wait()
		if !isClosed(o.Stop()) {
			t.Error("Stop() is open after a signal")
		}
		o.apply(t.Context(), time.Now(), harvest.Control{DrainAt: time.Now(), DrainBy: "ada"})
		if by := o.StoppedBy(); by != "" {
			t.Errorf("StoppedBy() after a signal = %q", by)
		}
	})
}

// TestExcuse states which end of a process an operator ordered.
func TestExcuse(t *testing.T) {
	t.Parallel()
	errStopped := errors.New("stopped")
	for _, test := range []struct {
		name    string
		ordered bool
		err     error
		by      string
		rest    error
	}{
		{"an order", true, fmt.Errorf("walk: %w", errStopped), "ada", nil},
		{"a signal", false, errStopped, "", errStopped},
		{"another error, after an order", true, errors.ErrUnsupported, "", errors.ErrUnsupported},
		{"an end, after an order", true, nil, "", nil},
	} {
		o := New(nil, false)
		if test.ordered {
			o.apply(t.Context(), time.Now(), harvest.Control{DrainAt: time.Now(), DrainBy: "ada"})
		}
		if by, rest := o.Excuse(test.err, errStopped); by != test.by || !errors.Is(rest, test.rest) || (rest == nil) != (test.rest == nil) {
			t.Errorf("%s: Excuse() = %q, %v, want %q, %v", test.name, by, rest, test.by, test.rest)
		}
		o.Close()
	}
}

// row is a store of one row, which an operator may change.
type row struct {
	mu      sync.Mutex
	control harvest.Control
	err     error
}

func (r *row) Control(context.Context, string) (harvest.Control, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.control, r.err
}

func (r *row) set(c harvest.Control, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.control, r.err = c, err
}

var errAway = errors.New("away")

func isAway(err error) bool { return errors.Is(err, errAway) }

// again retries each second.
func again(_ context.Context, _ string, temporary func(error) bool, do func() error) error {
	for {
		err := do()
		if err == nil || !temporary(err) {
			return err
		}
		time.Sleep(time.Second)
	}
}

// TestBegin checks which start waits for coordinator resume, and what a person is shown.
func TestBegin(t *testing.T) {
	t.Parallel()
	run := harvest.Run{Name: "r", Inputs: harvest.Inputs{Host: "h"}}
	drained := harvest.Control{DrainAt: time.Unix(1, 0), DrainBy: "ada"}
	for _, test := range []struct {
		name  string
		leads bool
		first harvest.Control
		away  error
		waits bool
		want  []string
		err   error
	}{
		{name: "no order"},
		{name: "a worker waits while the run is drained", first: drained, waits: true},
		{name: "the leader does not wait", leads: true, first: drained},
		{name: "a store that is away is asked again", away: errAway, waits: true},
		{name: "any other error ends it", away: errors.ErrUnsupported, err: errors.ErrUnsupported},
		{name: "a pause is shown", first: harvest.Control{Hold: time.Minute, By: "ada"}, want: []string{"h is paused by ada: coordinator resume ends that"}},
		{name: "a silence is shown", first: harvest.Control{Silence: 3 * time.Minute},
			want: []string{"h asked for silence for another 3 minutes: coordinator resume --host h ends that, if you know better"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				o := New(nil, test.leads)
				defer o.Close()
				began := time.Now()
				store := &row{control: test.first, err: test.away}
				if test.waits {
					time.AfterFunc(time.Minute, func() { store.set(harvest.Control{}, nil) })
				}
				got, err := o.Begin(t.Context(), store, run, isAway, again)
				if !slices.Equal(got, test.want) || !errors.Is(err, test.err) {
					t.Errorf("Begin() = %q, %v, want %q, %v", got, err, test.want, test.err)
				}
				if waited := time.Since(began) >= time.Minute; waited != test.waits {
					t.Errorf("Begin() took %s", time.Since(began))
				}
			})
		})
	}
}

// TestFollow checks that an order reaches the process within a second, and that the last one holds
// while the store is unreachable.
func TestFollow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &row{control: harvest.Control{Rate: "5/s", By: "ada", At: time.Unix(1, 0)}}
		p := &pace{}
		o := New(nil, false)
		defer o.Close()
		o.Attach(t.Context(), "h", p, p)
		ctx, end := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			o.Follow(ctx, store, "r")
		}()
		time.Sleep(time.Second)
		if got := p.all(); !slices.Contains(got, "rate h 5 ada") {
			t.Errorf("after a second the pace was told %q", got)
		}
		drain := harvest.Control{DrainAt: time.Now(), DrainBy: "ada"}
		store.set(drain, errAway)
		time.Sleep(time.Second)
		if o.Draining() {
			t.Error("Draining() while the store is away")
		}
		store.set(drain, nil)
		time.Sleep(time.Second)
		if by := o.StoppedBy(); by != "ada" || !isClosed(o.Stop()) {
			t.Errorf("StoppedBy() = %q within a second of the order", by)
		}
		end()
		<-done
	})
}
