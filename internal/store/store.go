package store

import (
	"io"
	"time"
)

// Store is one open store, by its roles. A caller that needs one or two of them takes those, not
// the whole store.
//
// All methods are safe for concurrent use. An error for which errors.Is(err, [ErrUnavailable])
// holds may go away by itself: repeat the call; any other will not.
type Store struct {
	Runs
	Lifecycle
	Mirrors
	Pages
	Counts
	Retries
	Corpus
	Chains
	Leases
	Leaders
	Controls
	Silences
	Work
	Extraction

	// Closer gives all connections back.
	io.Closer

	// Warnings are settings of the server that a person should know about, a sentence each.
	Warnings []string
}

// Options are how to open a store.
type Options struct {
	// Application names this process to the server (application_name), such as "shoal worker 3/8".
	Application string
	// Version of this binary; stored with the runs it opens and with the migrations it applies.
	Version string
	// ReadOnly neither migrates nor writes: for export and status.
	ReadOnly bool
	// Existing refuses a store without our tables, with [ErrNoTables]: for orders about runs, which
	// no mistyped address has. ReadOnly does so too.
	Existing bool
	// LeaseTTL is how long a lease lasts without renewal; 0 means [DefaultLeaseTTL].
	LeaseTTL time.Duration
}

// DefaultLeaseTTL is the lease's time to live: a killed worker's shard is free after half of it.
const DefaultLeaseTTL = 6 * time.Second
