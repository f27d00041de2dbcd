package dashboard

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestOneQuestionForAll asks once for all who look at once, and again only after a hundred times as
// long as the answer took.
func TestOneQuestionForAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		k := &kept[int]{ask: func(context.Context) (int, error) {
			asked++
			time.Sleep(100 * time.Millisecond)
			return asked, nil
		}}
		look := func() {
			var all sync.WaitGroup
			for range 20 {
				all.Go(func() { _, _, _ = k.get(t.Context(), time.Now(), time.Second) })
			}
			all.Wait()
		}
		for range 60 { // a minute
			look()
			time.Sleep(time.Second)
		}
		synctest.Wait()
		if asked < 5 || asked > 7 { // 10 s after each
			t.Errorf("asked %d times in a minute, want about 6", asked)
		}
	})
}

// TestSlowAnswersComeLater shows a page without an answer that takes longer than the reader waits.
func TestSlowAnswersComeLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		k := &kept[int]{ask: func(context.Context) (int, error) {
			time.Sleep(time.Second)
			return 7, nil
		}}
		if _, turn, err := k.get(t.Context(), time.Now(), 50*time.Millisecond); turn != 0 || err != nil {
			t.Errorf("get() before the answer = turn %d, %v, want 0, nil", turn, err)
		}
		time.Sleep(2 * time.Second)
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
		k := &kept[int]{ask: func(context.Context) (int, error) { return 1, fail }}
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
