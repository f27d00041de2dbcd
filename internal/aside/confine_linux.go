package aside

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// confine has the kernel refuse what is beyond memory, also where one step of a job takes it all at once, and has it end
// this process before any other where a container's memory is used up.
func confine(memory int64) {
	if before := mapped(); before > 0 {
		most := before + uint64(memory)
		_ = unix.Setrlimit(unix.RLIMIT_DATA, &unix.Rlimit{Cur: most, Max: most}) // without it the watch bounds the heap
	}
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
	_ = os.WriteFile("/proc/self/oom_score_adj", []byte("1000"), 0)
}

// mapped is how much the process has mapped already, which is more than it uses; 0 if that cannot be read.
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
