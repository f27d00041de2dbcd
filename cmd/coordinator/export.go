package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"shoal/internal/config"
	"shoal/internal/store"
)

// export streams rows into a file that appears under its name when it is whole.
func (p *program) export(ctx context.Context, set config.Coordinator) (err error) {
	form, err := formOf(set.To)
	if err != nil {
		return err
	}
	truth, run, err := p.open(ctx, set, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, truth.Close()) }()
	out, err := create(set.To, p.stdout)
	if err != nil {
		return err
	}
	rows, err := form.write(out, store.What(set.Table), func(each func(store.Row) error) error {
		return truth.Export(ctx, store.Query{Run: run.Name, What: store.What(set.Table)}, each)
	})
	if err != nil {
		return errors.Join(fmt.Errorf("export run %s: %w", run.Name, err), out.abandon())
	}
	if err := out.commit(); err != nil {
		return err
	}
	p.console.Say(fmt.Sprintf("%d %s of run %s written to %s", rows, set.Table, run.Name, out.name))
	if rows == 0 && set.Table == string(store.Records) && run.Extract == "" {
		p.console.Say("run " + run.Name + " was harvested without --extract, so it has no records: export --table pages, or make records with coordinator extract")
	}
	return nil
}

// form is how rows are written.
type form struct{ csv, zst bool }

func formOf(name string) (form, error) {
	base, zst := strings.CutSuffix(name, ".zst")
	switch {
	case name == "":
		return form{}, config.Usagef("where to? Add --to FILE.jsonl.zst, FILE.jsonl or FILE.csv, or --to - for the screen")
	case name == "-", strings.HasSuffix(base, ".jsonl"):
		return form{zst: zst}, nil
	case strings.HasSuffix(base, ".csv"):
		return form{csv: true, zst: zst}, nil
	}
	return form{}, config.Usagef("--to %s: the name says the form: .jsonl or .csv, each also with .zst", name)
}

// write writes all rows that source gives and counts them.
func (f form) write(w io.Writer, what store.What, source func(each func(store.Row) error) error) (rows int64, err error) {
	buffered := bufio.NewWriterSize(w, 1<<20)
	var text io.Writer = buffered
	finish := []func() error{buffered.Flush}
	if f.zst {
		packed, err := zstd.NewWriter(buffered)
		if err != nil {
			return 0, err
		}
		text, finish = packed, append([]func() error{packed.Close}, finish...)
	}
	each, flush := jsonLines(text, what)
	if f.csv {
		each, flush = csvLines(text, what)
	}
	err = source(func(row store.Row) error {
		rows++
		return each(row)
	})
	if err != nil {
		return rows, err
	}
	for _, do := range append([]func() error{flush}, finish...) {
		if err := do(); err != nil {
			return rows, err
		}
	}
	return rows, nil
}

// pageLine and recordLine are the exported columns, in their order.
type pageLine struct {
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

type recordLine struct {
	Key     string          `json:"key"`
	URL     string          `json:"url"`
	ID      string          `json:"id,omitempty"`
	Ordinal int             `json:"ordinal"`
	Kind    string          `json:"kind"`
	Data    json.RawMessage `json:"data"`
}

func pageOf(row store.Row) pageLine {
	p := row.Page
	return pageLine{
		Key: p.Key.String(), URL: p.URL, ID: p.ID, Outcome: string(p.Outcome), Status: p.Status, Reason: p.Reason, Detail: p.Detail,
		Attempts: p.Attempts, Revision: p.Revision, MediaType: p.MediaType, Headers: p.Headers,
		FetchedAt: p.FetchedAt.UTC().Format(time.RFC3339Nano), Body: p.Body, Raw: p.Raw,
	}
}

func recordOf(row store.Row) recordLine {
	return recordLine{
		Key: row.Page.Key.String(), URL: row.Page.URL, ID: row.Page.ID,
		Ordinal: row.Record.Ordinal, Kind: row.Record.Kind, Data: row.Record.Data,
	}
}

func jsonLines(w io.Writer, what store.What) (each func(store.Row) error, flush func() error) {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return func(row store.Row) error {
		if what == store.Pages {
			return encoder.Encode(pageOf(row))
		}
		return encoder.Encode(recordOf(row))
	}, func() error { return nil }
}

func csvLines(w io.Writer, what store.What) (each func(store.Row) error, flush func() error) {
	out := csv.NewWriter(w)
	header := []string{"key", "url", "id", "ordinal", "kind", "data"}
	if what == store.Pages {
		header = []string{"key", "url", "id", "outcome", "status", "reason", "attempts", "revision", "media_type", "fetched_at", "headers", "detail", "body", "raw"}
	}
	started := false
	begin := func() error {
		if started {
			return nil
		}
		started = true
		return out.Write(header)
	}
	each = func(row store.Row) error {
		if err := begin(); err != nil {
			return err
		}
		if what == store.Pages {
			p := pageOf(row)
			return out.Write([]string{
				p.Key, p.URL, p.ID, p.Outcome, strconv.Itoa(p.Status), p.Reason, strconv.Itoa(p.Attempts), p.Revision, p.MediaType, p.FetchedAt,
				string(p.Headers), p.Detail, string(p.Body), base64.StdEncoding.EncodeToString(p.Raw),
			})
		}
		r := recordOf(row)
		return out.Write([]string{r.Key, r.URL, r.ID, strconv.Itoa(r.Ordinal), r.Kind, string(r.Data)})
	}
	return each, func() error {
		if err := begin(); err != nil {
			return err
		}
		out.Flush()
		return out.Error()
	}
}

// output is a file under a temporary name, or stdout.
type output struct {
	io.Writer
	file *os.File
	name string
}

func create(name string, stdout *os.File) (*output, error) {
	if name == "-" {
		return &output{Writer: stdout, name: "stdout"}, nil
	}
	file, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return nil, config.Usagef("cannot write %s: %v", name, err)
	}
	return &output{Writer: file, file: file, name: name}, nil
}

func (o *output) commit() error {
	if o.file == nil {
		return nil
	}
	// Temporary files are for their owner alone; an export is meant to be read like any file.
	if err := errors.Join(o.file.Chmod(0o644), o.file.Sync(), o.file.Close()); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", o.name, err), os.Remove(o.file.Name()))
	}
	return os.Rename(o.file.Name(), o.name)
}

func (o *output) abandon() error {
	if o.file == nil {
		return nil
	}
	return errors.Join(o.file.Close(), os.Remove(o.file.Name()))
}
