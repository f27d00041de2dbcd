package fetch

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"shoal/internal/fakeapi"
	"shoal/internal/harvest"
)

// serveVariable makes this test binary an upstream, so that a benchmark counts only the client's
// CPU.
const serveVariable = "SHOAL_FETCH_SERVE"

func TestMain(m *testing.M) {
	if os.Getenv(serveVariable) == "" {
		os.Exit(m.Run())
	}
	s, err := fakeapi.New(fakeapi.Options{NoHeaders: true, Behaviour: fakeapi.Behaviour{Size: 8 << 10}})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	ca, err := s.CAFile(os.TempDir())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(s.URL, ca)
	io.Copy(io.Discard, os.Stdin) // until the benchmark ends
	s.Close()
}

// upstream starts this binary as a server and returns its URL and CA file.
func upstream(b *testing.B) (base, ca string) {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), serveVariable+"=1", "TMPDIR="+b.TempDir())
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { in.Close(); cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	base, ca, _ = strings.Cut(strings.TrimSpace(line), " ")
	return base, ca
}

func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkExchange measures the CPU that one exchange of 8 KiB over HTTP/2 and TLS costs the
// client, beside net/http's own client doing the same.
//
//	go test -run '^$' -bench Exchange -benchmem ./internal/fetch
func BenchmarkExchange(b *testing.B) {
	base, ca := upstream(b)
	c, err := New(Config{UserAgent: agent, CAFile: ca, TrustedHosts: []string{"127.0.0.1"}, Streams: 40}, discard())
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	tlsConfig, err := newTLS(Config{CAFile: ca})
	if err != nil {
		b.Fatal(err)
	}
	std := &http.Client{Transport: &http.Transport{TLSClientConfig: tlsConfig, ForceAttemptHTTP2: true}}
	exchange := func(url string, usable func() bool) error {
		slot, err := c.Reserve(context.Background(), base)
		if err != nil {
			return err
		}
		a, err := slot.Send(context.Background(), &harvest.Request{Method: http.MethodGet, URL: url}, usable)
		a.Release()
		return err
	}
	for _, way := range []struct {
		name string
		get  func(url string) error
	}{
		{"fetch", func(url string) error { return exchange(url, always) }},
		{"fetch-unchecked", func(url string) error { return exchange(url, nil) }},
		{"net-http", func(url string) error {
			resp, err := std.Get(url)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			_, err = io.ReadAll(resp.Body)
			return err
		}},
	} {
		b.Run(way.name, func(b *testing.B) {
			if err := way.get(base + "/items/0"); err != nil {
				b.Fatal(err)
			}
			var n atomic.Int64
			b.SetParallelism(16)
			b.ReportAllocs()
			before := cpu(b)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := way.get(fmt.Sprintf("%s/items/%d", base, n.Add(1))); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(cpu(b)-before)/float64(b.N), "cpu-ns/op")
		})
	}
}
