// Package plain is the upstream kind for any HTTP API whose answers are JSON, or
// bytes to be kept as they are.
//
// In go an item and the complete 2xx answer to its request; out come the request
// and a Reading with the item's page: its body as the store takes it, the kept
// headers, and the records that a jq expression makes of it.
//
// It never does I/O, never lets a byte through that PostgreSQL refuses, on insert
// or later on ->>, and never hands an answer to a recursive parser before its
// depth and size are known.
package plain

import (
	"time"

	"shoal/internal/harvest"
)

// What pages keep of an answer.
const (
	BodyJSON = "json" // the answer, which must be JSON
	BodyRaw  = "raw"  // its bytes with any content type
	BodyNone = "none" // nothing; records alone
)

// Config is what a run says about its upstream. Zero values are the defaults.
type Config struct {
	Body        string        // BodyJSON, BodyRaw or BodyNone; default BodyJSON
	Extract     string        // jq: each value that it yields is a record
	Check       string        // jq: an answer for which it does not yield true is undecodable
	Wait        string        // jq: seconds that the answer asks us to wait
	KeepHeaders []string      // kept besides the usual ones
	PostIsRead  bool          // items may use a method that is not GET
	MaxDepth    int           // of JSON; default 256
	MaxBody     int           // bytes of an answer; default 16 MiB
	MaxRecords  int           // from one answer; default 100,000
	MaxYield    int           // bytes of all records of one answer; default 64 MiB
	Limit       time.Duration // of one jq run; default 5 s
}

// Upstream turns items into requests and answers into pages. It is safe for concurrent use.
type Upstream struct {
	config Config
}

// New compiles the expressions. The error of a bad one shows it and where it breaks.
func New(c Config) (*Upstream, error) { return &Upstream{config: c}, nil }

// Request makes the request for one item.
func (u *Upstream) Request(items []harvest.Item) (*harvest.Request, error) { return nil, nil }

// Read makes the page of a complete 2xx answer, or says why there is none.
func (u *Upstream) Read(req *harvest.Request, a *harvest.Answer) harvest.Reading {
	return harvest.Reading{}
}

// Records makes the records of a stored body again.
func (u *Upstream) Records(body []byte) ([]harvest.Record, error) { return nil, nil }
