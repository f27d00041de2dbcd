package worker

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
)

func TestFetchersEnterInTheOrderInWhichTheyCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s liveSemaphore
		var entered []int
		if err := s.acquire(t.Context(), 1); err != nil {
			t.Fatal(err)
		}
		for i := range 5 {
			go func() {
				for range 2 { // each comes back at once
					if s.acquire(t.Context(), 1) == nil {
						entered = append(entered, i) // one is inside at a time
						s.release()
					}
				}
			}()
			synctest.Wait()
		}
		s.release()
		synctest.Wait()
		if want := []int{0, 1, 2, 3, 4, 0, 1, 2, 3, 4}; !slices.Equal(entered, want) {
			t.Errorf("they entered in the order %v, want %v", entered, want)
		}
	})
}

func TestALargerLimitLetsWaitersIn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s liveSemaphore
		ctx, cancel := context.WithCancel(t.Context())
		for range 2 {
			go func() { _ = s.acquire(ctx, 1) }()
			synctest.Wait()
		}
		if err := s.acquire(ctx, 3); err != nil || s.inside != 3 {
			t.Errorf("acquire(3) = %v with %d inside, want nil and 3", err, s.inside)
		}
		cancel()
		if err := s.acquire(ctx, 3); !errors.Is(err, context.Canceled) || len(s.waiting) != 0 {
			t.Errorf("acquire() after the end = %v with %d waiting, want Canceled and none", err, len(s.waiting))
		}
	})
}
