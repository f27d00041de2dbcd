package worker

import (
	"context"
	"time"
)

// Interruptible takes the steps one after the other; a signal, which closes stop, ends them with
// [ErrStopped]. What they open lives as long as ctx.
func Interruptible(ctx context.Context, stop <-chan struct{}, steps ...func(context.Context) error) error {
	life, end := context.WithCancelCause(ctx)
	done := make(chan struct{})
	defer close(done)
	go func() {
		select {
		case <-stop:
			end(ErrStopped)
		case <-done: // from here on it is ended with its parent
		}
	}()
	for _, step := range steps {
		if err := step(life); err != nil {
			if cause := context.Cause(life); cause != nil {
				return cause
			}
			return err
		}
	}
	return nil
}

// UntilStopped returns a context that ends with [ErrStopped] this long after the signal.
func UntilStopped(ctx context.Context, stop <-chan struct{}, after time.Duration) (context.Context, context.CancelFunc) {
	ctx, end := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-stop:
			time.AfterFunc(after, func() { end(ErrStopped) })
		case <-ctx.Done():
		}
	}()
	return ctx, func() { end(nil) }
}
