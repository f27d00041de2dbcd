package harvest

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
)

// nullsWithin is how many records are looked at: they are enough for a mistyped name.
const nullsWithin = 500

// Nulls finds members that are null in every record, as a mistyped name in an expression makes
// them.
type Nulls struct {
	records int
	only    map[string]bool // members so far; true while null in each record
}

// Add looks at a record.
func (n *Nulls) Add(data []byte) {
	if n.records == nullsWithin {
		return
	}
	n.records++
	var members map[string]json.RawMessage
	if len(data) == 0 || data[0] != '{' || json.Unmarshal(data, &members) != nil {
		return
	}
	if n.only == nil {
		n.only = map[string]bool{}
	}
	for name, value := range members {
		so, seen := n.only[name]
		n.only[name] = (so || !seen) && bytes.Equal(value, []byte("null"))
	}
}

// Records returns how many records were looked at.
func (n *Nulls) Records() int { return n.records }

// Names returns the members, in order.
func (n *Nulls) Names() (names []string) {
	for _, name := range slices.Sorted(maps.Keys(n.only)) {
		if n.only[name] {
			names = append(names, name)
		}
	}
	return names
}
