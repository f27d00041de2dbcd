// Package retry decides what follows one attempt.
//
// In go the facts of the attempt (status, header, fault, what the upstream made of the answer) and
// the policy of the profile; out comes one [Decision]. [ParseHint] reads every dialect of
// rate-limit headers that we know, [Streak] watches many attempts for signs that a person is
// needed.
//
// Everything here is pure: it never uses a clock, a sleep, a random number, a network or a log. The
// time and the jitter are inputs, so each decision can be repeated.
package retry
