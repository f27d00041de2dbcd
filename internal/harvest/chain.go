package harvest

// Chain is where an enumeration or a listing goes on.
type Chain struct {
	Seed string // what is enumerated
	Step int64  // how many steps are committed
	Next string // token of the next one, empty at the start
	Done bool   // no step is left

	Trail string // what whoever walks it remembers of the steps behind, to notice that it brings nothing any more
}
