package arch

import (
	"os/exec"
	"strings"
	"testing"
)

// TestWordsOfTheStoreLinkNoDriver lists all that the words of a store, its contract and the
// settings are made of: the driver of a database is not among it, so that it is linked only where a
// store is opened.
func TestWordsOfTheStoreLinkNoDriver(t *testing.T) {
	t.Parallel()
	for _, pkg := range []string{"internal/store", "internal/store/kinds", "internal/store/storetest", "internal/config"} {
		out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", module+pkg).Output()
		if err != nil || !strings.Contains(string(out), module+pkg+"\n") {
			t.Fatalf("go list -deps %s = %v, want its packages", pkg, err)
		}
		for dep := range strings.Lines(string(out)) {
			if strings.HasPrefix(dep, "github.com/jackc/") || strings.HasPrefix(dep, "modernc.org/") || strings.HasPrefix(dep, "database/sql") {
				t.Errorf("%s links %s", pkg, strings.TrimSpace(dep))
			}
		}
	}
}
