// Package aside runs work that may hang, or fill the memory, in a separate process that can be
// ended.
//
// In go a job as bytes and a time limit; out come the frames that the job yields, one after the
// other, and how it ended. The process is this same program, started again with [Argument] as its
// first argument; its main calls [Serve] with a [Job]. A process that takes too long or too much
// memory is ended and replaced. Package aside never knows what a job means, and its processes never
// see our environment, files or network, only two pipes.
package aside

import "errors"

// Argument is the first argument of a process that does jobs.
const Argument = "do-jobs-aside"

// Errors that end a job, besides errors of its own.
var (
	// ErrTime is wrapped when a job took longer than its limit.
	ErrTime = errors.New("it took longer than")
	// ErrDied is wrapped when a job ended its process, for example by taking too much memory.
	ErrDied = errors.New("it took too much memory")
	// ErrUnavailable is wrapped when no process could be started. It is no evidence against the
	// job.
	ErrUnavailable = errors.New("no process for it can be started")
)

// The kinds of frames that a process sends.
const (
	frameValue = 'v'
	frameError = 'e'
	frameEnd   = 'z'
)

// frameHead is the length of what precedes the bytes of a frame: its kind, and the number of its
// bytes.
const frameHead = 5
