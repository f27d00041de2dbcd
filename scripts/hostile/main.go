// Hostile runs the real worker against hostile servers, in 512 MiB and on one core, and prints for each server the peak of
// the memory, the time, and how many innocent neighbours landed. It exits 1 where a bound is broken.
package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	_ "modernc.org/sqlite"
)

const (
	limit      = 512 << 20
	neighbours = 60
	most       = 5 * time.Minute // for one server
)

func main() { os.Exit(prove(os.Stdout)) }

// prove runs the servers that are named, or all, and returns the exit code.
func prove(out io.Writer) int {
	dir, err := os.MkdirTemp("", "hostile")
	if err == nil {
		err = build(dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "hostile:", err)
		return 2
	}
	fmt.Fprintf(out, "%-36s %10s %8s %12s %s\n", "server", "peak MiB", "seconds", "neighbours", "the others")
	broken := 0
	for _, a := range attacks() {
		if len(os.Args) > 1 && !strings.Contains(strings.Join(os.Args[1:], "|"), a.name) {
			continue
		}
		if !run(out, dir, a) {
			broken++
		}
	}
	_ = os.RemoveAll(dir)
	if broken > 0 {
		fmt.Fprintf(out, "%d servers broke a bound\n", broken)
		return 1
	}
	return 0
}

func build(dir string) error {
	out, err := exec.CommandContext(context.Background(), "go", "build", "-o", dir, "./cmd/worker").CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// run runs one attack and reports whether all bounds held.
func run(out io.Writer, dir string, a attack) bool {
	mux := http.NewServeMux()
	mux.HandleFunc("/ok/", neighbour)
	mux.HandleFunc("/bad/", a.answer)
	server := httptest.NewServer(mux)
	defer func() {
		server.CloseClientConnections()
		server.Close()
	}()
	work, err := os.MkdirTemp(dir, "run")
	if err != nil {
		return report(out, a, nil, err)
	}
	var corpus strings.Builder
	for i := range max(a.items, neighbours) {
		if i < a.items {
			fmt.Fprintf(&corpus, "%s/bad/%d\n", server.URL, i)
		}
		if i < neighbours {
			fmt.Fprintf(&corpus, "%s/ok/%d\n", server.URL, i)
		}
	}
	if err := os.WriteFile(filepath.Join(work, "urls.txt"), []byte(corpus.String()), 0o600); err != nil {
		return report(out, a, nil, err)
	}
	args := append([]string{filepath.Join(dir, "worker"), "--corpus", "urls.txt", "--rate", "100", "--concurrency", "40", "--retries", "2", "--progress", "none",
		"--max-dead", "none", "--max-skipped", "none", "--patience", "4m", "--user-agent", "hostile/1 (proof)"}, a.args...)
	if len(a.args) == 0 || a.args[0] != "--extract" {
		args = append(args, "--extract", plainExtract)
	}
	m, err := measure(work, args)
	if err == nil {
		m.landed, m.others, err = outcomes(filepath.Join(work, "shoal.db"))
	}
	return report(out, a, m, err)
}

// measured is what came of one run.
type measured struct {
	peak   int64
	took   time.Duration
	code   int
	landed int
	others string
	output string
}

func report(out io.Writer, a attack, m *measured, err error) bool {
	if m == nil {
		fmt.Fprintf(out, "%-36s %v\n", a.name, err)
		return false
	}
	fine := err == nil && m.peak <= limit && m.took < most && m.landed == neighbours && (m.code == 0 || m.code == 3)
	fmt.Fprintf(out, "%-36s %10d %8.1f %8d/%d   exit %d, %s\n", a.name, m.peak>>20, m.took.Seconds(), m.landed, neighbours, m.code, m.others)
	if !fine {
		fmt.Fprintf(out, "  broken: %v\n  %s\n", err, strings.ReplaceAll(m.output, "\n", "\n  "))
	}
	return fine
}

// outcomes counts the neighbours that landed, and how the others ended.
func outcomes(file string) (landed int, others string, err error) {
	db, err := sql.Open("sqlite", "file:"+file+"?mode=ro")
	if err != nil {
		return 0, "", err
	}
	defer db.Close()
	if err := db.QueryRowContext(context.Background(), "SELECT count(*) FROM pages WHERE url LIKE '%/ok/%' AND outcome = 'landed'").Scan(&landed); err != nil {
		return 0, "", err
	}
	rows, err := db.QueryContext(context.Background(), "SELECT outcome || ' ' || coalesce(reason, ''), count(*) FROM pages WHERE url LIKE '%/bad/%' GROUP BY 1 ORDER BY 1")
	if err != nil {
		return 0, "", err
	}
	defer rows.Close()
	for rows.Next() {
		var how string
		var n int
		if err := rows.Scan(&how, &n); err != nil {
			return 0, "", err
		}
		others += fmt.Sprintf("%d %s; ", n, strings.TrimSpace(how))
	}
	return landed, strings.TrimSuffix(others, "; "), rows.Err()
}
