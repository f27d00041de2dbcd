package harvest

// Entry is what one line of a corpus is: an item, or a rejection.
type Entry struct {
	Item     Item
	Rejected *Rejection
}

// Rejection is a line of a corpus that is no item.
type Rejection struct {
	Line   int64
	Reason string // a short word, such as foreign_host
	Text   string // a sentence with the line's beginning, escaped
	Key    Key    // of the line's bytes; it decides which shard counts the line
}
