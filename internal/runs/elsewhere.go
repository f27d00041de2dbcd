package runs

import (
	"context"
	"errors"
	"time"

	"shoal/internal/harvest"
)

// elsewhere is the mistake of a corpus that cannot be read here.
type elsewhere struct{ error }

// Unwrap gives the sentence.
func (e elsewhere) Unwrap() error { return e.error }

// Elsewhere explains a mistake in the corpus of a run that the start did not name: it cannot be
// read here. Any other error stays. The flag is the one that names the store to another command.
func Elsewhere(name string, err error, storeFlag string) error {
	if !errors.Is(err, harvest.ErrUsage) {
		return err
	}
	return elsewhere{harvest.Usagef("the corpus of run %s is not here (%v). In the folder where it is, type this once, then start the workers again; it needs no credential: coordinator enumerate --run %s%s", name, err, name, storeFlag)}
}

const (
	// untilInTable is how long a corpus that is not here may take to be in the table of its run,
	// which is opened before its table is begun.
	untilInTable = 10 * time.Second
	lookEvery    = 500 * time.Millisecond
)

// UntilHere opens the corpus of a run, again for a moment while it is [Elsewhere] and another
// process may put it into the store. If ctx ends before, it returns the cause.
func UntilHere(ctx context.Context, waits bool, say func(sentence string), open func() error) error {
	noted := false
	for began := time.Now(); ; {
		err := open()
		if _, away := errors.AsType[elsewhere](err); !away || !waits || time.Since(began) >= untilInTable {
			return err
		}
		if !noted {
			noted = true
			say("waiting for the corpus: " + err.Error())
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(lookEvery):
		}
	}
}
