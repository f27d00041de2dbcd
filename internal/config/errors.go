package config

import (
	"errors"
	"fmt"
)

// ErrUsage is matched by every error that the operator has to mend: exit code 2.
var ErrUsage = errors.New("usage")

// usageError is a sentence for the operator; it says nothing about ErrUsage itself.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

func (e *usageError) Is(target error) bool { return target == ErrUsage }

// Usagef makes an error that matches ErrUsage. The text is a sentence that says
// what to do, and holds no secret.
func Usagef(format string, args ...any) error {
	return &usageError{text: fmt.Sprintf(format, args...)}
}
