//go:build !linux

package aside

// confine leaves memory to the watch.
func confine(int64) {}
