package dashboard

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestAHundredthForAll lets 20 visitors look at five large runs for an hour: what the store spends
// on it, apart from the first answers, is one part in share.
func TestAHundredthForAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var shared purse
		spent, asked := time.Duration(0), 0
		var all []*kept[int]
		var mu sync.Mutex
		for i := range 5 {
			cost := time.Duration(i+1) * 100 * time.Millisecond
			all = append(all, &kept[int]{purse: &shared, ask: func(context.Context) (int, error) {
				time.Sleep(cost)
				mu.Lock()
				defer mu.Unlock()
				spent, asked = spent+cost, asked+1
				return asked, nil
			}})
		}
		for range 3600 {
			var visitors sync.WaitGroup
			for range 20 {
				for _, k := range all {
					visitors.Go(func() { _, _, _ = k.get(t.Context(), time.Now(), 0) })
				}
			}
			visitors.Wait()
			time.Sleep(time.Second)
		}
		synctest.Wait()
		const first = 1500 * time.Millisecond
		if part := (spent - first).Seconds() / 3600; part > 1.1/share || asked < 30 {
			t.Errorf("the store spent %.4f of the time in %d answers, want one part in %d", part, asked, share)
		}
	})
}

// TestSlowAnswersComeLater shows a page without an answer that takes longer than the reader waits.
func TestSlowAnswersComeLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := &kept[int]{purse: &purse{}, ask: func(context.Context) (int, error) {
			time.Sleep(time.Second)
			return 7, nil
		}}
		if _, turn, err := k.get(t.Context(), time.Now(), 50*time.Millisecond); turn != 0 || err != nil {
			t.Errorf("get() before the answer = turn %d, %v, want 0, nil", turn, err)
		}
		time.Sleep(1500 * time.Millisecond)
		if got, turn, err := k.get(t.Context(), time.Now(), 0); got != 7 || turn != 1 || err != nil {
			t.Errorf("get() after it = %d, turn %d, %v, want 7, 1, nil", got, turn, err)
		}
	})
}

// TestTroubleKeepsTheLastAnswer shows the last answer beside the error.
func TestTroubleKeepsTheLastAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var fail error
		k := &kept[int]{purse: &purse{}, ask: func(context.Context) (int, error) { return 1, fail }}
		_, _, _ = k.get(t.Context(), time.Now(), time.Second)
		fail = errors.New("away")
		time.Sleep(minAge)
		_, _, _ = k.get(t.Context(), time.Now(), time.Second)
		synctest.Wait()
		if got, _, err := k.get(t.Context(), time.Now(), time.Second); got != 1 || !errors.Is(err, fail) {
			t.Errorf("get() = %d, %v, want 1 and the error", got, err)
		}
	})
}
