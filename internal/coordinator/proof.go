package coordinator

import (
	"bufio"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"shoal/internal/harvest"
)

// Proof compares the keys of a corpus with the keys of the items that have ended, one by one.
type Proof struct {
	Entries  int64          // of the corpus, repeats included
	Distinct int64          // different keys among them
	Rejected int64          // lines that are not items
	Ended    int64          // items of the run that have ended
	Missing  int64          // keys of the corpus that have not
	Extra    int64          // items that have ended and are not in the corpus
	Examples []int64        // lines of some of the missing, in order
	Strays   []harvest.Key  // some of the extra ones
	Digest   harvest.Digest // of the corpus
	Prefix   string         // Digest.Sum after as many keys as were asked for
}

// Whole reports whether each item of the corpus has ended, and no other item has.
func (p Proof) Whole() bool { return p.Missing == 0 && p.Extra == 0 }

// Grown reports whether the corpus has more items than the run was opened with, after all of those:
// then the missing items are still to be fetched.
func (p Proof) Grown(run harvest.Run) bool {
	return p.Digest.Count > 0 && p.Missing > 0 && p.Digest.Count > run.CorpusItems && p.Prefix == run.CorpusSum
}

// Incomplete returns the error of a proof that failed; nil for one that holds.
func (p Proof) Incomplete(run string) error {
	var what []string
	if p.Missing > 0 {
		what = append(what, fmt.Sprintf("%d of %d items of its corpus have not ended, such as %s", p.Missing, p.Distinct, lines(p.Examples)))
	}
	if p.Extra > 0 {
		what = append(what, fmt.Sprintf("%d items that have ended are not in its corpus, such as key %s", p.Extra, p.Strays[0]))
	}
	if len(what) == 0 {
		return nil
	}
	return fmt.Errorf("%w: run %s: %s", harvest.ErrIncomplete, run, strings.Join(what, "; "))
}

func lines(numbers []int64) string {
	all := make([]string, len(numbers))
	for i, n := range numbers {
		all[i] = fmt.Sprintf("line %d", n)
	}
	return strings.Join(all, ", ")
}

const (
	parts    = 256 // of the keys, by their first byte: one part fits into memory at any size of a corpus
	maxShown = 5   // examples
)

// Prove reads both sides once. They are cut into parts in temporary files under dir, 24 bytes a key
// of the corpus and 16 of the run, because neither side fits into memory and neither comes in
// order. prefix is the number of keys of the corpus that Proof.Prefix covers.
func Prove(ctx context.Context, dir string, entries iter.Seq2[harvest.Entry, error], ended iter.Seq2[harvest.Key, error], prefix int64) (p Proof, err error) {
	tmp, err := os.MkdirTemp(dir, "shoal-verify-")
	if err != nil {
		return p, fmt.Errorf("compare keys: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	if err := p.readCorpus(ctx, tmp, entries, prefix); err != nil {
		return p, err
	}
	if err := p.readEnded(ctx, tmp, ended); err != nil {
		return p, err
	}
	for part := range parts {
		if err := ctx.Err(); err != nil {
			return p, context.Cause(ctx)
		}
		if err := p.compare(tmp, part); err != nil {
			return p, fmt.Errorf("compare keys: %w", err)
		}
	}
	slices.Sort(p.Examples)
	p.Examples = p.Examples[:min(len(p.Examples), maxShown)]
	return p, nil
}

// place is a key and its line in the corpus; 0 for that of an item that has ended.
type place struct {
	key  harvest.Key
	line int64
}

func (p *Proof) readCorpus(ctx context.Context, dir string, entries iter.Seq2[harvest.Entry, error], prefix int64) error {
	files, err := create(dir, "corpus")
	if err != nil {
		return err
	}
	defer files.abandon()
	if prefix == 0 {
		p.Prefix = p.Digest.Sum()
	}
	for entry, err := range entries {
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case entry.Rejected != nil:
			p.Rejected++
			continue
		}
		p.Entries++
		p.Digest.Add(entry.Item.Key)
		if p.Digest.Count == prefix {
			p.Prefix = p.Digest.Sum()
		}
		if err := files.write(place{entry.Item.Key, entry.Item.Line}); err != nil {
			return err
		}
	}
	return files.close()
}

func (p *Proof) readEnded(ctx context.Context, dir string, ended iter.Seq2[harvest.Key, error]) error {
	files, err := create(dir, "ended")
	if err != nil {
		return err
	}
	defer files.abandon()
	for key, err := range ended {
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		p.Ended++
		if err := files.write(place{key: key}); err != nil {
			return err
		}
	}
	return files.close()
}

// compare merges one part of both sides.
func (p *Proof) compare(dir string, part int) error {
	wanted, err := load(dir, "corpus", part)
	if err != nil {
		return err
	}
	have, err := load(dir, "ended", part)
	if err != nil {
		return err
	}
	wanted = slices.CompactFunc(wanted, func(a, b place) bool { return a.key == b.key })
	p.Distinct += int64(len(wanted))
	for len(wanted) > 0 || len(have) > 0 {
		var order int
		switch {
		case len(wanted) == 0:
			order = 1
		case len(have) == 0:
			order = -1
		default:
			order = wanted[0].key.Compare(have[0].key)
		}
		switch {
		case order < 0:
			p.Missing++
			p.Examples = append(p.Examples, wanted[0].line)
			if len(p.Examples) > parts*maxShown { // the lowest lines are shown, of a bounded number
				slices.Sort(p.Examples)
				p.Examples = p.Examples[:maxShown]
			}
			wanted = wanted[1:]
		case order > 0:
			p.Extra++
			if len(p.Strays) < maxShown {
				p.Strays = append(p.Strays, have[0].key)
			}
			have = have[1:]
		default:
			wanted, have = wanted[1:], have[1:]
		}
	}
	return nil
}

// files are one side, cut into parts.
type files struct {
	open []*os.File
	buf  []*bufio.Writer
}

func partPath(dir, side string, part int) string {
	return filepath.Join(dir, fmt.Sprintf("%s-%02x", side, part))
}

func create(dir, side string) (*files, error) {
	f := &files{}
	for part := range parts {
		file, err := os.Create(partPath(dir, side, part))
		if err != nil {
			f.abandon()
			return nil, fmt.Errorf("compare keys: %w", err)
		}
		f.open, f.buf = append(f.open, file), append(f.buf, bufio.NewWriterSize(file, 16<<10))
	}
	return f, nil
}

func (f *files) write(p place) error {
	var row [24]byte
	copy(row[:], p.key[:])
	binary.BigEndian.PutUint64(row[16:], uint64(p.line))
	_, err := f.buf[p.key[0]].Write(row[:])
	return err
}

func (f *files) close() error {
	var errs []error
	for i := range f.open {
		errs = append(errs, f.buf[i].Flush(), f.open[i].Close())
	}
	f.open = nil
	return errors.Join(errs...)
}

// abandon closes what close has not.
func (f *files) abandon() {
	for _, file := range f.open {
		_ = file.Close() // the folder is removed
	}
}

// load reads one part, sorted by key and line.
func load(dir, side string, part int) ([]place, error) {
	file, err := os.Open(partPath(dir, side, part))
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // only read
	in := bufio.NewReaderSize(file, 256<<10)
	var all []place
	var row [24]byte
	for {
		if _, err := io.ReadFull(in, row[:]); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		all = append(all, place{harvest.Key(row[:16]), int64(binary.BigEndian.Uint64(row[16:]))})
	}
	slices.SortFunc(all, func(a, b place) int { return cmp.Or(a.key.Compare(b.key), cmp.Compare(a.line, b.line)) })
	return all, nil
}
