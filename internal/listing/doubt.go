package listing

import (
	"context"
	"errors"
	"slices"
	"sync"

	"shoal/internal/harvest"
)

// Doubt holds back the chains of a listing that end with their first step although the answer has a
// sign that it continues: a misspelt --next would end every one of them so. If some chain
// continues, --next is right, and they end where they ended.
type Doubt struct {
	Off bool // nothing is held back
	// Proven reports whether some chain has continued before, here or elsewhere; it is called when
	// there is a doubt.
	Proven func(ctx context.Context) (bool, error)

	mu     sync.Mutex
	proven bool
	found  []string
}

// NewDoubt doubts --next until some chain of the run has taken a second step. Off: nothing is held
// back. A nil longest: there is neither a run nor a doubt.
func NewDoubt(off bool, run string, longest Longest) *Doubt {
	return &Doubt{Off: off, Proven: func(ctx context.Context) (bool, error) {
		if longest == nil {
			return true, nil
		}
		walked, err := longest.Walked(ctx, run)
		return walked.Longest > 1, err
	}}
}

// doubtful parks a chain, and is a refusal if no other continues.
type doubtful struct{ doubt *Doubt }

// Is implements [errors.Is].
func (doubtful) Is(target error) bool { return target == ErrParked || target == ErrBroken }

// Error implements error.
func (e doubtful) Error() string { return e.detailed().Error() }

// As gives the lines that may be printed as such.
func (e doubtful) As(target any) bool {
	detailed, ok := target.(**harvest.Detailed)
	if ok {
		*detailed = e.detailed()
	}
	return ok
}

// detailed names the signs that were found.
func (e doubtful) detailed() *harvest.Detailed {
	e.doubt.mu.Lock()
	defer e.doubt.mu.Unlock()
	said := errors.New("--next yields nothing for the first answer of every listing, and yet they look as if they went on; nothing of these was recorded. " +
		"Is --next right? (look with --try 1; --no-canary takes them for complete)")
	return &harvest.Detailed{Err: said, Below: slices.Clone(e.doubt.found)}
}

// Step notes where the step of a chain continues, and the sign that it continues if it ends. An
// [ErrParked] holds the chain back.
func (d *Doubt) Step(ctx context.Context, url, then, more string) error {
	d.mu.Lock()
	d.proven = d.proven || then != ""
	sure := d.Off || d.proven || more == ""
	d.mu.Unlock()
	if sure || d.settled(ctx) {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.found) < maxExamples {
		d.found = append(d.found, harvest.Printable(url+" has "+more))
	}
	return doubtful{d}
}

// Release reports whether chains that were held back can continue, since --next was found to be
// right. It does so once for those that have been held back so far.
func (d *Doubt) Release(ctx context.Context) bool {
	d.mu.Lock()
	held := len(d.found) > 0
	d.mu.Unlock()
	if !held || !d.settled(ctx) {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.found = nil
	return true
}

// settled reports whether --next was found to be right.
func (d *Doubt) settled(ctx context.Context) bool {
	proven, err := d.Proven(ctx)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.proven = d.proven || proven && err == nil
	return d.proven
}
