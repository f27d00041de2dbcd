//go:build prove

package observe

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// ticks is how many clock ticks of /proc a second has.
const ticks = 100

// used returns the processor time of a process so far.
func used(t *testing.T, pid int) time.Duration {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0 // it has gone
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	sum := 0
	for _, field := range fields[11:13] {
		n, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	return time.Duration(sum) * time.Second / ticks
}

// backends adds up the processor time that the server's processes for the page use in so many
// seconds: they come and go.
func backends(t *testing.T, address string, seconds int) (sum time.Duration) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.Background()) }()
	last := map[int]time.Duration{}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for i := range seconds + 1 {
		rows, err := conn.Query(t.Context(), "SELECT pid FROM pg_stat_activity WHERE application_name = 'shoal coordinator'")
		if err != nil {
			t.Fatal(err)
		}
		pids, err := pgx.CollectRows(rows, pgx.RowTo[int])
		if err != nil {
			t.Fatal(err)
		}
		for _, pid := range pids {
			now := used(t, pid)
			if i > 0 && now > last[pid] {
				sum += now - last[pid]
			}
			last[pid] = now
		}
		if i < seconds {
			<-tick.C
		}
	}
	return sum
}

// TestWhatWatchersCost lets 20 browsers look at a large run for a minute, and adds up the processor
// time of the program that serves the page and of the database's processes for it. It does not
// depend on what else the machine does.
func TestWhatWatchersCost(t *testing.T) {
	dir := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", dir, "shoal/cmd/coordinator")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v: %s", err, out)
	}
	for kind, address := range places(t) {
		t.Run(kind, func(t *testing.T) {
			fillStore(t, kind, address)
			base, stop := servePage(t, address) // finds a free port
			stop()
			program := exec.CommandContext(t.Context(), filepath.Join(dir, "coordinator"), "serve", "--store", address, "--status-addr", strings.TrimPrefix(base, "http://"))
			program.Dir = dir
			if err := program.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = program.Process.Kill(); _ = program.Wait() }()
			for _, _, err := paint(t.Context(), base+"/"); err != nil; _, _, err = paint(t.Context(), base+"/") {
				if t.Context().Err() != nil {
					t.Fatal(err)
				}
			}
			ctx, end := context.WithCancel(t.Context())
			var all sync.WaitGroup
			for range watchers {
				all.Go(func() { _ = watch(ctx, base) })
			}
			<-time.After(15 * time.Second) // the first answers are free
			const length = time.Minute
			before, serverCost := used(t, program.Process.Pid), time.Duration(0)
			if kind == "postgres" {
				serverCost = backends(t, address, int(length/time.Second))
			} else {
				<-time.After(length)
			}
			programCost := used(t, program.Process.Pid) - before
			end()
			all.Wait()
			t.Logf("%d browsers for %s: the program used %.2f %% of a processor, the database for it %.2f %%", watchers, length,
				100*programCost.Seconds()/length.Seconds(), 100*serverCost.Seconds()/length.Seconds())
			if part := (programCost + serverCost).Seconds() / length.Seconds(); part > 0.02 {
				t.Errorf("%.2f %% of a processor in all, want at most 2 %%: a hundredth of the smallest machine with two", 100*part)
			}
		})
	}
}
