package harvest

// Listed is the result of one step of a listing.
type Listed struct {
	Entries []Entry // the items that it names, where it names items
	Page    Page    // the answer itself, where that is the page
	Sight   string  // a hash of its items: equal for equal items, the upstream's word for none
	More    string  // a sign that the listing continues, although it is configured to end after its first step
}
