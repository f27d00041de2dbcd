// Package harvest holds the words of Shoal: the values that travel from the corpus to the store,
// and the pure functions over them.
//
// In go the lines of a corpus; out come values of type [Item] with their [Key], [Request],
// [Answer], [Page] and [Record]. The package never touches a network, a clock, a disk or a
// database, and imports no other package of Shoal.
package harvest
