package mediawiki

import (
	"bytes"
	"io"
	"runtime"
	"strings"
	"testing"
)

// repeated is a text as often as it takes to be long, without holding it.
type repeated struct {
	text     string
	at, left int
}

func (r *repeated) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) && r.left > 0 {
		p[n] = r.text[r.at%len(r.text)]
		n++
		r.at++
		r.left--
	}
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// A dump is read in the same memory whatever its lines, statements and values are like.
//
//nolint:paralleltest // it measures what the process allocates
func TestDumpsAreReadInLittleMemory(t *testing.T) {
	const table = "CREATE TABLE `page` (\n  `page_id` int(8),\n  `page_namespace` int(11),\n  `page_title` varbinary(255),\n  `page_is_redirect` tinyint(1),\n  `page_len` int(8)\n) ENGINE=InnoDB;\n"
	const long = 16 << 20
	for _, tt := range []struct{ name, before, text, after, want string }{
		{"a line of CREATE TABLE", "CREATE TABLE (", "xxxxxxxx", "", "more than 64 KiB"},
		{"a column's name", "CREATE TABLE `page` (\n  `", "xxxxxxxx", "", "more than 64 KiB"},
		{"columns", "CREATE TABLE `page` (\n", "  `a` int,\n", "", "4,096 columns"},
		{"a comment", "-- ", "xxxxxxxx", "\n" + table + "INSERT INTO `page` VALUES (1,0,'A',0,1);\n-- end\n", ""},
		{"a statement of another kind", "LOCK TABLES ", "xxxxxxxx", ";\n" + table + "INSERT INTO `page` VALUES (1,0,'A',0,1);\n-- end\n", ""},
		{"a title", table + "INSERT INTO `page` VALUES (1,0,'", "xxxxxxxx", "',0,1);\n-- end\n", ""},
		{"blanks between rows", table + "INSERT INTO `page` VALUES (1,0,'A',0,1),", "        ", "(2,0,'B',0,1);\n-- end\n", ""},
		{"before the first row", table + "INSERT INTO `page` VALUES ", "xxxxxxxx", "(2,0,'B',0,1);\n-- end\n", ""},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		lines, err := io.ReadAll(DumpLines(io.MultiReader(strings.NewReader(tt.before), &repeated{text: tt.text, left: long}, strings.NewReader(tt.after)), Listing{}))
		runtime.ReadMemStats(&after)
		if tt.want == "" && (err != nil || len(lines) == 0) || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s of 16 MiB: DumpLines() = %d bytes, %v, want %q", tt.name, len(lines), err, tt.want)
		}
		if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 4<<20 {
			t.Errorf("%s of 16 MiB: DumpLines() allocated %d bytes, want less than 4 MiB", tt.name, allocated)
		}
	}
}

// A value with a line break does not begin a new row, and a prefix is compared in the form of the
// titles in the table.
func TestDumpValues(t *testing.T) {
	t.Parallel()
	forged := strings.Replace(smallDump, `'AfD/Ω'`, `'AfD/cafÃ©\n99\t1\tForged'`, 1)
	got, err := io.ReadAll(DumpLines(strings.NewReader(forged), Listing{Namespace: 4, Prefix: "AfD/c"}))
	if err != nil || bytes.Count(got, []byte("\n")) != 1 || bytes.Count(got, []byte("\t")) != 2 {
		t.Errorf("DumpLines(a title with line breaks) = %q, %v, want one line", got, err)
	}
	composed := strings.Replace(smallDump, `'AfD/Ω'`, `'AfD/café'`, 1)
	got, err = io.ReadAll(DumpLines(strings.NewReader(composed), Listing{Namespace: 4, Prefix: "AfD/cafe\u0301"}))
	if err != nil || string(got) != "4\tNULL\tAfD/café\n" {
		t.Errorf("DumpLines(a prefix in normal form D) = %q, %v, want page 4", got, err)
	}
}
