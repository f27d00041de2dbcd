package wire_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"shoal/cmd/internal/wire"
	"shoal/internal/config"
	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/stores"
	"shoal/internal/upstream/all"
	"shoal/internal/upstream/upstreamtest"
)

// thingCount is how many things the shop has; each with an id that three divides is gone.
const thingCount = 60

// shop answers as the kind things has it, and counts the requests for things.
func shop(t *testing.T) (url string, asked *atomic.Int64) {
	t.Helper()
	asked = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/csv")
		if r.FormValue("ids") == "" {
			after, _ := strconv.Atoi(r.FormValue("after"))
			for id := after + 1; id <= min(after+25, thingCount); id++ {
				fmt.Fprintf(w, "%d,thing %d\n", id, id)
			}
			return
		}
		asked.Add(1)
		for text := range strings.SplitSeq(r.FormValue("ids"), ",") {
			if id, err := strconv.Atoi(text); err == nil && id%3 != 0 {
				fmt.Fprintf(w, "%d,\"thing %d, in words\"\n", id, id)
			}
		}
	}))
	t.Cleanup(server.Close)
	return server.URL + "/things", asked
}

// harvestThings runs a worker that knows one kind more than the programs do.
func harvestThings(t *testing.T, args ...string) error {
	t.Helper()
	env := config.Env{Dir: t.TempDir(), Kinds: append(all.Kinds(), upstreamtest.Things())}
	cmd := config.WorkerCommand(env, func(ctx context.Context, set config.Worker) error {
		_, err := wire.Harvest(ctx, wire.Env{Out: io.Discard, Log: slog.New(slog.DiscardHandler), Stop: make(chan struct{}), Say: func(sentence string) { t.Log(sentence) }}, set)
		return err
	})
	cmd.SetArgs(append(args, "--rate", "1000/s", "--pack", "10"))
	cmd.SetOut(io.Discard)
	cmd.SetErr(io.Discard)
	return cmd.ExecuteContext(t.Context())
}

// TestThirdKind: a kind that one row adds is harvested by the worker's own loop, from a file of ids
// and from what the API lists, in packs, into SQLite; a resumed run learns its kind from the store.
func TestThirdKind(t *testing.T) {
	t.Parallel()
	var ids strings.Builder
	for id := 1; id <= thingCount; id++ {
		fmt.Fprintln(&ids, id)
	}
	file := filepath.Join(t.TempDir(), "ids.txt")
	if err := os.WriteFile(file, []byte(ids.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, corpus := range map[string]string{"a file": file, "a listing": "things:"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api, asked := shop(t)
			address := "sqlite:" + filepath.Join(t.TempDir(), "shoal.db")
			if err := harvestThings(t, "--upstream", "things", "--api", api, "--corpus", corpus, "--extract", "row", "--run", "r", "--store", address); err != nil {
				t.Fatalf("the harvest = %v, want none", err)
			}
			before := asked.Load()
			if before > thingCount/2 {
				t.Errorf("%d requests for %d things, want packs", before, thingCount)
			}
			if err := harvestThings(t, "--run", "r", "--store", address); err != nil {
				t.Fatalf("the same run again = %v, want none", err)
			}
			if again := asked.Load() - before; again != 0 {
				t.Errorf("the same run again made %d requests for things, want 0", again)
			}
			s, err := stores.Open(t.Context(), address, store.Options{Existing: true})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			totals, err := s.Totals(t.Context(), "r")
			if want := (harvest.Counts{Landed: thingCount * 2 / 3, Missing: thingCount / 3, Bytes: totals.Bytes}); err != nil || totals != want {
				t.Errorf("Totals() = %+v, %v, want %+v", totals, err, want)
			}
			records := 0
			if err := s.Export(t.Context(), store.Query{Run: "r", What: store.RecordRows}, func(store.Row) error { records++; return nil }); err != nil || records != thingCount*2/3 {
				t.Errorf("Export() = %d records, %v, want %d", records, err, thingCount*2/3)
			}
			run, err := s.FindRun(t.Context(), "r")
			if err != nil || run.Upstream != "things" || run.API != api {
				t.Errorf("FindRun() = %s at %s, %v, want things at %s", run.Upstream, run.API, err, api)
			}
		})
	}
}

// TestThirdKindIsInTheHelp: what the flags mean to a kind comes from its row.
func TestThirdKindIsInTheHelp(t *testing.T) {
	t.Parallel()
	var help strings.Builder
	things := upstreamtest.Things()
	cmd := config.WorkerCommand(config.Env{Dir: t.TempDir(), Kinds: append(all.Kinds(), things)}, func(context.Context, config.Worker) error { return nil })
	cmd.SetArgs([]string{"--help"})
	cmd.SetOut(&help)
	if err := cmd.ExecuteContext(t.Context()); err != nil {
		t.Fatalf("worker --help = %v, want nil", err)
	}
	text := strings.Join(strings.Fields(help.String()), " ") // without the breaks of lines
	for _, kind := range append(all.Kinds(), things) {
		for _, part := range []string{kind.Help.Corpus, kind.Help.API, kind.Help.Extract} {
			if part != "" && !strings.Contains(text, kind.Name+": "+part) {
				t.Errorf("worker --help has no %q\n%s", kind.Name+": "+part, help.String())
			}
		}
	}
	if things.Help.Corpus == "" || things.Help.API == "" || things.Help.Extract == "" {
		t.Errorf("the third kind's help is %+v, want something about each flag", things.Help)
	}
}

// TestThirdKindIsChecked: what --upstream may be, and what goes together, comes from the table.
func TestThirdKindIsChecked(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"plain, mediawiki and things":           {"--upstream", "thing"},
		"which shop? Add --api":                 {"--upstream", "things", "--corpus", "things:"},
		"belongs to the plain upstream: a shop": {"--upstream", "things", "--api", "http://127.0.0.1:1/things", "--corpus", "list:http://127.0.0.1:1/i", "--next", "none"},
		"a shop is named by --api":              {"--upstream", "things", "--corpus", "ids.txt", "--url", "http://127.0.0.1:1/{id}"},
	} {
		args = append(args, "--store", "sqlite:"+filepath.Join(t.TempDir(), "shoal.db"))
		if err := harvestThings(t, args...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("worker %q = error %v, want one that contains %q", args, err, want)
		}
	}
}
