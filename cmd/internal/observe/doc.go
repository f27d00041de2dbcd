// Package observe builds what looks at a harvest, or at what one would use, and takes no part in
// it.
//
// In go checked settings and the process' streams; out come reports. It wires, as package wire
// does, and decides nothing: the checks are those of internal/doctor.
package observe
