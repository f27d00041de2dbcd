// Package observe gives a program what lets people watch it from elsewhere.
//
// In go the settings of a program and its progress; out come notices and heartbeats. It wires and
// decides nothing: what is an event, [shoal/internal/notify] knows.
package observe
