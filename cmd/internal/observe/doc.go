// Package observe builds what looks at a harvest, or at what one would use, and takes no part in
// it.
//
// In go checked settings, the process' streams and its progress; out come reports, notices,
// heartbeats, traces. It wires, as package wire does, and decides nothing: the checks are those of
// internal/doctor, what is an event, internal/notify knows, and what its page shows of the store,
// internal/dashboard. That page reads the store through a connection that cannot write, opened when
// someone looks first.
package observe
