// Package testenv gives tests, the demo and benchmarks real servers of their own: a [Redis], a
// PostgreSQL cluster or a database in one, and a built binary. In goes the running test; out come a
// URL and the means to kill, freeze and restart the server behind it.
//
// It never touches a server that it did not start, listens only on 127.0.0.1, and leaves no process
// behind, even if the test binary is killed. If a server is not installed, the test is skipped with
// a sentence, or failed if CI or SHOAL_TEST_STRICT is set.
package testenv

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"testing"
	"time"
)

const (
	// startLimit bounds how long a server may take until it answers; it is generous, because two
	// busy cores run everything.
	startLimit = 60 * time.Second
	// stopLimit bounds how long a server may take to leave when it is asked to.
	stopLimit = 20 * time.Second
	// pollEvery is how often to check whether a starting server answers.
	pollEvery = 10 * time.Millisecond
	// portTries is how many ports are tried before giving up; another process may take one between
	// look and bind.
	portTries = 5
)

// errNotInstalled marks a server program that was not found on this machine.
var errNotInstalled = errors.New("not installed")

// strict reports whether a missing server fails the test.
func strict() bool { return os.Getenv("CI") != "" || os.Getenv("SHOAL_TEST_STRICT") != "" }

// giveUp ends the test because of err: skipped if a server is missing on a laptop, failed in every
// other case.
func giveUp(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, errNotInstalled) && !strict() {
		t.Skipf("skipped: %v (scripts/test installs what the tests need)", err)
	}
	t.Fatalf("testenv: %v", err)
}

// freePort returns an unused loopback port. It stays below the range from which systems take the
// ports of outgoing connections, so that a server that is down for a moment finds its port free
// again.
func freePort() (int, error) {
	for range 200 {
		port := 15000 + rand.IntN(17000)
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue
		}
		return port, l.Close()
	}
	return 0, errors.New("find a free loopback port between 15000 and 32000: none in 200 tries")
}

// await calls ready until it returns nil, the process ends or startLimit has passed.
func await(p *process, ready func() error) error {
	limit := time.NewTimer(startLimit)
	defer limit.Stop()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		err := ready()
		if err == nil {
			return nil
		}
		select {
		case <-p.done:
			return fmt.Errorf("%s ended while it started: %s", p.name, p.tail())
		case <-limit.C:
			return fmt.Errorf("%s does not answer after %s: %w; %s", p.name, startLimit, err, p.tail())
		case <-tick.C:
		}
	}
}
