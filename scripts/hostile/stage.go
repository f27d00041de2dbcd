package main

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"shoal/internal/harvest"
	"slices"
	"strings"
	"time"
)

// attack is one hostile server, how the worker is started against it, and what must come of it.
type attack struct {
	name  string
	items int // that the server is hostile to
	// answer is what they get over HTTP/1.1, or over HTTP/2 where tls is set.
	answer http.HandlerFunc
	tls    bool
	// play is what one of them gets over HTTP/2, frame by frame.
	play func(p *peer, stream uint32)
	// prepare sets up any other scene: it starts servers, writes files, and returns the arguments.
	prepare func(c *scene) ([]string, error)
	args    []string
	// postgres is where the pages land, in place of SQLite.
	postgres bool

	landed int           // neighbours that must land; 0 means all
	exits  []int         // that are right; none means 0 or 3
	within time.Duration // 0 means the longest
	says   string        // what the worker must print
}

const noneLands = -1

func (a attack) wanted() int {
	switch a.landed {
	case noneLands:
		return 0
	case 0:
		return neighbours
	}
	return a.landed
}

func (a attack) bound() time.Duration {
	if a.within == 0 {
		return longest
	}
	return a.within
}

func (a attack) right(exit int) bool {
	if len(a.exits) == 0 {
		return exit == 0 || exit == 3
	}
	return slices.Contains(a.exits, exit)
}

// stage is what all cases share: a folder, the programs, and a PostgreSQL cluster once one is
// needed.
type stage struct {
	dir      string
	enforced bool // the kernel enforces the limit
	chatty   bool // what the programs print is shown even where all is well
	postgres *cluster
}

func newStage(ctx context.Context) (*stage, error) {
	dir, err := os.MkdirTemp("", "hostile")
	if err != nil {
		return nil, err
	}
	out, err := exec.CommandContext(ctx, "go", "build", "-o", dir, "./cmd/worker", "./cmd/coordinator").CombinedOutput()
	if err != nil {
		_ = os.RemoveAll(dir)
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	s := &stage{dir: dir}
	if g := newGroup(); g != nil {
		g.remove()
		s.enforced = true
	}
	return s, nil
}

func (s *stage) close() {
	if s.postgres != nil {
		s.postgres.stop()
	}
	_ = os.RemoveAll(s.dir)
}

// scene is one case's own: its folder, its servers, and what it counts as a neighbour.
type scene struct {
	dir       string
	neighbour string // SQL LIKE of the URLs that must land
	ending    []func()
}

func (c *scene) close() {
	for _, end := range slices.Backward(c.ending) {
		end()
	}
	_ = os.RemoveAll(c.dir)
}

func (c *scene) write(name, text string) error {
	return os.WriteFile(filepath.Join(c.dir, name), []byte(text), 0o600)
}

// serve starts a server with what answers, over HTTP/1.1, or with TLS over HTTP/2; ca is then in
// ca.pem.
func (c *scene) serve(h http.Handler, tls bool) (base string, err error) {
	server := httptest.NewUnstartedServer(h)
	server.EnableHTTP2 = tls
	if tls {
		server.StartTLS()
		err = c.trust(server)
	} else {
		server.Start()
	}
	c.ending = append(c.ending, func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL, err
}

func (c *scene) trust(server *httptest.Server) error {
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	return c.write("ca.pem", string(block))
}

// URLs writes a corpus in which hostile items and neighbours take turns.
func (c *scene) urls(base string, items int) error {
	var corpus strings.Builder
	for i := range max(items, neighbours) {
		if i < items {
			fmt.Fprintf(&corpus, "%s/bad/%d\n", base, i)
		}
		if i < neighbours {
			fmt.Fprintf(&corpus, "%s/ok/%d\n", base, i)
		}
	}
	return c.write("urls.txt", corpus.String())
}

// set starts the servers of a case and returns the worker's arguments for it.
func (c *scene) set(a attack) (args []string, err error) {
	c.neighbour = "%/ok/%"
	if a.prepare != nil {
		return a.prepare(c)
	}
	args = []string{"--corpus", "urls.txt", "--extract", "{id,title}"}
	var base string
	switch {
	case a.play != nil:
		base, err = c.frames(nil, a.play)
		args = append(args, "--ca", "ca.pem")
	default:
		mux := http.NewServeMux()
		mux.HandleFunc("/ok/", neighbour)
		mux.HandleFunc("/bad/", a.answer)
		base, err = c.serve(mux, a.tls)
		if a.tls {
			args = append(args, "--ca", "ca.pem")
		}
	}
	if err != nil {
		return nil, err
	}
	return args, c.urls(base, a.items)
}

// run runs one case and reports whether all bounds held.
func (s *stage) run(ctx context.Context, out io.Writer, a attack) bool {
	m, err := s.measured(ctx, a)
	if m == nil {
		m = &measured{}
	}
	err = errors.Join(err, m.broken(a))
	fmt.Fprintf(out, "%-44s %8d %8.1f %8d/%-2d exit %d; %s\n", a.name, m.peak>>20, m.took.Seconds(), m.landed, a.wanted(), m.code, m.others)
	if err != nil {
		fmt.Fprintf(out, "  broken: %s\n", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	if err != nil || s.chatty {
		for line := range strings.SplitSeq(tail(m.output), "\n") {
			fmt.Fprintf(out, "  %s\n", harvest.Visible(line))
		}
	}
	return err == nil
}

func (s *stage) measured(ctx context.Context, a attack) (*measured, error) {
	dir, err := os.MkdirTemp(s.dir, "run")
	if err != nil {
		return nil, err
	}
	c := &scene{dir: dir}
	defer c.close()
	args, err := c.set(a)
	if err != nil {
		return nil, err
	}
	store := "sqlite:shoal.db"
	if a.postgres {
		if store, err = s.database(c); err != nil {
			return nil, err
		}
	}
	args = slices.Concat([]string{filepath.Join(s.dir, "worker")}, args, []string{"--store", store,
		"--rate", "100", "--concurrency", "40", "--retries", "2", "--progress", "none", "--max-dead", "none", "--max-skipped", "none", "--max-missing", "none",
		"--max-rejected", "none", "--patience", "4m", "--user-agent", "hostile/1 (proof)"}, a.args)
	m, err := measure(ctx, dir, args, a.bound())
	if m == nil {
		return nil, err
	}
	m.landed, m.others, err = c.outcomes(store, err)
	for _, what := range [][]string{{"report"}, {"list", "--outcome", "dead,skipped"}} {
		cmd := exec.CommandContext(ctx, filepath.Join(s.dir, "coordinator"), append(what, "--store", store)...)
		cmd.Dir = dir
		said, _ := cmd.CombinedOutput() // a run that was refused at once has none to show
		m.output += string(said)
	}
	return m, err
}
