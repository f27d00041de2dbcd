// Package harvest holds the words of Shoal: the values that travel from the
// corpus to the store, and the pure functions over them.
//
// In go the lines of a corpus; out come Items with their Keys, Requests, Answers,
// Pages and Records. The package never touches a network, a clock, a disk or a
// database, and imports nothing else of ours.
package harvest
