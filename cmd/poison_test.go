package cmd_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib"

	"shoal/internal/fakeapi"
	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/stores"
	"shoal/internal/testenv"
)

// victim is a worker that is killed with SIGKILL, again and again.
type victim struct {
	t     *testing.T
	args  []string
	env   []string
	kills int

	mu  sync.Mutex
	cmd *exec.Cmd
	log strings.Builder
}

// run starts the worker and waits for its end; killed reports whether it was killed. It must not
// fail.
func (v *victim) run() (killed bool) {
	v.t.Helper()
	code := v.exit()
	if code > 0 {
		v.t.Fatalf("worker %v = exit %d\n%s", v.args, code, v.log.String())
	}
	return code < 0
}

// exit starts the worker and waits for its end; the code is -1 where it was killed.
func (v *victim) exit() (code int) {
	v.t.Helper()
	cmd := exec.Command(testenv.Build(v.t, "./cmd/worker"), v.args...)
	v.mu.Lock()
	v.log.Reset()
	cmd.Env, cmd.Stderr = append(os.Environ(), v.env...), &v.log
	err := cmd.Start()
	v.cmd = cmd
	v.mu.Unlock()
	if err != nil {
		v.t.Fatal(err)
	}
	err = cmd.Wait()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.cmd = nil
	exit, failed := errors.AsType[*exec.ExitError](err)
	if err != nil && !failed {
		v.t.Fatalf("worker %v = %v\n%s", v.args, err, v.log.String())
	}
	if !failed {
		return 0
	}
	if exit.ExitCode() == -1 {
		v.kills++
	}
	return exit.ExitCode()
}

// kill ends the worker at once, if one runs.
func (v *victim) kill() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.cmd != nil {
		_ = v.cmd.Process.Kill()
	}
}

// outcomes reads how the items ended.
func outcomes(t *testing.T, url string) (harvest.Counts, []store.OutcomeCount) {
	t.Helper()
	db, err := stores.Open(t.Context(), url, store.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	counts, err := db.Totals(t.Context(), "r")
	if err != nil {
		t.Fatal(err)
	}
	lost, err := db.CountOutcomes(t.Context(), "r", []harvest.Outcome{harvest.Dead, harvest.Skipped, harvest.Missing})
	if err != nil {
		t.Fatal(err)
	}
	return counts, lost
}

// eachStore runs a test with each kind of store.
func eachStore(t *testing.T, test func(t *testing.T, url string)) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); test(t, "sqlite:"+filepath.Join(t.TempDir(), "shoal.db")) })
	t.Run("postgres", func(t *testing.T) { t.Parallel(); test(t, testenv.Postgres(t).URL) })
}

// served leaves an answer as it is.
func served(*victim, *http.Request) *fakeapi.Reply { return nil }

// harvestOf is a worker of the run r over a number of items of an upstream that answers with
// answer.
func harvestOf(t *testing.T, storeURL string, items int, answer func(v *victim, r *http.Request) *fakeapi.Reply) *victim {
	t.Helper()
	v := &victim{t: t}
	api, err := fakeapi.New(fakeapi.Options{Behaviour: fakeapi.Behaviour{Items: items, Answer: func(r *http.Request) *fakeapi.Reply { return answer(v, r) }}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = api.Close() })
	dir := t.TempDir()
	ca, err := api.CAFile(dir)
	if err != nil {
		t.Fatal(err)
	}
	var urls strings.Builder
	for i := range items {
		fmt.Fprintf(&urls, "%s/items/%d\n", api.URL, i)
	}
	corpus := filepath.Join(dir, "urls.txt")
	if err := os.WriteFile(corpus, []byte(urls.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	v.args, v.env = []string{"--run", "r", "--corpus", corpus, "--rate", "200", "--store", storeURL, "--progress", "none"}, []string{"SHOAL_CA=" + ca}
	return v
}

func verify(t *testing.T, storeURL string) {
	t.Helper()
	cmd := exec.CommandContext(context.Background(), testenv.Build(t, "./cmd/coordinator"), "verify", "--run", "r", "--store", storeURL)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("coordinator verify = %v, want it to hold\n%s", err, out)
	}
}

func TestAnItemThatKillsItsWorkerEndsDead(t *testing.T) {
	eachStore(t, func(t *testing.T, url string) {
		const items, poison = 300, 123
		var asked atomic.Int64
		v := harvestOf(t, url, items, func(v *victim, r *http.Request) *fakeapi.Reply {
			if r.URL.Path == fmt.Sprintf("/items/%d", poison) {
				asked.Add(1)
				v.kill()
			}
			return nil
		})
		for v.run() {
			if v.kills > 4 {
				t.Fatalf("%d workers were killed, want at most 4\n%s", v.kills, v.log.String())
			}
		}
		counts, lost := outcomes(t, url)
		if counts.Landed != items-1 || counts.Items() != items || len(lost) != 1 || lost[0].Outcome != harvest.Dead || lost[0].Reason != "suspected_poison" {
			t.Errorf("outcomes = %+v, %+v, want %d landed and one dead with suspected_poison\n%s", counts, lost, items-1, v.log.String())
		}
		if v.kills < 3 || asked.Load() != int64(v.kills) {
			t.Errorf("%d kills, asked for %d times, want 3 or 4 of both", v.kills, asked.Load())
		}
		verify(t, url)
	})
}

func TestRandomKillsEndNoItem(t *testing.T) {
	eachStore(t, func(t *testing.T, url string) {
		const items, kills = 1000, 10
		var left atomic.Int64
		v := harvestOf(t, url, items, func(v *victim, _ *http.Request) *fakeapi.Reply {
			if left.Add(-1) == 0 {
				v.kill()
			}
			return nil
		})
		for v.kills < kills {
			left.Store(1 + rand.Int64N(80))
			if !v.run() {
				t.Fatalf("the run ended after %d kills, want %d", v.kills, kills)
			}
		}
		if v.run() {
			t.Fatal("the worker was killed once more than wanted")
		}
		if counts, lost := outcomes(t, url); counts.Landed != items || len(lost) != 0 {
			t.Errorf("outcomes = %+v, %+v, want %d landed\n%s", counts, lost, items, v.log.String())
		}
		verify(t, url)
	})
}

// killingWiki is a wiki that kills the worker which asks for page 77, with others or without.
type killingWiki struct {
	wiki
	v *victim
}

func (k *killingWiki) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if slices.Contains(strings.Split(r.FormValue("pageids"), "|"), "77") {
		k.v.kill()
	}
	k.wiki.ServeHTTP(w, r)
}

func TestAnItemOfAPackThatKillsItsWorkerEndsDead(t *testing.T) {
	eachStore(t, func(t *testing.T, url string) {
		api := &killingWiki{v: &victim{t: t}}
		server := httptest.NewServer(api)
		t.Cleanup(server.Close)
		corpus := filepath.Join(t.TempDir(), "ids.txt")
		var ids strings.Builder
		for id := 1; id <= wikiPages; id++ {
			fmt.Fprintln(&ids, id)
		}
		if err := os.WriteFile(corpus, []byte(ids.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		api.v.args = []string{"--run", "r", "--upstream", "mediawiki", "--api", server.URL + "/w/api.php", "--corpus", "pageids:" + corpus, "--store", url, "--progress", "none"}
		for api.v.run() {
			if api.v.kills > 4 {
				t.Fatalf("%d workers were killed, want at most 4\n%s", api.v.kills, api.v.log.String())
			}
		}
		counts, lost := outcomes(t, url)
		if counts.Landed != wikiPages-1 || len(lost) != 1 || lost[0].Reason != "suspected_poison" {
			t.Errorf("outcomes = %+v, %+v, want %d landed and one dead with suspected_poison\n%s", counts, lost, wikiPages-1, api.v.log.String())
		}
		freshStart(t, url, api.v)
	})
}

// freshStart puts the dead item back: a person sees why, and the counts of the item begin anew.
func freshStart(t *testing.T, url string, v *victim) {
	t.Helper()
	coordinator := func(args ...string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), testenv.Build(t, "./cmd/coordinator"), append(args, "--run", "r", "--store", url)...).CombinedOutput()
		if err != nil {
			t.Fatalf("coordinator %v = %v\n%s", args, err, out)
		}
		return string(out)
	}
	if said := coordinator("show", "77"); !strings.Contains(said, "suspected_poison") || !strings.Contains(said, "3 workers crashed or were killed") {
		t.Errorf("coordinator show says\n%s\nwant the reason in words", said)
	}
	coordinator("retry", "--outcome", "dead")
	v.kills = 0
	for v.run() {
		if v.kills > 4 {
			t.Fatalf("%d workers were killed after the retry, want at most 4\n%s", v.kills, v.log.String())
		}
	}
	if v.kills < 3 {
		t.Errorf("the item was given up after %d kills, want a fresh start: 3 or 4", v.kills)
	}
}

func TestAnOrdinaryRunNotesNothing(t *testing.T) {
	eachStore(t, func(t *testing.T, url string) {
		v := harvestOf(t, url, 300, served)
		refuseNotes(t, url)
		if v.args = append(v.args, "--limit", "100"); v.run() {
			t.Fatal("the worker was killed")
		}
		if v.args = v.args[:len(v.args)-2]; v.run() {
			t.Fatal("the worker was killed")
		}
		if counts, _ := outcomes(t, url); counts.Landed != 300 {
			t.Errorf("%d items landed, want 300", counts.Landed)
		}
	})
}

// refuseNotes lets the store refuse every note of what is in flight.
func refuseNotes(t *testing.T, url string) {
	t.Helper()
	empty, err := stores.Open(t.Context(), url, store.Options{Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	if err := empty.Close(); err != nil {
		t.Fatal(err)
	}
	driver, source, statement := "pgx", url, "ALTER TABLE shoal.suspects ADD CONSTRAINT refuse CHECK (false)"
	if file, ok := strings.CutPrefix(url, "sqlite:"); ok {
		driver, source = "sqlite", "file:"+file
		statement = "CREATE TRIGGER refuse BEFORE INSERT ON suspects BEGIN SELECT RAISE(ABORT, 'no notes'); END"
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}
