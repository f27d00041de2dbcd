// Package sqlite is the store of one machine: one SQLite file, and beside it locked files that show who is at work.
//
// In goes the name of a file and batches of pages; out come rows, each batch in one transaction. It never writes on more
// than one connection, and knows no other machine.
package sqlite
