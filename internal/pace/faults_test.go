package pace

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"shoal/internal/harvest"

	"github.com/redis/go-redis/v9"
)

// TestMain is also the worker that a test freezes: a process of its own. The tests wait for the
// clock much more than for the processor, so more of them run at once than there are cores, unless
// -parallel is set.
func TestMain(m *testing.M) {
	if url := os.Getenv("PACE_TEST_WORKER"); url != "" {
		work(url)
		return
	}
	flag.Parse()
	said := false
	flag.Visit(func(f *flag.Flag) { said = said || f.Name == "test.parallel" })
	if !said {
		if err := flag.Set("test.parallel", "8"); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// work prints when each request leaves, until it is killed.
func work(url string) {
	o, err := ClientOptions(url)
	if err != nil {
		panic(err)
	}
	p := New(Settings{Host: host, Rate: 50, Worker: strconv.Itoa(os.Getpid())}, NewRedis(redis.NewClient(o)))
	lines := make(chan int64, 100)
	for range 20 {
		go func() {
			for {
				permit, err := p.Wait(context.Background())
				if err != nil {
					return
				}
				now := time.Now()
				if !p.Usable(permit) {
					p.Unused(permit)
					continue
				}
				lines <- now.UnixNano()
				p.Done(context.Background(), permit, true)
			}
		}()
	}
	for at := range lines {
		fmt.Fprintln(os.Stdout, at)
	}
}

// process starts work in a process of its own and returns its lines as times.
func process(t *testing.T, url string) (*os.Process, <-chan time.Time) {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), "PACE_TEST_WORKER="+url)
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatalf("start a worker process: %v", err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	})
	lines := make(chan time.Time, 10000)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			n, _ := strconv.ParseInt(s.Text(), 10, 64)
			lines <- time.Unix(0, n)
		}
	}()
	return c.Process, lines
}

func TestFrozenWorkerDoesNotBurst(t *testing.T) {
	t.Parallel()
	s, client := server(t)
	worker, lines := process(t, s.URL)
	var sent []time.Time
	read := func(n int) {
		for range n {
			at, ok := <-lines
			if !ok {
				t.Fatal("the worker process ended")
			}
			sent = append(sent, at)
		}
	}
	read(55)
	signal := func(sig syscall.Signal) {
		if err := worker.Signal(sig); err != nil {
			t.Fatalf("signal %v = %v, want no error", sig, err)
		}
	}
	signal(syscall.SIGSTOP)
	// Meanwhile the upstream asks another worker for silence, for longer than the freeze lasts.
	frozen := time.Now()
	r := NewRedis(client)
	if _, err := r.backoff(t.Context(), host, report{delay: 1_500_000, cut: true}); err != nil {
		t.Fatalf("backoff() = %v, want no error", err)
	}
	<-time.After(500 * time.Millisecond)
	signal(syscall.SIGCONT)
	read(20)
	if got := between(sent, frozen.Add(soon), frozen.Add(1500*time.Millisecond)); got != 0 {
		t.Errorf("requests of a worker that was frozen when a backoff began, before it ended = %d, want 0", got)
	}
	signal(syscall.SIGSTOP)
	<-time.After(2500 * time.Millisecond)
	thawed := time.Now()
	signal(syscall.SIGCONT)
	read(60)
	if got, want := between(sent, thawed, thawed.Add(200*time.Millisecond)), 10; got > want {
		t.Errorf("requests in 0.2 s after a freeze of 2.5 s = %d, want at most %d", got, want)
	}
	if got, want := worst(sent), bound(50); got > want {
		t.Errorf("worst second = %d requests, want at most %d", got, want)
	}
}

func TestRedisRestartWaitsOutLeasesAndGoesOn(t *testing.T) {
	t.Parallel()
	s, client := server(t)
	restart := make(chan struct{})
	back := make(chan struct{})
	f := launch(t, NewRedis(client), Settings{Rate: 50}, 4, 10, 200, at(100, func(*Pacer) {
		close(restart)
		<-back
	}))
	<-restart
	s.Kill()
	killed := time.Now()
	<-time.After(1500 * time.Millisecond)
	if got := f.pacers[1].State(); got.Limit != harvest.LimitPace || got.Unreachable.Before(killed.Add(-time.Second)) || got.Unreachable.After(time.Now()) {
		t.Errorf("State() with Redis killed = limit %q since %v, want redis since about %v", got.Limit, got.Unreachable, killed)
	}
	up := time.Now()
	s.Start()
	close(back)
	sent := f.finish()
	if got := between(sent, killed.Add(1100*time.Millisecond), up); got != 0 {
		t.Errorf("requests without Redis, after what was leased = %d, want 0", got)
	}
	if got := between(sent, up, up.Add(time.Second)); got != 0 {
		t.Errorf("requests in the second after Redis came back empty = %d, want 0", got)
	}
	if got, want := worst(sent), bound(50); got > want {
		t.Errorf("worst second = %d requests, want at most %d", got, want)
	}
}

func TestBackoffHoldsWithoutRedisAndIsToldLater(t *testing.T) {
	t.Parallel()
	s, client := server(t)
	r := NewRedis(client)
	f := launch(t, r, Settings{Rate: 50}, 1, 10, 40, at(20, func(p *Pacer) {
		s.Kill()
		if err := p.Backoff(t.Context(), Permit{}, 5*time.Second, true); !errors.Is(err, ErrUnreachable) {
			t.Errorf("Backoff(5s) without Redis = %v, want ErrUnreachable", err)
		}
		s.Start()
	}))
	f.all.Wait()
	known, err := r.backoff(t.Context(), host, report{})
	if err != nil {
		t.Fatalf("backoff() = %v, want no error", err)
	}
	sent := f.finish()
	silence := time.Duration(0)
	for i := range sent[1:] {
		silence = max(silence, sent[i+1].Sub(sent[i]))
	}
	if silence < 5*time.Second {
		t.Errorf("longest silence = %v, want at least 5s", silence)
	}
	if age := known.now - known.until; age < 0 || age > 3_000_000 {
		t.Errorf("Redis knows of a silence that ended %d µs ago, want one that was told", age)
	}
}
