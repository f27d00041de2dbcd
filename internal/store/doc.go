// Package store has the words and the interfaces of a store: the truth of a harvest, which knows which runs there are,
// which items have ended, and what came back for each.
//
// In go batches of harvest.Pages, whole or not at all; out come the keys that are done, counts, and pages and records in
// a stable order. Packages postgres and sqlite implement it, for a fleet and for one machine; package stores opens either.
//
// It links no driver and holds no SQL. A store never decides what is worth keeping, never retries by itself (an error says
// whether repeating can help), never talks to Redis or to an upstream, and never puts a password into an error.
package store
