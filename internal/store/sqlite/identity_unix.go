//go:build unix

package sqlite

import (
	"fmt"
	"os"
	"syscall"
)

// fileIdentity returns the number of the file on its disk. The disk's own number is left out: it
// may change at a restart.
func fileIdentity(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return fmt.Sprint(stat.Ino), nil
	}
	return path, nil
}
