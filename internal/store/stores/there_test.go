package stores_test

import (
	"os"
	"path/filepath"
	"testing"

	"shoal/internal/store/stores"
)

// TestMayExist checks that only a file that is not there is known to be absent, and that none is
// made.
func TestMayExist(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	there, absent := filepath.Join(dir, "there.db"), filepath.Join(dir, "absent.db")
	if err := os.WriteFile(there, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]bool{"sqlite:" + there: true, "sqlite:" + absent: false, "postgres://localhost:1/none": true} {
		if got := stores.MayExist(address); got != want {
			t.Errorf("MayExist(%s) = %v, want %v", address, got, want)
		}
	}
	if _, err := os.Stat(absent); !os.IsNotExist(err) {
		t.Errorf("Stat(%s) = %v after MayExist", absent, err)
	}
}
