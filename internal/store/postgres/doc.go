// Package postgres is the store of a fleet: one PostgreSQL server, whose clock decides for all.
//
// In goes the address of a server and batches of pages; out come rows of the schema shoal, each
// batch in one transaction. It never renews a lease on the connection that lands, and ends no
// session but those of its own role.
package postgres
