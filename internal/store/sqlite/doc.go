// Package sqlite is the store of one machine: one SQLite file, and beside it locked files that show
// which process is at work.
//
// In goes the name of a file and batches of pages; out come rows, each batch in one transaction. It
// never writes on more than one connection, and never serves another machine.
package sqlite
