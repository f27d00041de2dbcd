package harvest

import (
	"errors"
	"fmt"
)

// ErrUsage is matched by every error that the operator has to fix: exit code 2.
var ErrUsage = errors.New("usage")

// errBelow is what the lines below a usage error belong to: its text is repeated already.
var errBelow = errors.New("")

// usageError is a sentence for the operator; its text does not repeat that of ErrUsage.
type usageError struct {
	text  string
	below *Detailed // the lines of an error that the text repeats
}

func (e *usageError) Error() string { return e.text }

func (e *usageError) Is(target error) bool { return target == ErrUsage }

// Unwrap gives the lines that may be printed as such.
func (e *usageError) Unwrap() error {
	if e.below == nil {
		return nil
	}
	return e.below
}

// Usagef makes an error that matches ErrUsage. The text is a sentence about
// what to do, and holds no secret.
func Usagef(format string, args ...any) error {
	usage := &usageError{text: fmt.Sprintf(format, args...)}
	for _, arg := range args {
		err, ok := arg.(error)
		if !ok {
			continue
		}
		if detailed, ok := errors.AsType[*Detailed](err); ok {
			usage.below = &Detailed{Err: errBelow, Below: detailed.Below}
		}
	}
	return usage
}
