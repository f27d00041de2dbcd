// Package text finds out what the bytes of an answer or of a corpus are: their characters and, if
// they are not the JSON that was expected, their format.
//
// In go bytes and the headers that describe them; out come UTF-8, or a sentence for a person. The
// package never does I/O, never reads more than a bounded beginning to guess, and never changes a
// byte without a reason in the data.
package text
