package listing

import (
	"errors"
	"fmt"
)

var (
	// ErrEmpty is the error of an enumeration that came to its end without one item.
	ErrEmpty = errors.New("nothing was enumerated: the corpus lists no item; are its address and its parameters right? (a wiki's prefix goes without the namespace's name)")
	// ErrCursor means that the upstream does not know any more where a chain was to continue.
	ErrCursor = errors.New("the upstream refuses the cursor")
	// ErrEnded means that the chain ends with a step of its own, after all that it has had.
	ErrEnded = errors.New("the listing ends here")
	// ErrParked is the error of a step that counts only if another chain takes one; until then its
	// chain waits.
	ErrParked = errors.New("no other listing continues")
	// ErrBroken means that the chain cannot be walked to its end.
	ErrBroken = errors.New("the listing cannot be walked to its end")
	// ErrStalled means that no process enumerates what we wait for.
	ErrStalled = errors.New("the corpus table does not grow")
	// ErrLimit means that as many steps have landed as --limit allows.
	ErrLimit = fmt.Errorf("%w: --limit is reached", ErrParked)
)

// parked is the error of a step that is held back: it is the walk's, if no chain can continue.
type parked struct{ error }

// Unwrap returns why.
func (p parked) Unwrap() error { return p.error }

// Is implements [errors.Is].
func (parked) Is(target error) bool { return target == ErrParked }
