package wire

import (
	"os"
	"runtime"

	"shoal/internal/aside"
	"shoal/internal/memory"
	"shoal/internal/upstream/plain"
)

// newJobs opens the processes in which an upstream's expressions can be ended.
func newJobs() (*aside.Pool, error) {
	plan := memory.Share(runtime.GOMAXPROCS(0))
	return aside.New(plan.Asides, plan.Aside)
}

// Begin is called first by each program. It bounds the memory. If the process was started to run
// expressions for another one, it does only that, and done is true.
func Begin() (code int, done bool, err error) {
	if args := os.Args[1:]; aside.Called(args) {
		return aside.Serve(args, os.Stdin, os.Stdout, new(plain.Jobs).Do), true, nil
	}
	return 0, false, memory.Bound()
}
