//go:build unix

package config

import (
	"os"
	"syscall"
)

// ownerOf returns the user that a file belongs to.
func ownerOf(info os.FileInfo) (uid int, known bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(stat.Uid), true
}
