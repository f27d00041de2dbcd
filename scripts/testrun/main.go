// Testrun runs the tests of this module: it starts one private PostgreSQL for all of them, passes
// its arguments to "go test -json", prints how each package ended and the whole output of what
// failed or was skipped, and ends with the line "N passed, N failed, N skipped". scripts/test calls
// it after it has found the servers that the tests need.
//
// Its exit code is 1 if a test failed, was skipped or none ran, and 2 if the run could not be made.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
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
	counts, err := test(ctx, url, args, stdout, stderr)
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

// test runs go test and prints its events as they come.
func test(ctx context.Context, url string, args []string, stdout, stderr io.Writer) (counts, error) {
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
		return counts{}, err
	}
	if err := cmd.Start(); err != nil {
		return counts{}, err
	}
	c, readErr := report(events, stdout)
	err = cmd.Wait()
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // usually the group is empty
	return c, errors.Join(readErr, err)
}

func isExit(err error) bool {
	var exit *exec.ExitError
	return errors.As(err, &exit)
}
