// Package corpus reads the sequence of items to harvest: a file, standard input or an https
// address, plain or packed by gzip or zstd, of URLs, ids or JSON lines.
//
// In goes a [Config]; out come entries, an item or a rejection for each line, in one pass. The
// corpus never sits in memory, whatever its size and however long its lines are, and no line is
// ever skipped in silence: a line that is not an item is a rejection, and a truncated corpus is
// [ErrDamaged].
//
// The text is UTF-8, unless a byte order mark, the zero bytes of UTF-16 and UTF-32 or the
// Content-Type of an https address name another charset. A line is trimmed of blanks, a byte order
// mark and CR. It is ignored if it is then empty or starts with #. It is a JSON object if it starts
// with {, else a URL, or an id if there is a template. An id that starts with # or { is written as
// JSON: {"id":"#1"}. The last line needs no line end. A URL or id has at most [harvest.MaxURL]
// bytes, a JSON line at most [MaxLine].
package corpus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"shoal/internal/harvest"
)

// MaxLine is the longest line that is parsed, in bytes. Only JSON lines may be longer than a URL,
// because of their bodies.
const MaxLine = 1 << 20

// addTemplate is the advice for a line that is an id.
const addTemplate = "for a corpus of ids add --url https://…/{id}"

// maxLeading is how many lines may be rejected before the first item. A file with more is not a
// corpus, and the rejections must be kept until the caller asks for them.
const maxLeading = 1000

// The ways in which a corpus fails. Any other error of [Open], except that of its context, means
// that the command or the corpus must be changed first.
var (
	// ErrDamaged marks a corpus whose rest cannot be read. What came before is good.
	ErrDamaged = errors.New("the corpus is damaged")
	// ErrEmpty marks a corpus without one item. Nothing was begun and another start changes
	// nothing, so it is a wrong setting more than an incomplete run.
	ErrEmpty = errors.New("the corpus has no item")
	// ErrAllRejected is an [ErrEmpty] of a corpus that has lines, each of them rejected, or too
	// many of them before the first item.
	ErrAllRejected = fmt.Errorf("%w, because its lines are rejected", ErrEmpty)
	// ErrIDs is an [ErrAllRejected] of lines that are ids, in a corpus without a template.
	ErrIDs = fmt.Errorf("%w: they are ids", ErrAllRejected)
	// ErrAway marks a server of an https corpus that does not answer for now.
	ErrAway = errors.New("the corpus cannot be fetched for now")
)

// Config is what to read.
type Config struct {
	URI      string   // a path, "-" for Stdin, or an https address
	Template string   // turns ids into URLs, such as https://api.example/v1/items/{id}; empty: lines are URLs
	Hosts    []string // the hosts that URLs may have, as harvest.HostOf returns them or bare names (any port); empty: that of the first item

	// Exposed, if set, reports whether others on the network could read a request to a URL although
	// it carries a credential.
	Exposed func(url string) bool

	PostIsRead bool         // POST requests only read, so that they may be repeated
	Stdin      io.Reader    // read for "-"
	HTTP       *http.Client // fetches an https corpus; its requests do not count against any budget
	// Line makes an item of a line that is neither a URL nor an id nor JSON; the error explains why
	// it is not one.
	Line func(line string) (harvest.Item, error)
	// Text, if set, turns the unpacked corpus into lines.
	Text func(io.Reader) io.Reader
	// Rekey, if set, makes the keys of a pass those of the run, which is known by then.
	Rekey func(entries iter.Seq2[harvest.Entry, error]) iter.Seq2[harvest.Entry, error]
	// Patience is how long the server of an https corpus may be unreachable in the middle of it; 0
	// means for ever.
	Patience time.Duration
}

// Source is an opened corpus, read once.
type Source struct {
	name     string
	template *template
	hosts    hostSet
	exposed  func(url string) bool
	post     bool
	own      func(line string) (harvest.Item, error)
	text     func(io.Reader) io.Reader
	rekey    func(iter.Seq2[harvest.Entry, error]) iter.Seq2[harvest.Entry, error]
	kind     string // Content-Type of an https corpus

	raw   *counter
	close func() error
	lines *lines

	foreign func() bool // its lines must not be shown
	first   string      // URL of the first item

	host    string
	schemes map[string]string // of each host with a port: one port speaks one protocol
	lead    []harvest.Entry   // what Open read to find the first item
	digest  harvest.Digest
	line    atomic.Int64
	spent   bool
}

// Open opens the corpus and reads to its first item, so that [Source.Host] is known. For an https
// corpus ctx bounds the whole pass. The caller must close the source.
func Open(ctx context.Context, cfg Config) (*Source, error) {
	s := &Source{name: display(cfg.URI), exposed: cfg.Exposed, post: cfg.PostIsRead, own: cfg.Line, text: cfg.Text, rekey: cfg.Rekey, schemes: map[string]string{}}
	var err error
	if s.template, err = parseTemplate(cfg.Template); err != nil {
		return nil, err
	}
	if s.hosts, err = parseHosts(cfg.Hosts); err != nil {
		return nil, err
	}
	in, err := open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	s.raw = &counter{ctx: ctx, in: in.Reader, size: in.size}
	s.close, s.foreign, s.kind = in.close, in.foreign, in.kind
	if err := s.begin(cfg.URI); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// begin looks for the first item, in the archive if it is one.
func (s *Source) begin(uri string) error {
	text, release, err := unpack(uri, s.raw)
	if err != nil {
		return s.failed(err)
	}
	underneath := s.close
	s.close = func() error { release(); return underneath() }
	if s.text != nil {
		text = s.text(text)
	} else if text, err = decoded(text, s.kind); err != nil {
		return s.failed(err)
	}
	s.lines = newLines(text)
	for len(s.lead) < maxLeading {
		entry, err := s.next()
		if errors.Is(err, io.EOF) {
			return s.empty("")
		}
		if err != nil {
			return err
		}
		s.lead = append(s.lead, entry)
		if entry.Rejected == nil {
			s.host, s.first = harvest.HostOf(entry.Item.URL), entry.Item.URL
			return nil
		}
	}
	return s.empty("the first ")
}

// empty returns the error for lines without an item: all lines, or the first ones.
func (s *Source) empty(which string) error {
	looked := fmt.Sprintf("%s%d lines were looked at", which, s.lines.count)
	if len(s.lead) == 0 {
		return fmt.Errorf("corpus %s: %w: %s, all of them blank or comments", s.name, ErrEmpty, looked)
	}
	first := s.lead[0].Rejected
	if strings.HasSuffix(first.Text, addTemplate) {
		return fmt.Errorf("corpus %s: %w: %s, such as line %d: %s", s.name, ErrIDs, looked, first.Line, first.Text)
	}
	return fmt.Errorf("corpus %s: %w: %s, %d rejected, such as line %d: %s", s.name, ErrAllRejected, looked, len(s.lead), first.Line, first.Text)
}

// Close ends the reading. [Source.Entries] must not be running.
func (s *Source) Close() error { return s.close() }

// Host returns the host of the first item, as [harvest.HostOf] returns it.
func (s *Source) Host() string { return s.host }

// First returns the URL of the first item.
func (s *Source) First() string { return s.first }

// Digest returns the digest of the items that [Source.Entries] has yielded so far, repeats
// included. Only the goroutine that ranges over Entries may call it.
func (s *Source) Digest() harvest.Digest { return s.digest }

// Position is how far the reading has come.
type Position struct {
	Lines int64
	Bytes int64 // of the file as it is stored, packed or not; the reading is a buffer ahead of the items
	Size  int64 // of that file; 0 when unknown
}

// Fraction returns the part of the corpus that has been read, or 0 when its size is unknown.
func (p Position) Fraction() float64 {
	if p.Size <= 0 {
		return 0
	}
	return float64(p.Bytes) / float64(p.Size)
}

// Position returns how far the reading has come. It is safe for concurrent use.
func (s *Source) Position() Position {
	return Position{Lines: s.line.Load(), Bytes: s.raw.read.Load(), Size: max(0, s.raw.size)}
}

// Fraction returns the part of the corpus that has been read, or 0 when its size is unknown.
func (s *Source) Fraction() float64 { return s.Position().Fraction() }

// Entries returns the one pass over the corpus. An error is its last pair: [ErrDamaged] with the
// line after which the rest is lost, or that of [Open]'s context.
func (s *Source) Entries() iter.Seq2[harvest.Entry, error] {
	if s.rekey != nil {
		return s.rekey(s.pass())
	}
	return s.pass()
}

func (s *Source) pass() iter.Seq2[harvest.Entry, error] {
	return func(yield func(harvest.Entry, error) bool) {
		if s.spent {
			yield(harvest.Entry{}, fmt.Errorf("corpus %s: it is a stream and was read already", s.name))
			return
		}
		s.spent = true
		for _, entry := range s.lead {
			if !s.give(entry, yield) {
				return
			}
		}
		s.lead = nil
		for {
			entry, err := s.next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield(harvest.Entry{}, err)
				return
			}
			if !s.give(entry, yield) {
				return
			}
		}
	}
}

func (s *Source) give(entry harvest.Entry, yield func(harvest.Entry, error) bool) bool {
	if entry.Rejected == nil {
		s.digest.Add(entry.Item.Key)
	}
	return yield(entry, nil)
}

// next returns the entry of the next line that is not ignored; [io.EOF] after the last.
func (s *Source) next() (harvest.Entry, error) {
	for {
		line, err := s.lines.next()
		if errors.Is(err, io.EOF) {
			return harvest.Entry{}, io.EOF
		}
		if err != nil {
			return harvest.Entry{}, s.failed(err)
		}
		s.line.Store(s.lines.count)
		if line = trim(line); len(line) > 0 && line[0] != '#' {
			return s.entry(line), nil
		}
	}
}

// failed explains a failed read. It never gets a bare io.EOF: a truncated stream fails with
// [io.ErrUnexpectedEOF].
func (s *Source) failed(err error) error {
	if cause := s.raw.ctx.Err(); cause != nil {
		return fmt.Errorf("corpus %s: %w", s.name, cause)
	}
	if errors.Is(err, ErrAway) {
		return fmt.Errorf("corpus %s, after line %d: %w; start again to continue", s.name, s.line.Load(), err)
	}
	var format *formatError
	if errors.As(err, &format) {
		return fmt.Errorf("corpus %s: %w", s.name, format)
	}
	return fmt.Errorf("corpus %s, after line %d: %w: %s. Repair or fetch it again and start again; what has landed stays",
		s.name, s.line.Load(), ErrDamaged, explain(err))
}
