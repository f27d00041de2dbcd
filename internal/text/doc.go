// Package text finds out what the bytes of an answer or of a corpus are: which characters they stand for, and what they
// are where they are not the JSON that was expected.
//
// In go bytes and the headers that describe them; out come UTF-8, or a sentence for a person. It never does I/O, never
// reads more than a bounded beginning to guess, and never changes a byte that nothing says is to be changed.
package text
