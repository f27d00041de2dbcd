package cmd_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/hinshun/vt10x"

	"shoal/internal/fakeapi"
	"shoal/internal/testenv"
)

// screen is a program on a terminal: what it wrote, and what a person sees of that.
type screen struct {
	cmd  *exec.Cmd
	pty  *os.File
	done chan struct{}

	mu    sync.Mutex
	vt    vt10x.Terminal
	bytes bytes.Buffer
	width int
}

// onTerminal starts a program on a terminal of that size.
func onTerminal(t *testing.T, width, height int, cmd *exec.Cmd) *screen {
	t.Helper()
	s := &screen{cmd: cmd, done: make(chan struct{}), vt: vt10x.New(vt10x.WithSize(width, height)), width: width}
	cmd.Env = append(cmd.Env, "TERM=xterm-256color")
	var err error
	if s.pty, err = pty.StartWithSize(cmd, &pty.Winsize{Cols: uint16(width), Rows: uint16(height)}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = s.pty.Close()
		<-s.done
	})
	go func() {
		defer close(s.done)
		buffer := make([]byte, 4096)
		for {
			n, err := s.pty.Read(buffer)
			s.mu.Lock()
			s.bytes.Write(buffer[:n])
			_, _ = s.vt.Write(buffer[:n])
			s.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return s
}

// lines returns what is seen.
func (s *screen) lines() (all []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for line := range strings.SplitSeq(s.vt.String(), "\n") {
		all = append(all, strings.TrimRight(line, " "))
	}
	return all
}

// shows waits until a text is seen.
func (s *screen) shows(t *testing.T, text string) string {
	t.Helper()
	for range 600 {
		if seen := strings.Join(s.lines(), "\n"); strings.Contains(seen, text) {
			return seen
		}
		select {
		case <-t.Context().Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
	t.Fatalf("the terminal never shows %q; it shows\n%s", text, strings.Join(s.lines(), "\n"))
	return ""
}

func (s *screen) resize(t *testing.T, width, height int) {
	t.Helper()
	s.mu.Lock()
	s.vt.Resize(width, height)
	s.width = width
	s.mu.Unlock()
	if err := pty.Setsize(s.pty, &pty.Winsize{Cols: uint16(width), Rows: uint16(height)}); err != nil {
		t.Fatal(err)
	}
}

// typed types keys.
func (s *screen) typed(t *testing.T, keys string) {
	t.Helper()
	if _, err := s.pty.WriteString(keys); err != nil {
		t.Fatal(err)
	}
}

// ends waits until the program has ended, and returns its exit code.
func (s *screen) ends() int {
	_ = s.cmd.Wait()
	<-s.done
	return s.cmd.ProcessState.ExitCode()
}

// TestProgressOnATerminal watches a worker, and coordinator status --watch, on terminals of several
// sizes.
func TestProgressOnATerminal(t *testing.T) {
	t.Parallel()
	api, err := fakeapi.New(fakeapi.Options{Behaviour: fakeapi.Behaviour{Items: 3000, Faults: []fakeapi.Fault{{Kind: "status", Status: 500, Path: "/items/7"}}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = api.Close() })
	dir := t.TempDir()
	ca, err := api.CAFile(dir)
	if err != nil {
		t.Fatal(err)
	}
	var urls strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&urls, "%s/items/%d\n", api.URL, i)
	}
	if err := os.WriteFile(filepath.Join(dir, "urls.txt"), []byte(urls.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	start := func(program string, width, height int, args ...string) *screen {
		cmd := exec.CommandContext(t.Context(), testenv.Build(t, "./cmd/"+program), args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "SHOAL_CA="+ca, "HOME="+dir)
		return onTerminal(t, width, height, cmd)
	}
	worker := start("worker", 80, 24, "--corpus", "urls.txt", "--run", "seen", "--rate", "40", "--retries", "0")
	worker.shows(t, "/3,000  ETA")
	worker.shows(t, " of 40/s  limit: ")
	worker.shows(t, "1 × dead: http_500, ")
	worker.resize(t, 50, 24)
	worker.shows(t, "limit: ")

	watch := start("coordinator", 80, 24, "status", "--run", "seen", "--watch")
	watch.shows(t, "LIMIT")
	watch.shows(t, "q quits")
	first := watch.written()
	watch.shows(t, "at work, 0 without")
	for _, width := range []int{50, 120} {
		watch.resize(t, width, 20)
		watch.shows(t, "q quits")
	}
	again := watch.written()[len(first):]
	if strings.Count(again, "\x1b[2J") > 2 { // one for each resize
		t.Errorf("the screen is emptied at each look: %q", again)
	}
	watch.typed(t, "q")
	if code := watch.ends(); code != 0 {
		t.Errorf("after q status --watch = exit code %d, want 0", code)
	}
	if seen := strings.Join(watch.lines(), "\n"); !strings.Contains(seen, "run seen on") || strings.Contains(seen, "q quits") {
		t.Errorf("after q the terminal shows\n%s\nwant the last look, without the line about keys", seen)
	}

	worker.typed(t, "\x03")
	if code := worker.ends(); code != 130 {
		t.Errorf("after ^C the worker = exit code %d, want 130", code)
	}
	seen := strings.Join(worker.lines(), "\n")
	if !strings.Contains(seen, "stopped, resumable") || strings.Contains(seen, "░") {
		t.Errorf("after ^C the worker's terminal shows\n%s\nwant the summary, and no bar", seen)
	}
}

// written returns all that the program wrote.
func (s *screen) written() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bytes.String()
}
