package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"shoal/internal/upstream/all"
)

// TestManualPages: each command has a page that holds every flag of its help, with its default.
func TestManualPages(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "1767225600")
	env := Env{Version: "v1.2.3", Kinds: all.Kinds()}
	status := Subcommand{Name: "status", Short: "Show a run", Example: "coordinator status --run q4", Set: InStatus}
	for page, program := range map[string]*cobra.Command{
		"worker.1":             WorkerCommand(env, nil),
		"coordinator.1":        CoordinatorCommand(env, status),
		"coordinator-status.1": CoordinatorCommand(env, status),
	} {
		dir := filepath.Join(t.TempDir(), "man1")
		program.SetArgs([]string{"man", dir})
		if err := program.Execute(); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(dir, page))
		if err != nil {
			t.Fatal(err)
		}
		// In a page a dash is escaped.
		got := strings.ReplaceAll(string(text), `\-`, "-")
		want := map[string][]string{
			"worker.1":             {".TH \"WORKER\" \"1\" \"Jan 2026\" \"Shoal v1.2.3\"", "--batch\\fP=N\n\titems in one transaction, at most (1000)", "SHOAL_LOG_LEVEL", "worker --corpus urls.txt"},
			"coordinator.1":        {"COORDINATOR", "coordinator-status(1)"},
			"coordinator-status.1": {"--watch", "coordinator status --run q4"},
		}[page]
		for _, text := range want {
			if !strings.Contains(got, text) {
				t.Errorf("%s has no %q:\n%s", page, text, got)
			}
		}
		if strings.Contains(got, "man DIR") || strings.Contains(got, "coordinator-man") {
			t.Errorf("%s names the hidden command that writes it", page)
		}
		if page == "worker.1" {
			for _, s := range Settings() {
				if s.In&InWorker != 0 && s.In != inProfile && !strings.Contains(got, "--"+s.Name) {
					t.Errorf("%s has no --%s", page, s.Name)
				}
			}
		}
	}
}
