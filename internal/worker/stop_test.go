package worker

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// TestInterruptible states which steps are taken, and with which error they end.
func TestInterruptible(t *testing.T) {
	t.Parallel()
	fail := func(context.Context) error { return errors.ErrUnsupported }
	wait := func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	}
	pass := func(context.Context) error { return nil }
	for _, test := range []struct {
		name   string
		first  func(context.Context) error
		signal bool
		taken  []int
		want   error
	}{
		{name: "all steps", first: pass, taken: []int{1, 2}},
		{name: "a step fails", first: fail, taken: []int{1}, want: errors.ErrUnsupported},
		{name: "a signal ends a step", first: wait, signal: true, taken: []int{1}, want: ErrStopped},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				stop, opened := make(chan struct{}), context.Context(nil)
				if test.signal {
					time.AfterFunc(time.Second, func() { close(stop) })
				}
				var taken []int
				err := Interruptible(t.Context(), stop,
					func(ctx context.Context) error {
						taken, opened = append(taken, 1), ctx
						return test.first(ctx)
					},
					func(context.Context) error {
						taken = append(taken, 2)
						return nil
					})
				if !errors.Is(err, test.want) || !slices.Equal(taken, test.taken) {
					t.Errorf("Interruptible() = %v after the steps %v, want %v after %v", err, taken, test.want, test.taken)
				}
				if ended := opened.Err() != nil; ended != test.signal {
					t.Errorf("what the steps opened has ended: %v, want %v", ended, test.signal)
				}
			})
		})
	}
}

// TestUntilStopped checks that a context outlives the signal by what it is given, and no more.
func TestUntilStopped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stop := make(chan struct{})
		ctx, end := UntilStopped(t.Context(), stop, 4*time.Second)
		defer end()
		time.AfterFunc(time.Minute, func() { close(stop) })
		began := time.Now()
		<-ctx.Done()
		if after := time.Since(began); after != time.Minute+4*time.Second || !errors.Is(context.Cause(ctx), ErrStopped) {
			t.Errorf("it ended after %s with %v, want 1m4s and %v", after, context.Cause(ctx), ErrStopped)
		}
	})
}

// TestRetryAnew checks that only a try that had no answer for all of the patience ends it.
func TestRetryAnew(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		held  time.Duration // how long the first try waits for its owner before the store goes away
		tries int
		want  error
	}{
		{"the store is away from the start", 0, 1, ErrPatience},
		{"it goes away after hours of waiting", 3 * time.Hour, 2, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				began, back := time.Now(), 10*time.Minute
				patience := Patience{Limit: 5 * time.Minute, Say: func(string) {}}
				tries, first := 0, true
				err := patience.RetryAnew(t.Context(), func(ctx context.Context) error {
					tries++
					return patience.Retry(ctx, "the store", func(error) bool { return true }, func() error {
						if first {
							first = false
							time.Sleep(test.held)
						}
						if time.Since(began) < test.held+back {
							return errors.ErrUnsupported
						}
						return nil
					})
				})
				if !errors.Is(err, test.want) || tries != test.tries {
					t.Errorf("RetryAnew() = %v after %d tries, want %v after %d", err, tries, test.want, test.tries)
				}
			})
		})
	}
}
