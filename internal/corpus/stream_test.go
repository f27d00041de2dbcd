package corpus_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"shoal/internal/corpus"
)

func TestABlockedReadEndsWithItsContext(t *testing.T) {
	t.Parallel()
	in, out := io.Pipe()
	defer out.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { _, _ = io.WriteString(out, "https://a.example/1\nhttps://a.example/2") }()
	s, err := corpus.Open(ctx, corpus.Config{URI: "-", Stdin: in})
	if err != nil {
		t.Fatal(err)
	}
	var last error
	items := 0
	for _, err := range s.Entries() {
		items++
		last = err
		cancel()
	}
	if !errors.Is(last, context.Canceled) || errors.Is(last, corpus.ErrDamaged) || items != 2 {
		t.Errorf("Entries() = %d pairs, the last with %v, want 2, the second with context.Canceled", items, last)
	}
}

func TestANamedPipeIsReadLikeAFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	written := make(chan error, 1)
	go func() { written <- os.WriteFile(path, gz(t, many(2000)), 0) }()
	items, _, err := pass(t, corpus.Config{URI: path})
	if len(items) != 2000 || err != nil {
		t.Errorf("Entries() = %d items, %v, want 2000, nil", len(items), err)
	}
	if err := <-written; err != nil {
		t.Error(err)
	}
}

// Opening a pipe waits for a writer; a signal must end that.
func TestANamedPipeThatNobodyWritesToEndsWithItsContext(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := corpus.Open(ctx, corpus.Config{URI: path}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Open() = %v, want context.DeadlineExceeded", err)
	}
}

func TestOnePortSpeaksOneProtocol(t *testing.T) {
	t.Parallel()
	path := file(t, "urls.txt", []byte("http://a.example:81/1\nhttps://a.example:81/2\nhttp://a.example:81/3\n"))
	items, rejected, err := pass(t, corpus.Config{URI: path})
	if len(items) != 2 || len(rejected) != 1 || rejected[0].Reason != "foreign_scheme" || err != nil {
		t.Errorf("Entries() = %d items, %v, %v, want 2 and foreign_scheme", len(items), rejected, err)
	}
}

// terminal can be read after its end: it ends again only when it is asked to.
type terminal struct{ typed []string }

func (t *terminal) Read(p []byte) (int, error) {
	if len(t.typed) == 0 {
		return 0, io.EOF
	}
	line := t.typed[0]
	t.typed = t.typed[1:]
	if line == "" {
		return 0, io.EOF
	}
	return copy(p, line), nil
}

func TestTheEndOfATerminalIsTheEnd(t *testing.T) {
	t.Parallel()
	path := file(t, "urls.txt", []byte("https://a.example/1"))
	if items, _, err := pass(t, corpus.Config{URI: path}); len(items) != 1 || err != nil {
		t.Errorf("Entries() of one line without its end = %d items, %v, want 1, nil", len(items), err)
	}
	in := &terminal{typed: []string{"https://a.example/1\n", "https://a.example/2", "", "https://a.example/3\n"}}
	items, _, err := pass(t, corpus.Config{URI: "-", Stdin: in})
	if len(items) != 2 || err != nil || len(in.typed) != 1 {
		t.Errorf("Entries() = %d items, %v with %d left to type, want 2, nil, 1", len(items), err, len(in.typed))
	}
}
