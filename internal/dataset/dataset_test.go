package dataset

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"shoal/internal/harvest"
)

// records is a source of records with this data.
func records(data ...string) Source {
	return func(each func(Row) error) error {
		for i, d := range data {
			row := Row{Page: harvest.Page{URL: "https://api.example/1", ID: "=id"}, Record: harvest.Record{Ordinal: i, Kind: "record", Data: []byte(d)}}
			if err := each(row); err != nil {
				return err
			}
		}
		return nil
	}
}

func written(t *testing.T, f Form, o Options, source Source) string {
	t.Helper()
	o.Aside = t.TempDir()
	var out bytes.Buffer
	if _, err := f.Write(t.Context(), &out, o, source); err != nil {
		t.Fatalf("Write(%+v, %+v) = %v, want nil", f, o, err)
	}
	if left, err := os.ReadDir(o.Aside); err != nil || len(left) > 0 {
		t.Errorf("Write(%+v) left %d files aside, %v, want none", f, len(left), err)
	}
	return out.String()
}

func TestRecordsAreTheLines(t *testing.T) {
	t.Parallel()
	source := records(`{"b": 1, "a": "<ä>"}`, `"text"`, `12345678901234567890.10`)
	if got, want := written(t, Form{}, Options{}, source), "{\"b\":1,\"a\":\"<ä>\"}\n\"text\"\n12345678901234567890.10\n"; got != want {
		t.Errorf("JSON lines = %q, want %q", got, want)
	}
	got := written(t, Form{}, Options{Run: "r", Envelope: true}, records(`{"a":1}`))
	want := `{"run":"r","key":"00000000-0000-0000-0000-000000000000","url":"https://api.example/1","id":"=id","ordinal":0,"kind":"record","data":{"a":1}}` + "\n"
	if got != want {
		t.Errorf("JSON lines in envelopes = %q, want %q", got, want)
	}
}

func TestColumnsAreTheRecordsOwn(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		envelope bool
		data     []string
		want     string
	}{
		{"sorted by name", false, []string{`{"title":"x","id":1}`}, "id,title\n1,x\n"},
		{"members that only later records have", false, []string{`{"a":1}`, `{"b":[1,{"c":2}],"a":null}`, `{}`}, "a,b,value\n1,,\n,\"[1,{\"\"c\"\":2}]\",\n,,{}\n"},
		{"numbers digit by digit, truth, text of several lines", false, []string{`{"n":-5,"big":12345678901234567890,"t":true,"s":"one\ntwo"}`}, "big,n,s,t\n12345678901234567890,-5,\"one\ntwo\",true\n"},
		{"no objects", false, []string{`"a,b"`, `7`, `[1]`, `null`}, "value\n\"a,b\"\n7\n[1]\n\"\"\n"},
		{"one column, empty: no blank line", false, []string{`{"a":""}`, `{"a":null}`, `{"a":"x"}`}, "a\n\"\"\n\"\"\nx\n"},
		{"none", false, nil, ""},
		{"envelope", true, []string{`{"id":7}`}, "run,key,url,id,ordinal,kind,data.id\nr,00000000-0000-0000-0000-000000000000,https://api.example/1,'=id,0,record,7\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := written(t, Form{CSV: true}, Options{Run: "r", Envelope: c.envelope}, records(c.data...))
			if got != c.want {
				t.Errorf("CSV of %q = %q, want %q", c.data, got, c.want)
			}
		})
	}
}

// Text that a spreadsheet would run gets an apostrophe; a number, or a sign that is not at the
// beginning, stays as it is.
func TestFormulasAreGuarded(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ data, want string }{
		{`"=1+1"`, "'=1+1"}, {`"=HYPERLINK(\"http://evil.example\")"`, `'=HYPERLINK("http://evil.example")`}, {`"+1+1"`, "'+1+1"}, {`"-1+cmd|' /C calc'!A0"`, "'-1+cmd|' /C calc'!A0"},
		{`"@SUM(A1)"`, "'@SUM(A1)"}, {`"\t=1"`, "'\t=1"}, {`"\r=1"`, "'\r=1"}, {`"\n=1"`, "'\n=1"}, {`"＝1+1"`, "'＝1+1"}, {`"=1,2\";=2"`, `'=1,2";=2`}, {`"-"`, "'-"}, {`"--1"`, "'--1"},
		{`"\u200b=1"`, "'\u200b=1"}, {`"\u00a0=1"`, "'\u00a0=1"}, {`"\ufeff@SUM(A1)"`, "'\ufeff@SUM(A1)"}, {`" \u2060\t+1+1"`, "' \u2060\t+1+1"}, {`"\u0001＝1"`, "'\u0001＝1"}, {`" -1-1"`, "' -1-1"},
		{`"\u200ba=1"`, "\u200ba=1"}, {`"\ufeff-5"`, "\ufeff-5"}, {`" "`, " "}, {`"\t-5"`, "'\t-5"},
		{`-5`, "-5"}, {`-5.5e10`, "-5.5e10"}, {`"-5"`, "-5"}, {`"+49"`, "+49"}, {`"-1.5e-3"`, "-1.5e-3"}, {`"a=1"`, "a=1"}, {`""`, ""}, {`["=1"]`, `["=1"]`}, {`{"x":"=1"}`, "'=1"},
	} {
		t.Run(c.data, func(t *testing.T) {
			t.Parallel()
			data := c.data
			if data[0] != '{' {
				data = `{"x":` + data + `}`
			}
			rows, err := csv.NewReader(strings.NewReader(written(t, Form{CSV: true}, Options{}, records(data)))).ReadAll()
			if err != nil || len(rows) != 2 || rows[1][0] != c.want {
				t.Errorf("CSV of %s = %q, %v, want %q", data, rows, err, c.want)
			}
			var plain string
			if rows, err = csv.NewReader(strings.NewReader(written(t, Form{CSV: true}, Options{Unguarded: true}, records(data)))).ReadAll(); err == nil {
				plain = rows[1][0]
			}
			if plain != strings.TrimPrefix(c.want, "'") {
				t.Errorf("unguarded CSV of %s = %q, %v, want %q", data, plain, err, strings.TrimPrefix(c.want, "'"))
			}
		})
	}
	t.Run("names of columns and pages", func(t *testing.T) {
		t.Parallel()
		if got, want := written(t, Form{CSV: true}, Options{}, records(`{"=cmd()":1}`)), "'=cmd()\n1\n"; got != want {
			t.Errorf("CSV = %q, want %q", got, want)
		}
		page := harvest.Page{URL: "https://api.example/1", ID: "=1+1", Detail: "@x", Reason: "-r", Outcome: harvest.Skipped, Body: []byte("-5")}
		got := written(t, Form{CSV: true}, Options{Pages: true, Run: "r", Envelope: true}, func(each func(Row) error) error { return each(Row{Page: page}) })
		for _, want := range []string{",'=1+1,skipped,", ",'-r,", ",'@x,-5,"} {
			if !strings.Contains(got, want) {
				t.Errorf("CSV of a page = %q, want %q in it", got, want)
			}
		}
	})
}

func TestTooManyColumns(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	_, err := Form{CSV: true}.Write(t.Context(), io.Discard, Options{Aside: folder}, func(each func(Row) error) error {
		for i := range maxColumns + 1 {
			if err := each(Row{Record: harvest.Record{Data: fmt.Appendf(nil, `{"%d":1}`, i)}}); err != nil {
				return err
			}
		}
		return nil
	})
	if !errors.Is(err, ErrColumns) {
		t.Errorf("Write(%d columns) = %v, want ErrColumns", maxColumns+1, err)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("Write left %d files aside, %v, want none", len(left), err)
	}
}

// stopAfter cancels the export once that many bytes of the file are written.
type stopAfter struct {
	cancel func()
	left   int
}

func (s *stopAfter) Write(p []byte) (int, error) {
	if s.left -= len(p); s.left < 0 {
		s.cancel()
	}
	return len(p), nil
}

// An interruption leaves nothing on disk, whether it comes while rows are collected or while the
// table is written.
func TestAnInterruptedTableLeavesNothing(t *testing.T) {
	t.Parallel()
	long := `{"a":"` + strings.Repeat("x", 1<<20) + `"}`
	for _, first := range []bool{true, false} {
		folder := t.TempDir()
		ctx, cancel := context.WithCancel(t.Context())
		source := records(long, long, long, long, long)
		if first {
			source = func(each func(Row) error) error {
				cancel()
				return records(long)(each)
			}
		}
		out := &stopAfter{cancel, 1 << 20}
		if _, err := (Form{CSV: true}).Write(ctx, out, Options{Aside: folder}, source); !errors.Is(err, context.Canceled) {
			t.Errorf("Write, interrupted at once: %v = %v, want context.Canceled", first, err)
		}
		if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
			t.Errorf("Write, interrupted at once: %v, left %d files aside, %v, want none", first, len(left), err)
		}
	}
}

func TestForms(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		want Form
		ok   bool
	}{
		{"a.jsonl", Form{}, true}, {"A.CSV", Form{CSV: true}, true}, {"x/a.csv.gz", Form{CSV: true, Packed: "gz"}, true}, {"a.ndjson.zst", Form{Packed: "zst"}, true},
		{"a.xlsx", Form{}, false}, {"a", Form{}, false}, {"csv", Form{}, false}, {"a.zst", Form{Packed: "zst"}, false},
	} {
		if got, ok := FormOf(c.name); got != c.want || ok != c.ok {
			t.Errorf("FormOf(%q) = %+v, %v, want %+v, %v", c.name, got, ok, c.want, c.ok)
		}
	}
	packed := written(t, Form{Packed: "gz"}, Options{}, records(`1`))
	unzipped, err := gzip.NewReader(strings.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(unzipped); string(got) != "1\n" || err != nil {
		t.Errorf("unpacked .gz = %q, %v, want 1", got, err)
	}
	packed = written(t, Form{CSV: true, Packed: "zst"}, Options{}, records(`1`))
	unpacked, err := zstd.NewReader(strings.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	defer unpacked.Close()
	if got, err := io.ReadAll(unpacked); string(got) != "value\n1\n" || err != nil {
		t.Errorf("unpacked .zst = %q, %v, want the table", got, err)
	}
}
