// Package store is the truth of a harvest: which runs there are, which items have ended, and what came back for each.
//
// In go batches of harvest.Pages, whole or not at all; out come the keys that are done, counts, and pages and records in
// a stable order. Two twins hold the same tables: Postgres for a fleet and SQLite for one machine.
//
// It never decides what is worth keeping, never retries by itself (an error says whether repeating can help), never
// talks to Redis or to an upstream, and never puts a password into an error.
package store
