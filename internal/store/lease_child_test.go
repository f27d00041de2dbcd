package store

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
)

// childEnv, if set, makes the test binary a worker process that can be killed and frozen. Its value is
// "URL RUN SHARD TTL"; on stdin it is told what to do, one command a line, each answered by one line.
const childEnv = "SHOAL_LEASE_TEST_CHILD"

func TestMain(m *testing.M) {
	if spec := os.Getenv(childEnv); spec != "" {
		if err := childMain(strings.Fields(spec), os.Stdin, os.Stdout); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func childMain(spec []string, in io.Reader, out io.Writer) error {
	ctx := context.Background()
	s, err := Open(ctx, spec[0], Options{Version: "test"})
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
	lease, err := s.Claim(ctx, Claim{Run: spec[1], Shard: shard, Owner: "child", TTL: ttl})
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "claimed", lease.Token())
	for lines := bufio.NewScanner(in); lines.Scan(); {
		var from, n int
		if _, err := fmt.Sscanf(lines.Text(), "note %d %d", &from, &n); err == nil {
			fmt.Fprintln(out, "noted", lease.Suspects().Note(ctx, keysOf(somePages(from, n))))
			continue
		}
		if _, err := fmt.Sscanf(lines.Text(), "land %d %d", &from, &n); err != nil {
			return err
		}
		counts, err := landUntilDecided(ctx, lease, somePages(from, n))
		if errors.Is(err, ErrFenced) {
			<-lease.Lost() // never closed: the test runs into its limit
			fmt.Fprintln(out, "fenced")
			continue
		}
		fmt.Fprintln(out, "landed", counts.Landed, err)
	}
	return lease.Release(ctx)
}

// child is a worker in a process of its own.
type child struct {
	t     *testing.T
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines chan string
	token int64
}

func startChild(t *testing.T, url, run, shard string, ttl time.Duration) *child {
	t.Helper()
	c := &child{t: t, cmd: exec.Command(os.Args[0]), lines: make(chan string, 16)}
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
	t.Cleanup(c.kill)
	line := c.read()
	token, ok := strings.CutPrefix(line, "claimed ")
	if c.token, err = strconv.ParseInt(token, 10, 64); !ok || err != nil {
		t.Fatalf("child says %q, want claimed TOKEN", line)
	}
	return c
}

// read returns the next line that the child says.
func (c *child) read() string {
	c.t.Helper()
	select {
	case line := <-c.lines:
		return line
	case <-time.After(patience):
		c.t.Fatalf("the child said nothing for %s", patience)
		return ""
	}
}

func (c *child) tell(format string, args ...any) {
	c.t.Helper()
	if _, err := fmt.Fprintf(c.in, format+"\n", args...); err != nil {
		c.t.Fatal(err)
	}
}

func (c *child) signal(s syscall.Signal) {
	c.t.Helper()
	if err := c.cmd.Process.Signal(s); err != nil {
		c.t.Fatalf("signal %s to the child: %v", s, err)
	}
}

// kill ends the child with SIGKILL, which reaches a frozen process too.
func (c *child) kill() {
	if c.cmd.ProcessState == nil {
		_ = c.cmd.Process.Kill()
		_ = c.cmd.Wait()
	}
}
