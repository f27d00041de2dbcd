package aside

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// confine makes the kernel refuse memory beyond the limit, even if one step of a job asks for it
// all at once, and end this process before any other if a container runs out of memory.
func confine(memory int64) {
	if before := mapped(); before > 0 {
		most := before + uint64(memory)
		_ = unix.Setrlimit(unix.RLIMIT_DATA, &unix.Rlimit{Cur: most, Max: most}) // without it the watch bounds the heap
	}
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0)
}

// mapped returns how much the process has already mapped, which is more than it uses; 0 if that
// cannot be read.
func mapped() uint64 {
	text, err := os.ReadFile("/proc/self/statm")
	fields := strings.Fields(string(text))
	if err != nil || len(fields) < 6 {
		return 0
	}
	pages, err := strconv.ParseUint(fields[5], 10, 64)
	if err != nil {
		return 0
	}
	return pages * uint64(os.Getpagesize())
}
