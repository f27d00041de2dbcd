// Package simple has what a store without a query language would have to write again: roles that
// are derived from smaller methods ([Pages], [Orders], [Flight]), and tables of a run as Go values
// that keep the rules of the store ([Shards], [Suspects], [Chains], [Work], [Extract]).
//
// In go rows, orders and the instant; out come the rows as they are then, and the errors of the
// roles. It locks nothing and writes nothing: the store does that around each call, in one
// transaction, and may keep the values in whatever form it likes. PostgreSQL and SQLite express the
// same rules in SQL, where the rows are.
package simple
