package pagetest

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestReport shows the file of a run's report at two widths, light and dark.
func TestReport(t *testing.T) {
	w := build(t)
	file := filepath.Join(w.dir, "report.html")
	cmd := exec.CommandContext(t.Context(), filepath.Join(w.dir, "coordinator"), "report", "--store", w.store, "--run", run, "--html", file)
	cmd.Dir = w.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("coordinator report --html: %v: %s", err, out)
	}
	for _, width := range []int64{360, 1280} {
		for _, color := range []string{"light", "dark"} {
			ctx, what := browse(t, width, color), fmt.Sprintf("report-%d-%s", width, color)
			do(t, ctx, chromedp.Navigate("file://"+file), chromedp.WaitVisible("#manners"))
			harmless(t, ctx, what)
			accessible(t, ctx, what)
			picture(t, ctx, what)
		}
	}
}
