package listing

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strconv"

	"shoal/internal/harvest"
)

// How long a chain may bring nothing new although its cursor always changes.
const (
	saidEmpty = 50    // answers without items in a row, after which a person reads of them
	maxEmpty  = 1_000 // and at which it is stopped
	maxSame   = 20    // answers in a row with the same items
)

// trail is what a walk remembers of a chain's steps. It is committed with each of them, so that a
// walk that was killed decides as it would have.
//
// A cursor may be the same for ever while each answer brings other items, as a scroll id is; so a
// chain ends when it comes back to a cursor and has brought nothing new on the way: no items, or
// those of the lap before.
type trail struct {
	Items string `json:"items,omitempty"` // of the step before
	Seen  string `json:"seen,omitempty"`  // where it went on once, hashed, to find out whether it comes back there
	Lap   string `json:"lap,omitempty"`   // the items of the steps since then, folded; empty while there are none
	Last  string `json:"last,omitempty"`  // those of the lap before
	Empty int    `json:"empty,omitempty"` // answers without items in a row
	Same  int    `json:"same,omitempty"`  // answers in a row with the items of the one before
}

// readTrail reads what was committed. Another start may continue a chain that was stopped for its
// empty answers.
func readTrail(chain harvest.Chain) (t trail) {
	if err := json.Unmarshal([]byte(chain.Trail), &t); err != nil { // of a store that had none: it starts here
		t = trail{Seen: cursorMark(chain.Next)}
	}
	if t.Empty >= maxEmpty-1 { // the answer that stops a chain is not committed
		t.Empty = 0
	}
	if t.Same >= maxSame-1 {
		t.Same = 0
	}
	return t
}

func (t trail) text() string {
	text, _ := json.Marshal(t) // strings and numbers can always be marshalled
	return string(text)
}

// judge judges the answer to the step at, which continues at then, and returns where the chain
// continues: nowhere, if it comes back and brings nothing new. [ErrBroken] means that it brings
// nothing and never ends.
func (t *trail) judge(table *Table, at harvest.Chain, then string) (string, error) {
	items := ""
	if o, ok := table.Lister.(Observer); ok {
		items = o.Observed(at.Seed)
	}
	same := items != "" && items == t.Items
	t.count(items, same)
	back := then != "" && cursorMark(then) == t.Seen
	repeated := then != "" && then == at.Next
	t.Items = items
	switch {
	case items == "" && (back || repeated):
		return "", fmt.Errorf("%w: %s comes back to where it was: after %s it continues at %s", ErrBroken, harvest.Quote(at.Seed), harvest.Quote(at.Next), harvest.Quote(then))
	case repeated && (same || items == ObservedNone):
		table.say(fmt.Sprintf("the listing %s ends: at the cursor that it was asked for it brings %s", harvest.Quote(at.Seed), brings(items)))
		return "", nil
	case back && !repeated && t.lapEnds(items):
		table.say(fmt.Sprintf("the listing %s ends: its cursors come back, and bring nothing new", harvest.Quote(at.Seed)))
		return "", nil
	case !back:
		t.move(at, then, items)
	}
	return then, t.endless(table, at)
}

func brings(items string) string {
	if items == ObservedNone {
		return "nothing any more"
	}
	return "the same items again"
}

func (t *trail) count(items string, same bool) {
	t.Empty, t.Same = t.Empty+1, t.Same+1
	if items != ObservedNone {
		t.Empty = 0
	}
	if !same || items == ObservedNone {
		t.Same = 0
	}
}

// lapEnds closes a lap. It reports whether it brought nothing: no items, or those of the lap
// before.
func (t *trail) lapEnds(items string) bool {
	lap := fold(t.Lap, items)
	nothing := lap == "" || lap == t.Last
	t.Last, t.Lap = lap, ""
	return nothing
}

// move remembers the place at which the chain continues after 1, 2, 4, 8 … steps, so that a circle
// of n steps is noticed within a few times n of them. Source: R. P. Brent, An improved Monte Carlo
// factorization algorithm, BIT 20 (1980).
func (t *trail) move(at harvest.Chain, then, items string) {
	if at.Step&(at.Step-1) == 0 {
		t.Seen, t.Lap, t.Last = cursorMark(then), "", ""
		return
	}
	t.Lap = fold(t.Lap, items)
}

// cursorMark returns a hash of a cursor, which may be long.
func cursorMark(cursor string) string {
	if cursor == "" {
		return ""
	}
	return harvest.KeyOf(cursor).String()
}

// fold adds one more answer to a lap; answers without items do not count.
func fold(lap, items string) string {
	if items == ObservedNone {
		return lap
	}
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(lap + "\n" + items)) // a hash never fails
	return strconv.FormatUint(sum.Sum64(), 36)
}

// endless stops a chain that always continues elsewhere and brings nothing.
func (t *trail) endless(table *Table, at harvest.Chain) error {
	switch {
	case t.Empty == saidEmpty:
		table.say(fmt.Sprintf("the listing %s has given %d answers without items in a row and continues; after %d Shoal stops it", harvest.Quote(at.Seed), saidEmpty, maxEmpty))
	case t.Empty >= maxEmpty:
		return fmt.Errorf("%w: %s gives answers without items for ever: %d in a row, the last at %s; start again to continue for as many",
			ErrBroken, harvest.Quote(at.Seed), maxEmpty, harvest.Quote(at.Next))
	case t.Same >= maxSame:
		return fmt.Errorf("%w: %s gives the same items again and again, though its cursor changes: is the parameter of the cursor in --corpus the right one?", ErrBroken, harvest.Quote(at.Seed))
	}
	return nil
}

// maxSaid is how many sentences about single chains a person reads: there may be a hundred thousand
// of them.
const maxSaid = 5

// say prints a sentence about a chain, if there is a person.
func (t *Table) say(sentence string) {
	if t.Say != nil && t.said.Add(1) <= maxSaid {
		t.Say(sentence)
	}
}
