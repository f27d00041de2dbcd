// Package cmd_test drives the real programs as a person does. Each file in testdata is one story;
// the commands besides testscript's own are:
//
//	exits CODE PROGRAM ARGS…   runs a program and expects this exit code
//	api [JSON]                 starts an upstream; sets API (its URL) and CA; JSON is its behaviour
//	requests N                 expects N requests at the upstream so far
//	more N                     waits until the upstream has had N more requests
//	atmost N                   expects at most N requests at the upstream so far
//	example FILE               copies an example, whose API is the upstream that was started
//	urls FILE FROM TO          writes the URLs of some of its items
//	redis [ARGS…]              starts a Redis and sets REDIS_URL
//	postgres                   makes a database and sets DATABASE_URL
//	usurp RUN                  cuts the connection of the run's leader, and leads it
//	abdicate                   ends that
//	lockpages                  lets nothing read the pages from now on
//	cutwaiting                 cuts the connection of the coordinator that waits for them, and ends that
//	wiki                       starts a wiki and sets WIKI to the address of its api.php
//	letters CASE               starts a wiki of every title, first-letter, case-sensitive or old, and sets WIKI
//	receiver NAME [ANSWER]     starts a server for notices and sets NAME to its address; ANSWER is hangs
//	received NAME REGEXP       waits until it has had such a request: path, signature, body
//	former FILE                makes the runs of a SQLite store those of an older version
package cmd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/rogpeppe/go-internal/testscript"

	"shoal/internal/fakeapi"
	"shoal/internal/store"
	"shoal/internal/store/stores"
	"shoal/internal/testenv"
)

// TestMain lets twice as many tests run at once as there are processors: they wait more than they
// compute.
func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		if err := flag.Set("test.parallel", strconv.Itoa(2*runtime.GOMAXPROCS(0))); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("Glob(testdata/*.txtar) = %d files, %v, want some", len(files), err)
	}
	bin := filepath.Dir(testenv.Build(t, "./cmd/worker")) + string(os.PathListSeparator) + filepath.Dir(testenv.Build(t, "./cmd/coordinator"))
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			s := &story{t: t}
			testscript.Run(t, testscript.Params{
				Files:    []string{file},
				Deadline: deadline(t),
				Setup: func(env *testscript.Env) error {
					env.Setenv("PATH", bin+string(os.PathListSeparator)+env.Getenv("PATH"))
					env.Setenv("HOME", env.WorkDir)
					return nil
				},
				Cmds: map[string]func(*testscript.TestScript, bool, []string){
					"exits": exits, "api": s.start, "requests": s.requests, "more": s.more, "atmost": s.atMost, "urls": s.urls, "example": s.example, "redis": s.redis, "postgres": s.postgres, "usurp": s.usurp, "abdicate": s.abdicate, "lockpages": s.lockPages, "cutwaiting": s.cutWaiting, "wiki": startWiki,
					"letters": startLetters, "former": formerRuns, "receiver": s.receiver, "received": s.received,
				},
			})
		})
	}
}

// deadline lets a program that hangs fail its own story, and not the whole package.
func deadline(t *testing.T) time.Time {
	end := time.Now().Add(5 * time.Minute)
	if last, ok := t.Deadline(); ok && last.Before(end) {
		end = last.Add(-time.Second)
	}
	return end
}

// story is what one script has started.
type story struct {
	t    *testing.T
	api  *fakeapi.Server
	lead store.Leadership
	lock *pgx.Conn
	mail map[string]*mailbox
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGS…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	switch {
	case err == nil && want == 0:
	case errors.As(err, &exit) && exit.ExitCode() == want:
	default:
		ts.Fatalf("%v = %v, want exit code %d", args[1:], err, want)
	}
}

func (s *story) start(ts *testscript.TestScript, _ bool, args []string) {
	behaviour := fakeapi.Behaviour{Items: 1000}
	if len(args) > 0 {
		ts.Check(json.Unmarshal([]byte(args[0]), &behaviour))
	}
	api, err := fakeapi.New(fakeapi.Options{Behaviour: behaviour})
	ts.Check(err)
	ts.Defer(func() { _ = api.Close() })
	s.api = api
	ca, err := api.CAFile(ts.MkAbs("."))
	ts.Check(err)
	ts.Setenv("API", api.URL)
	ts.Setenv("SHOAL_CA", ca)
}

func (s *story) requests(ts *testscript.TestScript, _ bool, args []string) {
	if want := args[0]; fmt.Sprint(s.api.Count()) != want {
		ts.Fatalf("%d requests at the upstream, want %s", s.api.Count(), want)
	}
}

// more waits, so that what follows happens while a program is at work, however slow the machine is.
func (s *story) more(ts *testscript.TestScript, _ bool, args []string) {
	more, err := strconv.Atoi(args[0])
	ts.Check(err)
	want := s.api.Count() + more
	const patience = time.Minute
	for began := time.Now(); s.api.Count() < want; <-time.After(5 * time.Millisecond) {
		if time.Since(began) > patience {
			ts.Fatalf("%d requests at the upstream after %s, want %d", s.api.Count(), patience, want)
		}
	}
}

func (s *story) atMost(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if s.api.Count() > want {
		ts.Fatalf("%d requests at the upstream, want at most %d", s.api.Count(), want)
	}
}

func (s *story) example(ts *testscript.TestScript, _ bool, args []string) {
	text, err := os.ReadFile(filepath.Join("..", "examples", args[0]))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), bytes.ReplaceAll(text, []byte("https://api.example"), []byte(s.api.URL)), 0o600))
}

func (s *story) urls(ts *testscript.TestScript, _ bool, args []string) {
	from, err := strconv.Atoi(args[1])
	ts.Check(err)
	to, err := strconv.Atoi(args[2])
	ts.Check(err)
	var b bytes.Buffer
	for i := from; i < to; i++ {
		fmt.Fprintf(&b, "%s/items/%d\n", s.api.URL, i)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b.Bytes(), 0o600))
}

func (s *story) redis(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv("REDIS_URL", testenv.Redis(s.t, args...).URL)
}

func (s *story) postgres(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Setenv("DATABASE_URL", testenv.Postgres(s.t).URL)
}

func (s *story) usurp(ts *testscript.TestScript, _ bool, args []string) {
	ctx, url := s.t.Context(), ts.Getenv("DATABASE_URL")
	conn, err := pgx.Connect(ctx, url)
	ts.Check(err)
	defer func() { _ = conn.Close(ctx) }()
	db, err := stores.Open(ctx, url, store.Options{})
	ts.Check(err)
	ts.Defer(func() { _ = db.Close() })
	for s.lead == nil && ctx.Err() == nil { // its leader may be quicker to come back
		_, err := conn.Exec(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'shoal coordinator leads as%'")
		ts.Check(err)
		try, end := context.WithTimeout(ctx, 500*time.Millisecond)
		lead, err := db.Lead(try, args[0], "usurper", nil)
		end()
		if err == nil {
			s.lead = lead
		}
	}
}

func (s *story) abdicate(*testscript.TestScript, bool, []string) {
	s.lead.Close()
	s.lead = nil
}

func (s *story) lockPages(ts *testscript.TestScript, _ bool, _ []string) {
	ctx := s.t.Context()
	conn, err := pgx.Connect(ctx, ts.Getenv("DATABASE_URL"))
	ts.Check(err)
	ts.Defer(func() { _ = conn.Close(context.WithoutCancel(ctx)) })
	_, err = conn.Exec(ctx, "BEGIN; LOCK TABLE shoal.pages IN ACCESS EXCLUSIVE MODE")
	ts.Check(err)
	s.lock = conn
}

func (s *story) cutWaiting(ts *testscript.TestScript, _ bool, _ []string) {
	ctx := s.t.Context()
	conn, err := pgx.Connect(ctx, ts.Getenv("DATABASE_URL")) // within its transaction the other one sees no news of sessions
	ts.Check(err)
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	for cut := int64(0); cut == 0; {
		ts.Check(ctx.Err())
		tag, err := conn.Exec(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'shoal coordinator%' AND wait_event_type = 'Lock'")
		ts.Check(err)
		cut = tag.RowsAffected()
	}
	_, err = s.lock.Exec(ctx, "ROLLBACK")
	ts.Check(err)
}
