package aside

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	if args := os.Args[1:]; Called(args) {
		os.Exit(Serve(args, os.Stdin, os.Stdout, jobs))
	}
	os.Exit(m.Run())
}

var hold [][]byte

// jobs does what a job's first word names.
func jobs(job []byte, emit func([]byte) error) error {
	word, rest, _ := strings.Cut(string(job), " ")
	switch word {
	case "echo":
		for part := range strings.SplitSeq(rest, ",") {
			if err := emit([]byte(part)); err != nil {
				return err
			}
		}
		return nil
	case "fail":
		return errors.New(rest)
	case "stuck":
		for i := 0; ; i++ { // no call, no channel: nothing can end it from inside
			if i < 0 {
				return nil
			}
		}
	case "fill": // all at once
		hold = append(hold, bytes.Repeat([]byte("x"), 1<<30))
	case "keep": // so much that what comes later has too little
		hold = append(hold, bytes.Repeat([]byte("x"), 40<<20))
	case "deep":
		return fmt.Errorf("%d", deep(0))
	case "environment":
		return emit([]byte(strings.Join(os.Environ(), ",")))
	case "signals":
		for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
			if err := syscall.Kill(os.Getpid(), s); err != nil {
				return err
			}
		}
	}
	return nil
}

func deep(n int) int {
	if n < 0 {
		return 0
	}
	return deep(n+1) + len(fmt.Sprint(n))
}

func newPool(t *testing.T) *Pool {
	t.Helper()
	p, err := New(1, 64<<20)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func do(p *Pool, limit time.Duration, parts ...string) (frames []string, err error) {
	var job [][]byte
	for _, part := range parts {
		job = append(job, []byte(part))
	}
	err = p.Do(limit, func(frame []byte) error { frames = append(frames, string(frame)); return nil }, job...)
	return frames, err
}

// TestDo checks that a job's frames and errors arrive unchanged, and that its process does the next
// job too.
func TestDo(t *testing.T) {
	t.Parallel()
	p := newPool(t)
	for range 3 {
		if frames, err := do(p, time.Minute, "echo ", "a,", "b"); err != nil || strings.Join(frames, "|") != "a|b" {
			t.Errorf("Do(echo) = %q, %v, want a and b", frames, err)
		}
		if _, err := do(p, time.Minute, "fail for a reason"); err == nil || err.Error() != "for a reason" {
			t.Errorf("Do(fail) = %v, want its reason", err)
		}
		long := strings.Repeat("x", 3<<20)
		if frames, err := do(p, time.Minute, "echo ", long); err != nil || len(frames) != 1 || frames[0] != long {
			t.Errorf("Do(echo of 3 MiB) = %d frames, %v, want the text", len(frames), err)
		}
		if _, err := do(p, time.Minute, "signals"); err != nil {
			t.Errorf("Do(signals) = %v: a signal for the whole group ended the process", err)
		}
	}
	if started := p.idle[0].jobs; started != 12 {
		t.Errorf("the process has done %d jobs, want all 12", started)
	}
}

// TestEnded checks that a job that hangs or fills the memory is ended with an explanation, and that
// the next job is done.
func TestEnded(t *testing.T) {
	t.Parallel()
	p := newPool(t)
	for job, want := range map[string]error{"stuck": ErrTime, "fill": ErrDied, "deep": ErrDied} {
		if _, err := do(p, 3*time.Second, job); !errors.Is(err, want) {
			t.Errorf("Do(%s) = %v, want %v", job, err, want)
		}
		if frames, err := do(p, time.Minute, "echo a"); err != nil || len(frames) != 1 {
			t.Errorf("Do(echo) after %s = %q, %v, want a", job, frames, err)
		}
	}
	for err, begun := range map[error]bool{ErrTime: true, ErrDied: true, ErrUnavailable: false} {
		if e, ok := errors.AsType[interface {
			error
			Begun() bool
		}](fmt.Errorf("%w 3s", err)); !ok || e.Begun() != begun {
			t.Errorf("an error that wraps %q is about a job that had begun: %v, want %v", err, !begun, begun)
		}
	}
	want := errors.New("enough")
	if err := p.Do(time.Minute, func([]byte) error { return want }, []byte("echo a,b")); !errors.Is(err, want) {
		t.Errorf("Do() whose visit fails = %v, want %v", err, want)
	}
}

// TestLeftovers checks that a job that fits is not blamed for what earlier jobs left in the
// process.
func TestLeftovers(t *testing.T) {
	t.Parallel()
	p := newPool(t)
	for i := range 5 {
		if _, err := do(p, time.Minute, "keep"); err != nil {
			t.Errorf("Do(keep) number %d = %v, want none", i, err)
		}
	}
}

// TestNothingToRead checks that a job sees nothing of what the worker knows.
func TestNothingToRead(t *testing.T) {
	t.Setenv("SHOAL_TOKEN", "secret-0")
	frames, err := do(newPool(t), time.Minute, "environment")
	if err != nil || strings.Contains(strings.Join(frames, ""), "secret-0") {
		t.Errorf("Do(environment) = %q, %v, want nothing of ours", frames, err)
	}
}

// TestOrphan checks that a process whose starter is gone ends, even in the middle of a job.
func TestOrphan(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), os.Args[0], Argument, "67108864")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	job := []byte("stuck")
	head := append([]byte{byte(len(job)), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, job...) // without any time
	if _, err := io.Copy(in, bytes.NewReader(head)); err != nil {
		t.Fatal(err)
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Errorf("a process without a starter still runs")
		_ = cmd.Process.Kill()
	}
}
