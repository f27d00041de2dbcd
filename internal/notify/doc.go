// Package notify sends word of what happens to a run to people and to dead-man switches.
//
// In go snapshots of [harvest.Progress] and how a process ended; out come signed [Notice]s to the
// addresses of --notify, and pings to that of --heartbeat, each from a goroutine of its own. A
// receiver that hangs, refuses or is away costs notices, which are logged, and never a request.
//
// It never decides what a run does, never follows a redirect, and never shows more of an address
// than its host: the address is what gives the right to post.
package notify
