package wire_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"shoal/cmd/internal/wire"
	"shoal/internal/config"
	"shoal/internal/upstream/all"
)

// TestTryIntroducesUs: a first look at a wiki that knows us needs no store to ask what has landed.
func TestTryIntroducesUs(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if strings.Contains(r.FormValue("meta"), "userinfo") {
			fmt.Fprint(w, `{"batchcomplete":true,"query":{"userinfo":{"id":1,"name":"Ada","rights":["apihighlimits"]}}}`)
			return
		}
		fmt.Fprint(w, `{"batchcomplete":true,"query":{"pages":[{"pageid":1,"ns":0,"title":"A","revisions":[{"slots":{"main":{"content":"x"}}}]}]}}`)
	}))
	defer server.Close()
	dir := t.TempDir()
	for name, text := range map[string]string{"titles.txt": "A\n", "shoal.yaml": "auth: {kind: bearer, secret-env: TOKEN}\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("TOKEN", "secret-0")
	var said, out strings.Builder
	cmd := config.WorkerCommand(config.Env{Dir: dir, Environ: []string{"TOKEN=secret-0"}, Kinds: all.Kinds()}, func(ctx context.Context, set config.Worker) error {
		return wire.Try(ctx, wire.Env{Out: &out, Log: slog.New(slog.DiscardHandler), Stop: make(chan struct{}), Say: func(sentence string) { fmt.Fprintln(&said, sentence) }}, set)
	})
	cmd.SetArgs([]string{"--try", "1", "--api", server.URL + "/w/api.php", "--corpus", filepath.Join(dir, "titles.txt")})
	if err := cmd.ExecuteContext(t.Context()); err != nil {
		t.Fatalf("worker --try = %v, want none", err)
	}
	if !strings.Contains(said.String(), "the wiki knows us as") || !strings.Contains(out.String(), "outcome   landed") {
		t.Errorf("worker --try said %q and showed %q, want that the wiki knows us, and a page", said.String(), out.String())
	}
}
