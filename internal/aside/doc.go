// Package aside runs work that may hang, or fill the memory, in a separate process that can be
// ended.
//
// In go a job as bytes and a time limit; out come the frames that the job yields, one after the
// other, and how it ended. The process is this same program, started again with [Argument] as its
// first argument; its main calls [Serve] with a [Job]. A process that takes too long or too much
// memory is ended and replaced. Package aside never knows what a job means, and its processes never
// see our environment, files or network, only two pipes.
package aside

// Argument is the first argument of a process that does jobs.
const Argument = "do-jobs-aside"

// Errors that end a job, besides errors of its own. Each has a method Begun, which reports whether
// the job had begun: if it had not, the error is no evidence against it.
var (
	// ErrTime is wrapped when a job took longer than its limit.
	ErrTime error = &ended{text: "it took longer than", begun: true}
	// ErrDied is wrapped when a job ended its process, for example by taking too much memory.
	ErrDied error = &ended{text: "it took too much memory", begun: true}
	// ErrUnavailable is wrapped when no process could be started.
	ErrUnavailable error = &ended{text: "no process for it can be started"}
)

// ended is the error of a job that did not come to an end of its own.
type ended struct {
	text  string
	begun bool
}

// Error implements error.
func (e *ended) Error() string { return e.text }

// Begun reports whether the job had begun.
func (e *ended) Begun() bool { return e.begun }

// The kinds of frames that a process sends.
const (
	frameValue = 'v'
	frameError = 'e'
	frameEnd   = 'z'
)

// frameHead is the length of what precedes the bytes of a frame: its kind, and the number of its
// bytes.
const frameHead = 5
