package storetest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/store"
)

// childEnv, if set, makes the test binary a worker process that can be killed and frozen. Its value
// is "URL RUN SHARD TTL"; on stdin it gets its commands, one a line, each answered by one line.
const childEnv = "SHOAL_LEASE_TEST_CHILD"

// Main runs the tests of a package that calls [StartChild], or is such a child. A package's
// TestMain calls it.
func Main(m *testing.M, open Opener) int {
	spec := os.Getenv(childEnv)
	if spec == "" {
		return m.Run()
	}
	if err := childMain(open, strings.Fields(spec), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stdout, "error", err)
		return 1
	}
	return 0
}

func childMain(open Opener, spec []string, in io.Reader, out io.Writer) error {
	ctx := context.Background()
	s, err := open(ctx, spec[0], store.Options{Version: "test"})
	if err != nil {
		return err
	}
	shard, err := harvest.ParseShard(spec[2])
	if err != nil {
		return err
	}
	ttl, err := time.ParseDuration(spec[3])
	if err != nil {
		return err
	}
	lease, err := s.Claim(ctx, store.Claim{Run: spec[1], Shard: shard, Owner: "child", TTL: ttl})
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "claimed", lease.Token)
	for lines := bufio.NewScanner(in); lines.Scan(); {
		var from, n int
		if _, err := fmt.Sscanf(lines.Text(), "note %d %d", &from, &n); err == nil {
			fmt.Fprintln(out, "noted", lease.Suspects.Note(ctx, KeysOf(SomePages(from, n))))
			continue
		}
		if _, err := fmt.Sscanf(lines.Text(), "withdraw %d %d", &from, &n); err == nil {
			fmt.Fprintln(out, "withdrawn", lease.Suspects.Withdraw(ctx, KeysOf(SomePages(from, n))))
			continue
		}
		if _, err := fmt.Sscanf(lines.Text(), "land %d %d", &from, &n); err != nil {
			return err
		}
		counts, err := LandUntilDecided(ctx, lease, SomePages(from, n))
		if errors.Is(err, store.ErrFenced) {
			<-lease.Lost() // never closed: the test runs into its limit
			fmt.Fprintln(out, "fenced")
			continue
		}
		fmt.Fprintln(out, "landed", counts.Landed, err)
	}
	return lease.Release(ctx)
}

// Child is a worker in a process of its own.
type Child struct {
	t     testing.TB
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan string
	Token int64
}

// StartChild starts a process that holds a lease of the shard. The package's TestMain calls [Main].
func StartChild(t testing.TB, url, run string, shard harvest.Shard, ttl time.Duration) *Child {
	t.Helper()
	c := &Child{t: t, cmd: exec.CommandContext(context.Background(), os.Args[0]), lines: make(chan string, 16)}
	c.cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s %s %s %s", childEnv, url, run, shard, ttl))
	c.cmd.Stderr = os.Stderr
	var err error
	if c.in, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(c.lines)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			c.lines <- lines.Text()
		}
	}()
	t.Cleanup(c.Kill)
	line := c.Read()
	token, ok := strings.CutPrefix(line, "claimed ")
	if c.Token, err = strconv.ParseInt(token, 10, 64); !ok || err != nil {
		t.Fatalf("child answers %q, want claimed TOKEN", line)
	}
	return c
}

// Read returns the next line that the child prints.
func (c *Child) Read() string {
	c.t.Helper()
	select {
	case line := <-c.lines:
		return line
	case <-time.After(Patience):
		c.t.Fatalf("the child printed nothing for %s", Patience)
		return ""
	}
}

// Tell sends the child one command.
func (c *Child) Tell(format string, args ...any) {
	c.t.Helper()
	if _, err := fmt.Fprintf(c.in, format+"\n", args...); err != nil {
		c.t.Fatal(err)
	}
}

// Signal sends the child a signal.
func (c *Child) Signal(s syscall.Signal) {
	c.t.Helper()
	if err := c.cmd.Process.Signal(s); err != nil {
		c.t.Fatalf("signal %s to the child: %v", s, err)
	}
}

// Kill ends the child with SIGKILL, which reaches a frozen process too.
func (c *Child) Kill() {
	if c.cmd.ProcessState == nil {
		_ = c.cmd.Process.Kill()
		_ = c.cmd.Wait()
	}
}

// CrashChild is [Owners.Crash] in a process of its own, which it kills.
func CrashChild(t testing.TB, url string, c Crash) {
	t.Helper()
	owner := StartChild(t, url, Name, c.Shard, ShortTTL)
	for _, order := range []struct {
		word, answer string
		pages        []harvest.Page
	}{
		{"note", "noted <nil>", c.Noted}, {"withdraw", "withdrawn <nil>", c.Withdrawn}, {"land", "landed ", c.Landed},
	} {
		if len(order.pages) == 0 {
			continue
		}
		owner.Tell("%s %s %d", order.word, order.pages[0].URL[len(someURL):], len(order.pages))
		if got := owner.Read(); !strings.HasPrefix(got, order.answer) {
			t.Fatalf("the child answers %q, want %s…", got, order.answer)
		}
	}
	owner.Kill()
}
