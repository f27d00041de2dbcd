package stores_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// TestMigrationsAreNumbered checks that the n-th migration of each store is named n: two of one
// number would swap their versions with the next that is added.
func TestMigrationsAreNumbered(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"postgres", "sqlite"} {
		names, err := filepath.Glob(filepath.Join("..", kind, "schema", "*.sql"))
		if err != nil || len(names) == 0 {
			t.Fatalf("Glob(%s) = %v, %v, want migrations", kind, names, err)
		}
		for i, name := range names {
			if want := fmt.Sprintf("%04d_", i+1); !strings.HasPrefix(filepath.Base(name), want) {
				t.Errorf("migration %d of %s is %s, want %s…", i+1, kind, filepath.Base(name), want)
			}
		}
	}
}
