// Package wire builds programs out of the parts: it is the one place where the siblings of
// internal/ meet.
//
// In go checked settings and the process' streams; out come running workers and an error that
// [ExitCode] understands. It never decides about pace, retries or landing.
package wire
