//go:build unix

package sqlite

import (
	"errors"
	"os"
	"syscall"
)

// flock locks the open file for this process, or returns false if it is locked already, even by
// this process. The kernel frees it when the process dies.
func flock(f *os.File) (bool, error) {
	for {
		switch err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
		case err == nil:
			return true, nil
		case errors.Is(err, syscall.EWOULDBLOCK):
			return false, nil
		case !errors.Is(err, syscall.EINTR):
			return false, err
		}
	}
}
