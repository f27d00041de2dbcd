package harvest

// Chain is the place at which an enumeration or a listing continues.
type Chain struct {
	Seed string // what is enumerated
	Step int64  // how many steps are committed
	Next string // token of the next one, empty at the start
	Done bool   // no step is left

	Trail string // what the walker remembers of the steps behind it, to notice that no step brings anything new
}

// Walked is how far the chains of a run have been walked, all together.
type Walked struct {
	Done    int   // chains that have come to their end
	Longest int64 // the largest number of steps that one has taken
}

// Add counts one chain.
func (w *Walked) Add(c Chain) {
	if c.Done {
		w.Done++
	}
	w.Longest = max(w.Longest, c.Step)
}
