//go:build !linux

package doctor

// Here is this machine. Elsewhere than on Linux it answers nothing.
type Here struct{}

// Files implements [Machine].
func (Here) Files() (limit uint64, known bool) { return 0, false }

// Disk implements [Machine].
func (Here) Disk(string) (d Disk, known bool) { return d, false }
