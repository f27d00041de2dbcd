// Package dataset writes the rows of a run into a file that other programs load.
//
// In go rows of one snapshot, in their order; out comes a file of JSON lines or CSV, perhaps
// packed, that appears under its name when it is complete. Memory does not depend on the number of
// rows: a CSV file must know its columns beforehand, so they are collected while the rows wait on
// disk.
//
// The package never opens a store, replaces no file without an option for it, and changes no value
// except those that a spreadsheet would run.
package dataset

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"shoal/internal/harvest"
)

// Row is a page, or a record with the Key, URL and ID of its page.
type Row struct {
	Page   harvest.Page
	Record harvest.Record
}

// Source calls each for every row of one snapshot, in a stable order, and stops at the first error
// that each returns.
type Source func(each func(Row) error) error

// Options select what is written.
type Options struct {
	Run       string
	Pages     bool   // pages rather than records
	Envelope  bool   // run, key, URL, id, ordinal and kind beside each record
	Unguarded bool   // CSV: text that a spreadsheet takes for a formula stays as it is
	Aside     string // folder for the rows of a CSV file until all columns are known; empty: the system's own
}

// Form is how rows are written.
type Form struct {
	CSV    bool
	Packed string // "", gz or zst
}

// FormOf reads the form from a file's name. ok is false if the name has none.
func FormOf(name string) (form Form, ok bool) {
	base := strings.ToLower(filepath.Base(name))
	for _, packed := range []string{"gz", "zst"} {
		if cut, found := strings.CutSuffix(base, "."+packed); found {
			base, form.Packed = cut, packed
			break
		}
	}
	switch filepath.Ext(base) {
	case ".jsonl", ".ndjson":
		return form, true
	case ".csv":
		form.CSV = true
		return form, true
	}
	return form, false
}

// Write writes all rows of source and counts them. If ctx ends, it returns the cause.
func (f Form) Write(ctx context.Context, w io.Writer, o Options, source Source) (rows int64, err error) {
	buffered := bufio.NewWriterSize(w, 1<<20)
	text, finish, err := f.pack(buffered)
	if err != nil {
		return 0, err
	}
	count := func(each func(Row) error) error {
		return source(func(row Row) error {
			rows++
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return each(row)
		})
	}
	switch {
	case f.CSV && o.Pages:
		err = pageTable(text, o, count)
	case f.CSV:
		err = recordTable(ctx, text, o, count)
	default:
		err = jsonLines(text, o, count)
	}
	if err != nil {
		return rows, err
	}
	if err := finish(); err != nil {
		return rows, err
	}
	return rows, buffered.Flush()
}

// pack puts the packer of the form before w. finish writes what it still holds.
func (f Form) pack(w io.Writer) (text io.Writer, finish func() error, err error) {
	switch f.Packed {
	case "gz":
		packed := gzip.NewWriter(w)
		return packed, packed.Close, nil
	case "zst":
		packed, err := zstd.NewWriter(w)
		if err != nil {
			return nil, nil, err
		}
		return packed, packed.Close, nil
	}
	return w, func() error { return nil }, nil
}

// PageLine is an exported page: the columns, in their order.
type PageLine struct {
	Key       string          `json:"key"`
	URL       string          `json:"url"`
	ID        string          `json:"id,omitempty"`
	Outcome   string          `json:"outcome"`
	Status    int             `json:"status"`
	Reason    string          `json:"reason,omitempty"`
	Detail    string          `json:"detail,omitempty"`
	Attempts  int             `json:"attempts"`
	Revision  string          `json:"revision,omitempty"`
	MediaType string          `json:"media_type,omitempty"`
	Headers   json.RawMessage `json:"headers,omitempty"`
	FetchedAt string          `json:"fetched_at"`
	Body      json.RawMessage `json:"body,omitempty"`
	Raw       []byte          `json:"raw,omitempty"` // base64
}

// RecordLine is a record with the columns beside it.
type RecordLine struct {
	Key     string          `json:"key"`
	URL     string          `json:"url"`
	ID      string          `json:"id,omitempty"`
	Ordinal int             `json:"ordinal"`
	Kind    string          `json:"kind"`
	Data    json.RawMessage `json:"data"`
}

// PageOf returns a page's line.
func PageOf(row Row) PageLine {
	p := row.Page
	return PageLine{
		Key: p.Key.String(), URL: p.URL, ID: p.ID, Outcome: string(p.Outcome), Status: p.Status, Reason: p.Reason, Detail: p.Detail,
		Attempts: p.Attempts, Revision: p.Revision, MediaType: p.MediaType, Headers: p.Headers,
		FetchedAt: p.FetchedAt.UTC().Format(time.RFC3339Nano), Body: p.Body, Raw: p.Raw,
	}
}

// RecordOf returns a record's line.
func RecordOf(row Row) RecordLine {
	return RecordLine{
		Key: row.Page.Key.String(), URL: row.Page.URL, ID: row.Page.ID,
		Ordinal: row.Record.Ordinal, Kind: row.Record.Kind, Data: row.Record.Data,
	}
}

// jsonLines writes each row as one line of JSON: a record as it is, or in its envelope.
func jsonLines(w io.Writer, o Options, source Source) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return source(func(row Row) error {
		var line any
		switch {
		case o.Pages && o.Envelope:
			line = struct {
				Run string `json:"run"`
				PageLine
			}{o.Run, PageOf(row)}
		case o.Pages:
			line = PageOf(row)
		case o.Envelope:
			line = struct {
				Run string `json:"run"`
				RecordLine
			}{o.Run, RecordOf(row)}
		default:
			line = json.RawMessage(row.Record.Data)
		}
		if err := encoder.Encode(line); err != nil {
			return fmt.Errorf("item %s: %w", row.Page.Key, err)
		}
		return nil
	})
}
