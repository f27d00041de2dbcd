// Package e2e holds the proofs of the promises in the README: real workers as processes, real
// Redis and PostgreSQL, an upstream that counts, and real faults. They take minutes, so they are
// built only with the tag prove and run by the scripts in scripts/prove.
//
// It has no code of its own to import.
package e2e
