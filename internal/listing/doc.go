// Package listing walks what an upstream lists, chain by chain and step by step.
//
// In go the seeds of chains, each of which is an answer that names the next one; out come items, as
// the rows of a run's corpus table ([Items], [Own]), or the answers themselves as pages ([Pages]).
// Chains are walked side by side, and a step's items and the place of the next step are committed
// together, so that a kill leaves neither a gap nor a double. A file that can only be read from its
// beginning is a chain too ([Stream]).
//
// The package makes its requests through [exchange.Caller] and never decides when to send, what an
// answer holds or where a step is stored.
package listing
