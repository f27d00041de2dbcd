package store

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
	"testing"
)

// TestMigrationsAreNumbered checks that the n-th migration of each store is named n: two of one number would swap their
// versions with the next that is added.
func TestMigrationsAreNumbered(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{KindPostgres, KindSQLite} {
		names, err := fs.Glob(schemaFiles, "schema/"+kind+"/*.sql")
		if err != nil || len(names) == 0 {
			t.Fatalf("Glob(%s) = %v, %v, want migrations", kind, names, err)
		}
		for i, name := range names {
			if want := fmt.Sprintf("%04d_", i+1); !strings.HasPrefix(path.Base(name), want) {
				t.Errorf("migration %d of %s is %s, want %s…", i+1, kind, path.Base(name), want)
			}
		}
	}
}
