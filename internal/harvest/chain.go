package harvest

// Chain is the place at which an enumeration or a listing continues.
type Chain struct {
	Seed string // what is enumerated
	Step int64  // how many steps are committed
	Next string // token of the next one, empty at the start
	Done bool   // no step is left

	Trail string // what the walker remembers of the steps behind it, to notice that no step brings anything new
}
