package worker

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestPatience checks what ends the wait for a dependency.
func TestPatience(t *testing.T) {
	t.Parallel()
	errAway, errBroken := errors.New("away"), errors.New("broken")
	for _, test := range []struct {
		name  string
		limit time.Duration
		back  time.Duration // when it works again; 0: never
		then  error         // what it fails with from then on
		ends  time.Duration // when the context ends; 0: never
		err   error
		least time.Duration
		most  time.Duration
	}{
		{name: "it works again", limit: time.Minute, back: 20 * time.Second, least: 20 * time.Second, most: 40 * time.Second},
		{name: "it outlasts patience", limit: time.Minute, err: ErrPatience, least: time.Minute, most: 90 * time.Second},
		{name: "patience without an end", back: 24 * time.Hour, least: 24 * time.Hour, most: 25 * time.Hour},
		{name: "another error ends it at once", limit: time.Minute, back: 5 * time.Second, then: errBroken, err: errBroken, most: 10 * time.Second},
		{name: "the context ends it", limit: time.Hour, ends: 7 * time.Second, err: context.DeadlineExceeded, least: 7 * time.Second, most: 7 * time.Second},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if test.ends > 0 {
					short, cancel := context.WithTimeout(ctx, test.ends)
					defer cancel()
					ctx = short
				}
				began, sentences := time.Now(), 0
				p := Patience{Limit: test.limit, Say: func(string) { sentences++ }}
				err := p.Retry(ctx, "it", func(err error) bool { return errors.Is(err, errAway) }, func() error {
					if test.back > 0 && time.Since(began) >= test.back {
						return test.then
					}
					return errAway
				})
				if !errors.Is(err, test.err) {
					t.Errorf("Retry() = %v, want %v", err, test.err)
				}
				if took := time.Since(began); took < test.least || took > test.most {
					t.Errorf("Retry() took %s, want %s to %s", took, test.least, test.most)
				}
				if sentences != 1 {
					t.Errorf("Retry() said %d sentences, want 1", sentences)
				}
			})
		})
	}
}

// TestAsk checks that an answer comes from the last try.
func TestAsk(t *testing.T) {
	t.Parallel()
	tries := 0
	twice := func(_ context.Context, do func() error) error {
		if err := do(); err == nil {
			t.Error("the first try succeeds")
		}
		return do()
	}
	got, err := Ask(t.Context(), twice, func() (int, error) {
		if tries++; tries == 1 {
			return 0, errAway
		}
		return tries, nil
	})
	if got != 2 || err != nil {
		t.Errorf("Ask() = %d, %v, want 2", got, err)
	}
}
