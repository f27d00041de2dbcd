// Testrun runs the tests of this module: it starts one private PostgreSQL for all of them, passes
// its arguments to "go test -json", prints how each package ended and the whole output of what
// failed or was skipped, and ends with the line "N passed, N failed, N skipped". scripts/test calls
// it after it has found the servers that the tests need.
//
// With SHOAL_TEST_AGAIN=1, which .ci/run sets, up to three tests that failed run a second time,
// each package's by themselves. One that passes then is counted as passed and printed as unsteady:
// it is a defect to fix, but does not hide what the other thousands say. A data race, a panic, a
// timeout, a skipped test and a package that does not build get no second try.
//
// Its exit code is 1 if a test failed, was skipped or none ran, and 2 if the run could not be made.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"shoal/internal/testenv"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	url, remove, err := testenv.Cluster()
	if err != nil {
		fmt.Fprintf(stderr, "scripts/test: start PostgreSQL: %v\n", err)
		return 2
	}
	defer remove()
	first := newPrinter(stdout)
	err = test(ctx, first, url, args, stderr)
	if os.Getenv("SHOAL_TEST_AGAIN") == "1" && isExit(err) && ctx.Err() == nil && first.settles() {
		err = again(ctx, first, url, args, stderr)
	}
	counts := first.total
	if err != nil && !isExit(err) && ctx.Err() == nil {
		fmt.Fprintf(stderr, "scripts/test: run go test: %v\n", err)
		return 2
	}
	if err != nil && counts.good() {
		counts.failed++
		fmt.Fprintf(stdout, "FAIL  the run ended early: %v\n", err)
	}
	fmt.Fprintln(stdout, counts)
	if !counts.good() {
		return 1
	}
	return 0
}

// again runs the tests that failed once more, and counts those as passed that pass now.
func again(ctx context.Context, t *printer, url string, args []string, stderr io.Writer) error {
	flags := slices.DeleteFunc(slices.Clone(args), func(arg string) bool { return !strings.HasPrefix(arg, "-") })
	t.total.failed = 0
	for _, name := range slices.Sorted(maps.Keys(t.again)) {
		pattern := "^(" + strings.Join(t.again[name], "|") + ")$"
		fmt.Fprintf(t.out, "again %s: %s\n", name, pattern)
		second := newPrinter(t.out)
		if err := test(ctx, second, url, append(slices.Clone(flags), "-run="+pattern, name), stderr); err != nil || !second.total.good() {
			t.total.failed += max(1, second.total.failed)
			return err
		}
		t.total.passed += second.total.passed
		fmt.Fprintf(t.out, "UNSTEADY  %s: %s failed once and passed by itself: fix what it depends on\n", name, strings.Join(t.again[name], ", "))
	}
	return nil
}

// settles reports whether all that failed is worth a second try: three tests at most, and nothing
// fatal.
func (t *printer) settles() bool {
	tests := 0
	for _, names := range t.again {
		tests += len(names)
	}
	return !t.fatal && tests > 0 && tests <= 3
}

// test runs go test and prints its events as they come.
func test(ctx context.Context, t *printer, url string, args []string, stderr io.Writer) error {
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-json"}, args...)...)
	cmd.Env = append(os.Environ(), "SHOAL_TEST_PG_URL="+url, "SHOAL_TEST_STRICT=1")
	cmd.Stderr = stderr
	// A group of its own, because an interrupt has to reach the test binaries too, to which go test
	// does not pass it on.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
	cmd.WaitDelay = 10 * time.Second
	events, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	readErr := t.read(events)
	err = cmd.Wait()
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // usually the group is empty
	return errors.Join(readErr, err)
}

func isExit(err error) bool {
	var exit *exec.ExitError
	return errors.As(err, &exit)
}
