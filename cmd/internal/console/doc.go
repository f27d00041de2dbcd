// Package console is the process around a program: its signals, what it shows a person or a script,
// its status page.
//
// In go the streams of the process and its settings; out come sentences, progress, logs and a
// request to stop. It knows nothing of runs: what it shows it is handed.
package console
