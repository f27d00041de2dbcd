package harvest

import "time"

// Times are the instants of one attempt; zero where they were not taken.
type Times struct {
	Began     time.Time // when a connection was asked for
	Connected time.Time // when there was one; then the permit was asked for
	Permitted time.Time // when the request left
	Answered  time.Time // when the answer had come, or the error
	Decoded   time.Time // when pages and records were made of it
}

// Attempt is one attempt at a request, for those who follow items on their way.
type Attempt struct {
	Times

	Request *Request
	Status  int    // of the answer; 0 if there was none
	Reason  string // why its items are tried again or given up; empty if they were accepted
}
