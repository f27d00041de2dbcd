package listing

import (
	"context"
	"fmt"
	"iter"
	"strconv"

	"shoal/internal/harvest"
)

// stepEntries is how many entries of a stream are one step.
const stepEntries = 5000

// Stream lists a corpus that can only be read from its beginning: a file, standard input. A step
// continues after a number of entries from the start.
type Stream struct {
	next func() (harvest.Entry, error, bool)
	stop func()
	at   int64
	end  error // met when entries of the same step were read already
}

// NewStream lists the entries. The caller must close it.
func NewStream(entries iter.Seq2[harvest.Entry, error]) *Stream {
	next, stop := iter.Pull2(entries)
	return &Stream{next: next, stop: stop}
}

// Close ends the reading.
func (s *Stream) Close() { s.stop() }

// List implements [Lister].
func (s *Stream) List(ctx context.Context, at harvest.Chain) (entries []harvest.Entry, then string, err error) {
	from, err := strconv.ParseInt("0"+at.Next, 10, 64)
	if err != nil || from < s.at {
		return nil, "", fmt.Errorf("continue at entry %q of a corpus that was read to entry %d: start again", at.Next, s.at)
	}
	for len(entries) < stepEntries {
		if s.end != nil {
			return nil, "", s.end
		}
		if err := ctx.Err(); err != nil {
			return nil, "", context.Cause(ctx)
		}
		entry, err, ok := s.next()
		switch {
		case !ok && s.at < from:
			return nil, "", fmt.Errorf("the corpus has %d entries, %d were enumerated before: it is not the same", s.at, from)
		case !ok:
			return entries, "", nil
		case err != nil && len(entries) > 0: // these are good, and come first
			s.end = err
			return entries, strconv.FormatInt(s.at, 10), nil
		case err != nil:
			return nil, "", err
		}
		s.at++
		if s.at <= from {
			continue
		}
		entries = append(entries, entry)
	}
	return entries, strconv.FormatInt(s.at, 10), nil
}
