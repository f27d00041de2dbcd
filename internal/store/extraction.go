package store

import (
	"context"

	"shoal/internal/harvest"
)

// Extraction makes the records of a run again from the bodies that it keeps.
type Extraction interface {
	// ExtractBegin starts to make the run's records again by spec, or resumes where an earlier
	// start with the same spec stopped: cursor is the last key staged, all zero at the start. It
	// fails with [ErrBusy] while a worker holds a shard of the run.
	ExtractBegin(ctx context.Context, run, spec string) (cursor harvest.Key, err error)
	// ExtractBodies returns up to limit pages, fewer if they are large, with a body whose key is
	// above after, in order of key: those that landed, and those skipped because no records could
	// be made of them.
	ExtractBodies(ctx context.Context, run string, after harvest.Key, limit int) ([]StoredBody, error)
	// ExtractStage stores the records made of one batch and moves the cursor, both or neither. No
	// reader sees them yet.
	ExtractStage(ctx context.Context, run string, batch []Extracted, cursor harvest.Key) error
	// ExtractFinish replaces the run's records by the staged ones and its extract by spec, in one
	// transaction. Pages that were skipped because no records could be made of them land if the new
	// expression worked. It fails with [ErrBusy] if pages landed since ExtractBegin: the staged
	// records are then dropped, begin again.
	ExtractFinish(ctx context.Context, run, spec string) error
}

// StoredBody is the body of a page, as Body (JSON) or Raw (any bytes).
type StoredBody struct {
	Key       harvest.Key
	URL, ID   string
	MediaType string
	Body, Raw []byte
}

// Extracted are the records made again of one stored body.
type Extracted struct {
	Key     harvest.Key
	Records []harvest.Record
	Worked  bool // the expression came to its end; then it is not a failure that it yielded nothing
}
