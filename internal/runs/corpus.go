package runs

import (
	"context"
	"fmt"
	"time"

	"shoal/internal/harvest"
)

// Pass is what one full pass over a corpus found.
type Pass struct {
	Count  int64  // items
	Sum    string // Digest.Sum of all of them
	Prefix string // Digest.Sum of as many as the run had before
	Before int64  // how many the run had before
}

// PassOf returns the pass of this digest over the corpus of a run that had so many items before.
// prefix is the digest of those.
func PassOf(digest harvest.Digest, prefix string, before int64) Pass {
	return Pass{Count: digest.Count, Sum: digest.Sum(), Prefix: prefix, Before: before}
}

// Compare judges the corpus of a pass by that of the run: the first pass is accepted, and so is the
// same corpus again and one that only grew at its end. known is set where there is nothing to
// record.
func (p Pass) Compare(run harvest.Run) (known bool, err error) {
	grew := p.Count > run.CorpusItems && run.CorpusItems == p.Before && p.Prefix == run.CorpusSum
	switch {
	case run.CorpusSum == "", grew:
		return false, nil
	case p.Count == run.CorpusItems && p.Sum == run.CorpusSum:
		return true, nil
	}
	return false, fmt.Errorf("%w: the corpus is not the one that run %s was opened with (%d items then, %d now, and not just more at its end); "+
		"what was fetched has landed; open a new run for it with --run NAME, or go back to the old corpus",
		harvest.ErrIncomplete, run.Name, run.CorpusItems, p.Count)
}

// Digests keeps the digest of a run's corpus. Its errors are passed on.
type Digests interface {
	FindRun(ctx context.Context, name string) (harvest.Run, error)
	// RecordDigest keeps the count and the sum if the stored sum is still known; recorded reports
	// whether it did.
	RecordDigest(ctx context.Context, run, known string, items int64, sum string) (recorded bool, err error)
}

// RecordCorpus compares the corpus of a pass with that of the run and records it where it is new.
// Where another shard was faster, what that one recorded counts. before is the run as it was
// recorded by an earlier pass: its CorpusSum is empty where this one is the first, and grew is set
// where the corpus grew since.
func RecordCorpus(ctx context.Context, store Digests, name string, pass Pass) (before harvest.Run, grew bool, err error) {
	for {
		run, err := store.FindRun(ctx, name)
		if err != nil {
			return run, false, err
		}
		known, err := pass.Compare(run)
		if known || err != nil {
			return run, false, err
		}
		recorded, err := store.RecordDigest(ctx, name, run.CorpusSum, pass.Count, pass.Sum)
		if recorded || err != nil {
			return run, recorded && run.CorpusSum != "", err
		}
	}
}

// Accept records the corpus of a pass as that of the run, or refuses it, as [RecordCorpus] does. It
// shows that the corpus grew; whole means that one worker has all of it.
func (p Pass) Accept(ctx context.Context, store Digests, name string, whole bool, say func(sentence string)) error {
	run, grew, err := RecordCorpus(ctx, store, name, p)
	if err == nil && grew {
		say(Grown(run, p.Count, whole))
	}
	return err
}

// Grown returns the sentence about a corpus that grew; the last argument means that one worker has
// all of it.
func Grown(before harvest.Run, count int64, alone bool) string {
	text := fmt.Sprintf("the corpus grew from %d to %d items: recorded", before.CorpusItems, count)
	if !alone {
		text += "; start the other shards again, so that they see it too"
	}
	return text
}

// Since returns the instant that {since} in the run's corpus stands for: when the run before it was
// opened. base finds that one; nothing is stored where a corpus is only looked at, and then it is
// three months ago.
func Since(run harvest.Run, stored bool, now time.Time, base func(name string) (harvest.Run, error)) (time.Time, error) {
	switch {
	case !stored:
		return now.AddDate(0, -3, 0), nil
	case run.Base == "":
		return time.Time{}, nil
	}
	before, err := base(run.Base)
	if err != nil {
		return time.Time{}, fmt.Errorf("the run before run %s, whose opening {since} stands for: %w", run.Name, err)
	}
	return before.OpenedAt, nil
}

// SinceIs returns the sentence about what {since} stands for.
func SinceIs(run harvest.Run, since time.Time) string {
	return fmt.Sprintf("{since} is %s, when run %s was opened", since.Format(time.DateTime+" MST"), run.Base)
}
