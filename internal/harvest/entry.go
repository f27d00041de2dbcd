package harvest

// Entry is one line of a corpus: an item, or a rejection.
type Entry struct {
	Item     Item
	Rejected *Rejection
}

// Rejection is a corpus line that does not name an item.
type Rejection struct {
	Line   int64
	Reason string // a short word, such as foreign_host
	Text   string // a sentence with the line's beginning, escaped
	Key    Key    // of the line's bytes; it decides which shard counts the line
}

// Line returns the entry's line in its corpus, from 1.
func (e Entry) Line() int64 {
	if e.Rejected != nil {
		return e.Rejected.Line
	}
	return e.Item.Line
}

// At returns the entry with another line number, or the number of a row of a table.
func (e Entry) At(line int64) Entry {
	if e.Rejected == nil {
		e.Item.Line = line
		return e
	}
	rejected := *e.Rejected
	rejected.Line = line
	return Entry{Rejected: &rejected}
}
