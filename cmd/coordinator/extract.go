package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"shoal/cmd/internal/wire"
	"shoal/internal/config"
	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/text"
	"shoal/internal/upstream/all"
)

// extract makes records of stored bodies again. It may be stopped and started: it continues where
// it was, and no reader sees the new records before the last batch.
func (p *program) extract(ctx context.Context, set config.Coordinator) (err error) {
	db, run, err := p.open(ctx, set, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	spec := set.Extract
	if spec == "" {
		spec = run.Extract
	}
	if spec == "" {
		return config.Usagef("extract what? Add --extract JQ, such as --extract '.items[] | {id, title}'")
	}
	extract, done, err := wire.Extractor(all.Kinds(), run, spec)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	cursor, err := db.ExtractBegin(ctx, run.Name, spec)
	if err != nil {
		return err
	}
	e := extraction{db: db, run: run.Name, extract: extract, batch: set.Batch, cursor: cursor, log: p.console.Log}
	if err := e.all(ctx); err != nil {
		return err
	}
	if err := db.ExtractFinish(ctx, run.Name, spec); err != nil {
		return err
	}
	p.console.Say(fmt.Sprintf("run %s: %d records made again from %d bodies, without a request; the old ones are replaced", run.Name, e.records, e.bodies))
	if e.failed > 0 {
		p.console.Say(fmt.Sprintf("%d bodies gave no record because the expression failed on them", e.failed))
	}
	return nil
}

// extraction goes through the bodies of a run.
type extraction struct {
	db      *store.Store
	run     string
	extract func(body []byte) ([]harvest.Record, error)
	batch   int
	cursor  harvest.Key
	log     *slog.Logger

	bodies, records, failed int
	futile                  []store.Extracted // on which the expression failed, one after the other; not staged
	first                   string            // the URL of the first of them
	broken                  error
}

// all makes the records of all bodies and stages them. If the expression worked on none of a batch,
// nothing is staged, so that a rerun meets it again.
func (e *extraction) all(ctx context.Context) error {
	for rows := min(e.batch, firstBodies); ; {
		batch, err := e.db.ExtractBodies(ctx, e.run, e.cursor, rows)
		if err != nil {
			return err
		}
		if len(batch) == 0 && e.bodies > len(e.futile) {
			return e.stage(ctx, nil)
		}
		if len(batch) == 0 && len(e.futile) > 0 || len(e.futile) >= e.batch {
			return config.Usagef("--extract fails on each of the %d bodies from %s on, nothing was replaced: %v", len(e.futile), e.first, e.broken)
		}
		if len(batch) == 0 {
			return nil
		}
		rows = nextBodies(batch, rows, e.batch)
		if err := e.some(ctx, batch); err != nil {
			return err
		}
	}
}

// some makes the records of a few bodies.
func (e *extraction) some(ctx context.Context, batch []store.StoredBody) error {
	made, bad, broken := extractBatch(ctx, e.extract, batch)
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(e.futile) == 0 {
		e.first = batch[0].URL
	}
	e.cursor, e.broken = batch[len(batch)-1].Key, cmp.Or(broken, e.broken)
	e.bodies, e.failed = e.bodies+len(batch), e.failed+bad
	if bad == len(batch) {
		e.futile = append(e.futile, made...)
		return nil
	}
	return e.stage(ctx, made)
}

// stage stages what was made, after the bodies on which the expression failed.
func (e *extraction) stage(ctx context.Context, made []store.Extracted) error {
	all := slices.Concat(e.futile, made)
	if len(all) == 0 {
		return nil
	}
	if err := e.db.ExtractStage(ctx, e.run, all, e.cursor); err != nil {
		return err
	}
	for i := range made {
		e.records += len(made[i].Records)
	}
	e.futile = nil
	e.log.Debug("extracted", "bodies", e.bodies, "records", e.records)
	return nil
}

const (
	// firstBodies is how many bodies are read before it is known how large they are.
	firstBodies = 8
	// batchBodies is how many bytes of bodies are in memory at a time, about.
	batchBodies = 16 << 20
)

// nextBodies is how many bodies to read next, by the size of the last ones. It grows slowly: the
// next may be larger.
func nextBodies(last []store.StoredBody, rows, most int) int {
	size := 1
	for i := range last {
		size += len(last[i].Body) + len(last[i].Raw)
	}
	return max(1, min(most, 4*rows, len(last)*batchBodies/size))
}

func extractBatch(ctx context.Context, extract func(body []byte) ([]harvest.Record, error), batch []store.StoredBody) (made []store.Extracted, failed int, broken error) {
	made = make([]store.Extracted, 0, len(batch))
	for i := range batch {
		if ctx.Err() != nil {
			break
		}
		var records []harvest.Record
		body, err := bodyText(&batch[i])
		if err == nil {
			records, err = extract(body)
		}
		if err != nil {
			failed++
			broken = err
			records = []harvest.Record{}
		}
		made = append(made, store.Extracted{Key: batch[i].Key, Records: records, Worked: err == nil})
	}
	return made, failed, broken
}

// bodyText returns what was stored as UTF-8: raw bytes are in the charset that they came in.
func bodyText(stored *store.StoredBody) ([]byte, error) {
	if stored.Body != nil {
		return stored.Body, nil
	}
	body, _, err := text.Decode(stored.MediaType, stored.Raw, 3*len(stored.Raw)) // no charset takes more
	return body, err
}
