package listing

import (
	"errors"
	"fmt"

	"shoal/internal/exchange"
)

var (
	// ErrTaken is of a step that another process took before it was committed. The chain is to be read again.
	ErrTaken = errors.New("another process took this step")
	// ErrEmpty is of an enumeration that came to its end without one item.
	ErrEmpty = errors.New("nothing was enumerated: the corpus lists no item; are its address and its parameters right? (a wiki's prefix goes without the namespace's name)")
	// ErrCursor says that the upstream does not know any more where a chain was to go on.
	ErrCursor = errors.New("the upstream refuses the cursor")
	// ErrEnded says that the chain ends with a step of its own, behind all that it has had.
	ErrEnded = errors.New("the listing ends here")
	// ErrParked is of a step of which it shows only when another chain has taken one whether it counts; until then its chain waits.
	ErrParked = errors.New("no other listing goes on")
	// ErrBroken says that the chain cannot be walked to its end.
	ErrBroken = errors.New("the listing cannot be walked to its end")
	// ErrStalled says that no process enumerates what we wait for.
	ErrStalled = errors.New("the corpus table does not grow")
	// ErrLimit says that as many steps have landed as were to land.
	ErrLimit = fmt.Errorf("%w: --limit is reached", ErrParked)
)

// parked is the error of a step that is held back: it is the walk's, if no chain can go on.
type parked struct{ *exchange.Refused }

// Is implements errors.Is.
func (parked) Is(target error) bool { return target == ErrParked }
