package fetch

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestWatchdog(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		headers time.Duration // when they come; 0: never
		perSec  int64         // bytes of body from then on
		after   time.Duration // when the exchange is given up
		want    error
	}{
		{"no headers", 0, 0, 20 * time.Second, errNoHeaders},
		{"one byte a second", time.Second, 1, 11 * time.Second, errTooSlow},
		{"nothing", time.Second, 0, 11 * time.Second, errTooSlow},
		{"enough, but for ever", time.Second, 2 * DefaultMinRate, 60 * time.Second, errDeadline},
		{"late headers, then too little", 19 * time.Second, 5, 29 * time.Second, errTooSlow},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := &Client{cfg: Config{Timeout: time.Minute, HeaderTimeout: 20 * time.Second, MinRate: DefaultMinRate}}
				ctx, cancel := context.WithCancelCause(t.Context())
				start := time.Now()
				dog := c.watch(cancel)
				if row.headers > 0 {
					time.AfterFunc(row.headers, dog.headersCame)
				}
				tick := time.NewTicker(time.Second)
				defer tick.Stop()
				for ctx.Err() == nil {
					select {
					case <-tick.C:
						if row.headers > 0 && time.Since(start) > row.headers {
							dog.wire.Add(row.perSec)
						}
					case <-ctx.Done():
					}
				}
				if got := context.Cause(ctx); !errors.Is(got, row.want) || time.Since(start).Round(time.Second) != row.after {
					t.Errorf("given up after %v: %v, want after %v: %v", time.Since(start), got, row.after, row.want)
				}
			})
		})
	}
}
