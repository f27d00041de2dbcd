//go:build prove

package e2e

import (
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"shoal/internal/fakeapi"
)

// behind starts a worker that yields the processor to this test, whose upstream must note arrivals
// when they come.
func (f *fleet) behind(flags ...string) *worker {
	f.t.Helper()
	return f.process("nice", append([]string{
		"-n", "5", f.binary, "--ca", f.ca, "--progress", "json", "--patience", "10m",
		"--corpus", filepath.Join(f.dir, "corpus.txt"), "--run", "proof", "--redis", f.redis.URL, "--store", f.pg.URL, "--rate", "50",
	}, flags...)...)
}

// hogs keep the processors busy.
func (f *fleet) hogs(n int) {
	f.t.Helper()
	for range n {
		hog := exec.Command("nice", "-n", "5", "sh", "-c", "while :; do :; done")
		hog.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		if err := hog.Start(); err != nil {
			f.t.Fatal(err)
		}
		f.t.Cleanup(func() { _ = hog.Process.Kill(); _ = hog.Wait() })
	}
}

// stall stops the worker for 20 to 200 ms, again and again, until it ends; it returns how often.
func (w *worker) stall() (n int) {
	for {
		for _, step := range []struct {
			signal syscall.Signal
			after  time.Duration
		}{
			{syscall.SIGSTOP, 50*time.Millisecond + rand.N(350*time.Millisecond)},
			{syscall.SIGCONT, 20*time.Millisecond + rand.N(180*time.Millisecond)},
		} {
			select {
			case <-w.done:
				return n
			case <-time.After(step.after):
			}
			_ = w.cmd.Process.Signal(step.signal)
		}
		n++
	}
}

// TestStallsSendNoBurst: workers are stopped for 20 to 200 ms again and again, while other
// processes keep the processors busy; no second is ever too full.
func TestStallsSendNoBurst(t *testing.T) {
	for _, c := range []struct {
		workers, hogs int
		stalls        bool
	}{{1, 0, true}, {4, 0, true}, {1, 6, false}, {4, 6, true}} {
		t.Run(fmt.Sprintf("%d workers, %d hogs, stopped %t", c.workers, c.hogs, c.stalls), func(t *testing.T) {
			steadily(t, func() {
				f := newFleet(t, 1000, fakeapi.Behaviour{Latency: 50 * time.Millisecond})
				f.hogs(c.hogs)
				workers := make([]*worker, c.workers)
				stalls := make(chan int, c.workers)
				for i := range workers {
					workers[i] = f.behind("--shard", fmt.Sprintf("%d/%d", i, c.workers))
				}
				f.arrived(1, time.Minute)
				for _, w := range workers {
					go func() {
						if c.stalls {
							stalls <- w.stall()
						} else {
							stalls <- 0
						}
					}()
				}
				wantAll(workers, 0, 3*time.Minute)
				stopped := 0
				for range workers {
					stopped += <-stalls
				}
				f.polite(50)
				t.Logf("stopped %d times; %.1f %% of the budget used", stopped, 100*used(f.api.Arrivals(), 50))
				f.complete("proof", 1000)
			})
		})
	}
}
