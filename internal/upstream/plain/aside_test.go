package plain

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"shoal/internal/harvest"
)

// end is the error of a job that did not come to an end of its own.
type end struct{ begun bool }

func (end) Error() string { return "ended" }
func (e end) Begun() bool { return e.begun }

// asideFake ends each job with an error.
type asideFake struct{ err error }

func (a asideFake) Do(time.Duration, func([]byte) error, ...[]byte) error { return a.err }

// TestEndedAside states what becomes of an item whose job, in another process, does not come to an
// end of its own.
func TestEndedAside(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		err     error
		outcome harvest.Outcome
		records int
	}{
		{"a job that could not begin runs here", fmt.Errorf("%w: no memory", end{}), harvest.Landed, 1},
		{"a job that had begun is not begun again", fmt.Errorf("%w after 1s", end{begun: true}), harvest.Skipped, 0},
		{"an error of the expression is one", errors.New("cannot iterate over null"), harvest.Skipped, 0},
	} {
		u, err := New(Config{Extract: ".s | ascii_downcase", Aside: asideFake{test.err}})
		if err != nil {
			t.Fatal(err)
		}
		item := harvest.Item{Key: harvest.KeyOf("x"), URL: "https://h/x"}
		r := u.Read(&harvest.Request{Items: []harvest.Item{item}}, harvest.NewAnswer(harvest.Answer{Status: 200, Body: []byte(`{"s":"A"}`)}, nil))
		if len(r.Pages) != 1 || r.Pages[0].Outcome != test.outcome || len(r.Pages[0].Records) != test.records {
			t.Errorf("%s: Read() = %+v, want a page that is %s with %d records", test.name, r, test.outcome, test.records)
		}
	}
	for want, err := range map[error]error{ErrStuck: end{begun: true}, ErrNoProcess: end{}, errors.ErrUnsupported: errors.ErrUnsupported} {
		if got := judged(fmt.Errorf("%w: why", err)); !errors.Is(got, want) || !errors.Is(got, err) {
			t.Errorf("judged(%v) = %v, want %v", err, got, want)
		}
	}
	if err := judged(nil); err != nil {
		t.Errorf("judged(nil) = %v", err)
	}
}
