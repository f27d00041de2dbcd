package afd

import (
	"errors"
	"runtime"
	"strings"
	"testing"
)

// Eight bytes of a debate can make a record of a kilobyte.
//
//nolint:paralleltest // it measures what the process holds
func TestRecordsAreCountedBeforeTheyAreMade(t *testing.T) {
	full := errors.New("full")
	const room = 1 << 20
	for _, piece := range []string{
		"*'''K'''\n", "{{unsigned|A}}\n", "a 1:00, 1 May 2010 (UTC)\n", "[[User:A]] 1:00, 1 May 2010 (UTC)\n", "a [[User:A]] 12:00, 1 May 2010 (UTC) b ",
		"\n:::'''a'''", "\n{{hat}}\n\n* a\n", "=== a ===\nb\n", "a [[User:A]] 12:00, 1 May 2010 (UTC) {{spa|A}}",
	} {
		text := "== A ==\n" + strings.Repeat(piece, 1<<18/len(piece))
		free := int64(room)
		p := Page{Title: "T", Text: text, Grow: func(n int64) error {
			if free -= n; free < 0 {
				return full
			}
			return nil
		}}
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		d := Parse(p)
		rows := d.Rows()
		runtime.GC()
		runtime.ReadMemStats(&after)
		held := int64(after.HeapAlloc) - int64(before.HeapAlloc)
		if counted := room - max(free, 0); held > counted+8*int64(len(text)) || len(d.Records) > room/RecordBytes+grain {
			t.Errorf("Parse(%q …) holds %d bytes in %d records, and has counted %d", piece, held, len(rows), counted)
		}
		if many := Parse(Page{Title: "T", Text: text}); (len(many.Records) > room/RecordBytes) != (d.Err != nil) || many.Err != nil {
			t.Errorf("Parse(%q …) = %d records, error %v; without a bound %d, error %v", piece, len(rows), d.Err, len(many.Records), many.Err)
		}
		if got, err := ParseRows(p); !errors.Is(err, full) && d.Err != nil || err == nil && len(got) != len(rows) {
			t.Errorf("ParseRows(%q …) = %d rows, %v, want the error of Grow, or all", piece, len(got), err)
		}
		runtime.KeepAlive(d)
		runtime.KeepAlive(rows)
	}
}
