package sqlite

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// flock locks the open file for this process, or returns false if it is locked already, even by
// this process. The system frees it when the process dies.
func flock(f *os.File) (bool, error) {
	err := windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY,
		0, 1, 0, new(windows.Overlapped))
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) {
		return false, nil
	}
	return err == nil, err
}
