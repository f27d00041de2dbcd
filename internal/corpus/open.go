package corpus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"sync/atomic"

	"shoal/internal/harvest"
)

// input is the corpus as it is stored, packed or not.
type input struct {
	io.Reader
	size    int64       // -1 when unknown
	kind    string      // Content-Type, where there is one
	foreign func() bool // reports whether another host than the named one sends it; nil: never
	close   func() error
}

func open(ctx context.Context, cfg Config) (input, error) {
	switch {
	case cfg.URI == "":
		return input{}, errors.New("no corpus: name a file, - or an https address")
	case cfg.URI == "-":
		if cfg.Stdin == nil {
			return input{}, errors.New("corpus -: there is no standard input")
		}
		return interruptible(ctx, cfg.Stdin, func() error { return nil }), nil
	case Remote(cfg.URI):
		return openURL(ctx, cfg)
	}
	return openFile(ctx, cfg.URI)
}

// display returns a URI as it may be shown: without user name, password and query, since a
// presigned address carries its secret there.
func display(uri string) string {
	if uri == "-" {
		return "on standard input"
	}
	scheme, rest, ok := strings.Cut(uri, "://")
	if !ok {
		return harvest.Quote(uri)
	}
	rest, _, hasQuery := strings.Cut(rest, "?")
	rest, _, _ = strings.Cut(rest, "#")
	host, path, _ := strings.Cut(rest, "/")
	host = host[strings.LastIndexByte(host, '@')+1:]
	shown := (&url.URL{Scheme: scheme, Host: host, Path: "/" + path}).String()
	if hasQuery {
		shown += "?…"
	}
	return shown
}

func openFile(ctx context.Context, path string) (input, error) {
	info, err := os.Stat(path)
	if err != nil {
		return input{}, noFile(path, err)
	}
	if info.IsDir() {
		return input{}, fmt.Errorf("corpus %s is a folder; name a file in it", harvest.Quote(path))
	}
	if !info.Mode().IsRegular() {
		return openPipe(ctx, path)
	}
	file, err := os.Open(path)
	if err != nil {
		return input{}, noFile(path, err)
	}
	return input{Reader: file, size: info.Size(), close: file.Close}, nil
}

// openPipe opens a pipe, for which it may have to wait for a writer, as long as ctx lives.
func openPipe(ctx context.Context, path string) (input, error) {
	type opened struct {
		file *os.File
		err  error
	}
	done := make(chan opened)
	go func() {
		file, err := os.Open(path)
		select {
		case done <- opened{file, err}:
		case <-ctx.Done():
			_ = file.Close() // no reader has it; file may be nil
		}
	}()
	select {
	case o := <-done:
		if o.err != nil {
			return input{}, noFile(path, o.err)
		}
		return interruptible(ctx, o.file, o.file.Close), nil
	case <-ctx.Done():
		return input{}, fmt.Errorf("corpus %s: %w", harvest.Quote(path), context.Cause(ctx))
	}
}

func noFile(path string, err error) error {
	target, linkErr := os.Readlink(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && linkErr == nil:
		return fmt.Errorf("corpus %s is a link to %s, which does not exist", harvest.Quote(path), harvest.Quote(target))
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("corpus %s does not exist; is the path right from the folder you are in?", harvest.Quote(path))
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("corpus %s may not be read by this user; see ls -l and chmod", harvest.Quote(path))
	}
	return fmt.Errorf("corpus %s cannot be opened: %w", harvest.Quote(path), err)
}

// counter counts what is read, for progress, and notices a file that has become shorter than it
// was.
type counter struct {
	ctx  context.Context
	in   io.Reader
	size int64 // -1 when unknown
	read atomic.Int64
}

func (c *counter) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.in.Read(p)
	if read := c.read.Add(int64(n)); errors.Is(err, io.EOF) && read < c.size {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// pipe reads on a goroutine of its own, because a read from a terminal or a pipe cannot be
// interrupted. When the pipe ends, that goroutine stays behind in its read.
type pipe struct {
	ctx   context.Context
	parts chan part
	rest  part
}

type part struct {
	bytes []byte
	err   error
}

// interruptible returns in, except for its size; done is called when it is closed.
func interruptible(ctx context.Context, in io.Reader, done func() error) input {
	ctx, cancel := context.WithCancel(ctx)
	p := &pipe{ctx: ctx, parts: make(chan part)}
	go p.pump(in)
	return input{Reader: p, size: -1, close: func() error { cancel(); return done() }}
}

// pump fills two buffers in turn, each only after the other is used up. It stops at the first end
// of the input: a terminal would offer more.
func (p *pipe) pump(in io.Reader) {
	var buffers [2][32 << 10]byte
	for i := 0; ; i++ {
		n, err := in.Read(buffers[i%2][:])
		select {
		case p.parts <- part{buffers[i%2][:n], err}:
		case <-p.ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

func (p *pipe) Read(out []byte) (int, error) {
	if len(p.rest.bytes) == 0 && p.rest.err == nil {
		select {
		case p.rest = <-p.parts:
		case <-p.ctx.Done():
			return 0, p.ctx.Err()
		}
	}
	n := copy(out, p.rest.bytes)
	p.rest.bytes = p.rest.bytes[n:]
	if len(p.rest.bytes) > 0 {
		return n, nil
	}
	return n, p.rest.err
}

// Retry repeats do while temporary accepts its error and patience lasts. what names the thing that
// is waited for.
type Retry func(ctx context.Context, what string, temporary func(error) bool, do func() error) error

// Begin opens a corpus as [Open] does, and waits for a server that is away. Its error is one that
// the operator has to fix, unless the corpus is damaged or away, or ctx has ended. Of a corpus
// without a line that is an item, refuse may return another error; nil means that it has none.
func Begin(ctx context.Context, cfg Config, retry Retry, refuse func(err error) error) (source *Source, err error) {
	away := func(err error) bool { return errors.Is(err, ErrAway) }
	err = retry(ctx, "the corpus", away, func() (err error) {
		if source, err = Open(ctx, cfg); err == nil {
			return nil
		}
		if errors.Is(err, ErrAllRejected) && !errors.Is(err, ErrIDs) {
			if refused := refuse(err); refused != nil {
				return refused
			}
		}
		return Mistake(ctx, err)
	})
	return source, err
}

// Mistake makes the error of [Open] one that the operator has to fix, unless the corpus is damaged
// or away, or ctx has ended.
func Mistake(ctx context.Context, err error) error {
	if !errors.Is(err, ErrIDs) && (errors.Is(err, ErrDamaged) || errors.Is(err, ErrAway) || ctx.Err() != nil) {
		return err
	}
	return harvest.Usagef("%v", err)
}

// Remote reports whether a corpus is at an address, which has to be asked for it.
func Remote(uri string) bool { return strings.Contains(uri, "://") }
