// Package aside runs what may hang, or fill the memory, in a process of its own, which can be ended.
//
// In go a job as bytes and a limit of time; out come the frames that the job yields, one after the other, and how it ended.
// The process is this same program, started again with [Argument] as its first argument: its main calls [Serve] with what
// jobs mean. A process that takes too long or too much is ended and replaced. Package aside never knows what a job is, and
// its processes see no environment, no file and no network of ours but two pipes.
package aside

import "errors"

// Argument is the first argument of a process that does jobs.
const Argument = "do-jobs-aside"

// What a job may end with, besides errors of its own.
var (
	// ErrTime is wrapped when a job took longer than its limit.
	ErrTime = errors.New("it took longer than")
	// ErrDied is wrapped when a job ended its process, as one does that takes too much memory.
	ErrDied = errors.New("it took too much memory")
	// ErrUnavailable is wrapped when no process could be had. It says nothing about the job.
	ErrUnavailable = errors.New("no process for it can be started")
)

// The kinds of frames that a process sends.
const (
	frameValue = 'v'
	frameError = 'e'
	frameEnd   = 'z'
)

// frameHead is the length of what precedes the bytes of a frame: its kind, and how many bytes there are.
const frameHead = 5
