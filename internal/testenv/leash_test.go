package testenv_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"shoal/internal/testenv"
)

// childEnv makes this test binary start servers and wait, to be killed by its parent.
const childEnv = "SHOAL_TESTENV_CHILD"

// TestServersEndWithAKilledTestBinary is its own child too: there it starts one server of each
// kind, freezes one, prints their addresses, and waits for its end.
func TestServersEndWithAKilledTestBinary(t *testing.T) {
	if os.Getenv(childEnv) != "" {
		r, p := testenv.Redis(t), testenv.OwnPostgres(t)
		shared := testenv.Postgres(t)
		p.Freeze()
		fmt.Fprintln(os.Stderr, "servers", r.Addr, host(t, p.URL), host(t, shared.URL), testenv.Build(t, "./internal/testenv/testdata/hello"))
		_, _ = io.Copy(io.Discard, os.Stdin)
		return
	}
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), childEnv+"=1", "SHOAL_TEST_PG_URL=")
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	said, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var words []string
	for lines := bufio.NewScanner(said); len(words) != 5 && lines.Scan(); {
		words = strings.Fields(lines.Text())
	}
	if len(words) != 5 {
		t.Fatalf("the child said %q, want three addresses and a path", words)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed, as we know
	eventually(t, "the binary is gone", func() bool { _, err := os.Stat(words[4]); return os.IsNotExist(err) })
	for _, addr := range words[1:4] {
		eventually(t, "a free port at "+addr, func() bool {
			conn, err := net.DialTimeout("tcp", addr, time.Second)
			if err == nil {
				_ = conn.Close()
			}
			return err != nil
		})
	}
}

// eventually waits for a state of another process, for which there is no channel.
func eventually(t *testing.T, what string, reached func() bool) {
	t.Helper()
	limit := time.After(30 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !reached() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("after 30 s not yet: %s", what)
		}
	}
}

func host(t *testing.T, raw string) string {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

func TestBuildMakesABinaryOnce(t *testing.T) {
	t.Parallel()
	path := testenv.Build(t, "./internal/testenv/testdata/hello")
	out, err := exec.CommandContext(t.Context(), path).Output()
	if err != nil || string(out) != "hello\n" {
		t.Errorf("the built command = %q, %v, want hello, nil", out, err)
	}
	if again := testenv.Build(t, "./internal/testenv/testdata/hello"); again != path {
		t.Errorf("Build() again = %s, want %s", again, path)
	}
}
