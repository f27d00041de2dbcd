// Package store has the words and the interfaces of a store, the only authority of a harvest: it
// knows which runs there are, which items have ended, and what came back for each.
//
// In go batches of [harvest.Page] values, all of a batch or none; out come the keys that are done,
// counts, and pages and records in a stable order. Packages postgres and sqlite implement it, for a
// fleet and for one machine; package stores opens either. Package simple has what a third one
// without SQL need not write.
//
// It links no driver and holds no SQL. A store never decides what is worth keeping, never retries
// by itself (an error reports whether repeating can help), never talks to Redis or to an upstream,
// and never puts a password into an error.
package store
