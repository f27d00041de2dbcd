package harvest

import (
	"os"
	"regexp"
	"slices"
	"testing"
)

// TestLimitsAreAll reads the constants from the source, because Go cannot list them.
func TestLimitsAreAll(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("progress.go")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^\tLimit\w+\s+Limit = "([^"]+)"`).FindAllSubmatch(source, -1)
	if len(found) != len(Limits()) {
		t.Errorf("Limits() = %d limits, want the %d of the source", len(Limits()), len(found))
	}
	for _, match := range found {
		if limit := Limit(match[1]); !slices.Contains(Limits(), limit) {
			t.Errorf("Limits() = %q, want %q among them", Limits(), limit)
		}
	}
}
