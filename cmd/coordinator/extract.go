package main

import (
	"context"
	"errors"
	"fmt"

	"shoal/cmd/internal/wire"
	"shoal/internal/config"
	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/text"
)

// extract makes records of stored bodies again. It may be stopped and started:
// it goes on where it was, and nobody sees the new records before the last batch.
func (p *program) extract(ctx context.Context, set config.Coordinator) (err error) {
	truth, run, err := p.open(ctx, set, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, truth.Close()) }()
	spec := set.Extract
	if spec == "" {
		spec = run.Extract
	}
	if spec == "" {
		return config.Usagef("extract what? Add --extract JQ, such as --extract '.items[] | {id, title}'")
	}
	extract, done, err := wire.Extractor(run, spec)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	cursor, err := truth.ExtractBegin(ctx, run.Name, spec)
	if err != nil {
		return err
	}
	var bodies, records, failed int
	for {
		batch, err := truth.ExtractBodies(ctx, run.Name, cursor, set.Batch)
		if err != nil {
			return err
		}
		if len(batch) == 0 {
			break
		}
		made, bad, broken := extractBatch(extract, batch)
		if bad == len(batch) { // before anything of it is staged, so that a rerun meets it again
			return config.Usagef("--extract fails on each of the %d bodies from %s on, nothing was replaced: %v", len(batch), batch[0].URL, broken)
		}
		cursor = batch[len(batch)-1].Key
		if err := truth.ExtractStage(ctx, run.Name, made, cursor); err != nil {
			return err
		}
		bodies, failed = bodies+len(batch), failed+bad
		for i := range made {
			records += len(made[i].Records)
		}
		p.console.Log.Debug("extracted", "bodies", bodies, "records", records)
	}
	if err := truth.ExtractFinish(ctx, run.Name, spec); err != nil {
		return err
	}
	p.console.Say(fmt.Sprintf("run %s: %d records made again from %d bodies, without a request; the old ones are replaced", run.Name, records, bodies))
	if failed > 0 {
		p.console.Say(fmt.Sprintf("%d bodies gave no record because the expression failed on them", failed))
	}
	return nil
}

func extractBatch(extract func(body []byte) ([]harvest.Record, error), batch []store.StoredBody) (made []store.Extracted, failed int, broken error) {
	made = make([]store.Extracted, 0, len(batch))
	for i := range batch {
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

// bodyText is what was stored as UTF-8: raw bytes are in the charset that they came in.
func bodyText(stored *store.StoredBody) ([]byte, error) {
	if stored.Body != nil {
		return stored.Body, nil
	}
	body, _, err := text.Decode(stored.MediaType, stored.Raw, 3*len(stored.Raw)) // no charset takes more
	return body, err
}
