package upstream

import (
	"io"
	"time"

	"shoal/internal/harvest"
)

// Settings are what an operator set about the upstream, as flags have it. Zero values mean "not
// set".
type Settings struct {
	Kind        string // name of the kind
	API, URL    string // --api in canonical form; --url
	Corpus      string
	Extract     string
	Body        string // json, raw or none
	Check, Wait string
	Pack        int
	Split, ID   string
	Absent      string
	Next, Items string
	PostIsRead  bool
	KeepHeaders []string
	MaxBody     int64
	Profile     string
	Auth        string // kind of the credential; empty for none
	AuthParam   string // the query parameter that is the credential; empty where none is
}

// Tools are what the process gives a kind to work with.
type Tools struct {
	Aside    Aside // runs what may have to be ended; nil: it runs in this process
	MaxYield int   // bytes of all records of one answer; 0: the kind's own bound
}

// Aside does jobs in processes that can be ended. See the kind that has such jobs.
type Aside interface {
	// Do has the job done within limit, and gives visit each frame that it yields, which is valid
	// until visit returns.
	Do(limit time.Duration, visit func(frame []byte) error, parts ...[]byte) error
}

// Lines are how a corpus in lines is read where the kind does so by itself.
type Lines struct {
	URI   string                                  // what is read
	Hosts []string                                // that items may have; none means that of the first item, or of the API
	Line  func(line string) (harvest.Item, error) // makes an item of a line; the error is why it is not one
	Text  func(io.Reader) io.Reader               // makes lines of what is read, once it is unpacked; nil: it has lines
}
