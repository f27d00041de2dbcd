package dataset

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"
)

// maxColumns is more than any program opens. If each record has names of its own, the records are
// not a table.
const maxColumns = 10_000

// ErrColumns is returned if the records have more members than a table may have columns.
var ErrColumns = fmt.Errorf("the records have more than %d members of different names, too many for columns: write JSON lines (.jsonl)", maxColumns)

// valueColumn holds the records that have no members.
const valueColumn = "value"

// envelopeColumns are beside a record, whose own members are then called data.NAME.
var envelopeColumns = []string{"run", "key", "url", "id", "ordinal", "kind"}

var pageColumns = []string{"key", "url", "id", "outcome", "status", "reason", "attempts", "revision", "media_type", "fetched_at", "headers", "detail", "body", "raw"}

// pageTable writes pages, whose columns are known.
func pageTable(w io.Writer, o Options, source Source) error {
	out := csv.NewWriter(w)
	var run []string
	head := pageColumns
	if o.Envelope {
		run, head = []string{o.Run}, append([]string{"run"}, pageColumns...)
	}
	if err := out.Write(head); err != nil {
		return err
	}
	guard := guardOf(o)
	err := source(func(row Row) error {
		p := PageOf(row)
		return out.Write(append(slices.Clone(run), p.Key, guard(p.URL), guard(p.ID), p.Outcome, strconv.Itoa(p.Status), guard(p.Reason), strconv.Itoa(p.Attempts), guard(p.Revision),
			guard(p.MediaType), p.FetchedAt, string(p.Headers), guard(p.Detail), string(p.Body), base64.StdEncoding.EncodeToString(p.Raw)))
	})
	if err != nil {
		return err
	}
	out.Flush()
	return out.Error()
}

// recordTable writes records, each member in its own column. The columns are known after the last
// row, so the rows wait on disk until then.
func recordTable(ctx context.Context, w io.Writer, o Options, source Source) error {
	aside, err := newSpill(o.Aside)
	if err != nil {
		return err
	}
	names := map[string]bool{}
	err = source(func(row Row) error {
		members, err := membersOf(row.Record.Data)
		if err != nil {
			return fmt.Errorf("item %s, record %d: %w", row.Page.Key, row.Record.Ordinal, err)
		}
		for name := range members {
			names[name] = true
		}
		if len(names) > maxColumns {
			return ErrColumns
		}
		return aside.add(RecordOf(row))
	})
	if err == nil {
		err = writeRecords(ctx, w, o, aside, names)
	}
	return errors.Join(err, aside.remove())
}

// writeRecords writes the rows that waited. Columns are sorted by name: stores keep the members of
// an object each in an order of its own, and the file must be the same from all of them.
func writeRecords(ctx context.Context, w io.Writer, o Options, aside *spill, names map[string]bool) error {
	columns := make([]string, 0, len(names))
	for name := range names {
		columns = append(columns, name)
	}
	slices.Sort(columns)
	guard := guardOf(o)
	out := csv.NewWriter(w)
	var head []string
	if o.Envelope {
		head = slices.Clone(envelopeColumns)
	}
	for _, name := range columns {
		if o.Envelope {
			name = "data." + name
		}
		head = append(head, guard(name))
	}
	if len(head) > 0 { // no record, no column
		if err := out.Write(head); err != nil {
			return err
		}
	}
	fields := make([]string, 0, len(head))
	err := aside.each(func(r RecordLine) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		members, err := membersOf(r.Data)
		if err != nil {
			return err
		}
		fields = fields[:0]
		if o.Envelope {
			fields = append(fields, o.Run, r.Key, guard(r.URL), guard(r.ID), strconv.Itoa(r.Ordinal), guard(r.Kind))
		}
		for _, name := range columns {
			fields = append(fields, fieldOf(members[name], guard))
		}
		return writeFields(out, w, fields)
	})
	if err != nil {
		return err
	}
	out.Flush()
	return out.Error()
}

// writeFields writes one row. A row of one empty field would be a blank line, which readers leave
// out.
func writeFields(out *csv.Writer, w io.Writer, fields []string) error {
	if len(fields) != 1 || fields[0] != "" {
		return out.Write(fields)
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\"\"\n")
	return err
}

// membersOf returns the members of a record; one that is not an object, or an empty one, is the
// member value.
func membersOf(data []byte) (members map[string]json.RawMessage, err error) {
	trimmed := bytes.TrimSpace(data)
	if len(trimmed) > 0 && trimmed[0] == '{' {
		if err := json.Unmarshal(data, &members); err != nil {
			return nil, err
		}
	}
	if len(members) == 0 {
		return map[string]json.RawMessage{valueColumn: trimmed}, nil
	}
	return members, nil
}

// fieldOf returns a value in CSV: text as it is, null as nothing, numbers digit by digit, nested
// values as JSON.
func fieldOf(value json.RawMessage, guard func(string) string) string {
	if len(value) == 0 || string(value) == "null" {
		return ""
	}
	var text string
	if value[0] == '"' && json.Unmarshal(value, &text) == nil {
		return guard(text)
	}
	return string(value)
}

// number is text that a spreadsheet reads as a number, whatever its sign.
var number = regexp.MustCompile(`^[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// guardOf returns a function that prevents a spreadsheet from running text as a formula: it puts an
// apostrophe before it. Some programs take the full-width forms of the signs, tab and line breaks
// for the signs, or pass over blanks and invisible characters before them.
func guardOf(o Options) func(string) string {
	if o.Unguarded {
		return func(text string) string { return text }
	}
	return func(text string) string {
		visible := strings.TrimLeftFunc(text, invisible)
		if begins(text, "\t\r\n") || begins(visible, "=+-@＝＋－＠") && !number.MatchString(visible) {
			return "'" + text
		}
		return text
	}
}

// invisible reports whether r shows nothing: blanks of any width, controls, byte order marks.
func invisible(r rune) bool { return unicode.IsSpace(r) || unicode.In(r, unicode.Cc, unicode.Cf) }

// begins reports whether the first character of text is one of these.
func begins(text, these string) bool {
	first, _ := utf8.DecodeRuneInString(text)
	return text != "" && strings.ContainsRune(these, first)
}

// spill holds rows on disk, packed.
type spill struct {
	file    *os.File
	packed  *zstd.Encoder
	encoder *json.Encoder
}

func newSpill(folder string) (*spill, error) {
	file, err := os.CreateTemp(folder, asidePattern)
	if err != nil {
		return nil, fmt.Errorf("put the rows of a CSV file aside: %w", err)
	}
	packed, err := zstd.NewWriter(file, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, errors.Join(err, file.Close(), os.Remove(file.Name()))
	}
	return &spill{file, packed, json.NewEncoder(packed)}, nil
}

func (s *spill) add(r RecordLine) error { return s.encoder.Encode(r) }

// each reads the rows back. No row can be added after that.
func (s *spill) each(do func(RecordLine) error) error {
	if err := s.packed.Close(); err != nil {
		return err
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	unpacked, err := zstd.NewReader(bufio.NewReaderSize(s.file, 1<<20), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return err
	}
	defer unpacked.Close()
	for decoder := json.NewDecoder(unpacked); ; {
		var r RecordLine
		if err := decoder.Decode(&r); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := do(r); err != nil {
			return err
		}
	}
}

func (s *spill) remove() error {
	_ = s.packed.Close() // the file goes anyway; a second call does nothing
	return errors.Join(s.file.Close(), os.Remove(s.file.Name()))
}
