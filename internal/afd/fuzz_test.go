package afd

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzParse checks what is true of every page, whatever is on it.
func FuzzParse(f *testing.F) {
	for _, name := range pages(f) {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	for _, piece := range hostile {
		f.Add("=== a ===\n* b " + strings.Repeat(piece, 5) + " [[User:C|d]] 12:00, 1 May 2010 (UTC)")
	}
	f.Fuzz(func(t *testing.T, text string) {
		p := Page{Title: "T", PageID: 1, RevID: 2, Text: text}
		d := Parse(p)
		checkRecords(t, text, d)
		checkRows(t, text, d)
		if again := Parse(p); len(again.Records) != len(d.Records) || len(d.Records) > 0 && again.Records[len(d.Records)-1].CommentID != d.Records[len(d.Records)-1].CommentID {
			t.Errorf("Parse(%q) = %d records, then %d, want the same each time", text, len(d.Records), len(again.Records))
		}
	})
}

func checkRecords(t *testing.T, text string, d Discussion) {
	t.Helper()
	earlier, total, closes := map[string]bool{}, 0, 0
	for i, r := range d.Records {
		if r.Seq != i {
			t.Errorf("Parse(%q).Records[%d].Seq = %d, want %d", text, i, r.Seq, i)
		}
		if r.ParentID != nil && !earlier[*r.ParentID] {
			t.Errorf("Parse(%q).Records[%d].ParentID = %s, want that of an earlier record", text, i, *r.ParentID)
		}
		if earlier[r.CommentID] || len(r.CommentID) != 32 {
			t.Errorf("Parse(%q).Records[%d].CommentID = %q, want 32 digits of its own", text, i, r.CommentID)
		}
		if r.Depth < 0 || r.Depth > len(text) {
			t.Errorf("Parse(%q).Records[%d].Depth = %d, want 0 or more", text, i, r.Depth)
		}
		if signed := r.Author != nil && r.Timestamp != nil; r.Signed == SignedFull && !signed {
			t.Errorf("Parse(%q).Records[%d] = %+v, want an author and a date of what is signed in full", text, i, r)
		}
		if (r.Author == nil) != (r.AuthorKind == nil) || r.Author != nil && *r.Author == "" {
			t.Errorf("Parse(%q).Records[%d] = %+v, want a name with its kind, or neither", text, i, r)
		}
		if words := allWords(r); !utf8.ValidString(words) || strings.Contains(words, "\x00") {
			t.Errorf("Parse(%q).Records[%d] has the words %q, want UTF-8 without NUL", text, i, words)
		}
		if (r.Outcome != nil) != (r.Kind == Close) {
			t.Errorf("Parse(%q).Records[%d] is a %s with outcome %v, want an outcome of a close alone", text, i, r.Kind, r.Outcome)
		}
		if r.Outcome != nil {
			closes++
		}
		earlier[r.CommentID], total = true, total+len(r.Text)
	}
	// A byte that is not UTF-8 becomes three, and words after a signature get a blank before them.
	if limit := 3*len(text) + len(d.Records); total > limit {
		t.Errorf("Parse(%q) has %d bytes of text, want at most %d", text, total, limit)
	}
	if (d.Outcome != nil) != (closes > 0) {
		t.Errorf("Parse(%q).Outcome = %v with %d closes, want one exactly where there are some", text, d.Outcome, closes)
	}
}

func allWords(r Record) string {
	words := r.Text + "|" + r.TextPlain + "|" + strings.Join(r.PolicyLinks, "|")
	for _, p := range []*string{r.Author, r.RawLabel} {
		if p != nil {
			words += "|" + *p
		}
	}
	return words
}

func checkRows(t *testing.T, text string, d Discussion) {
	t.Helper()
	rows := d.Rows()
	if len(rows) != len(d.Records) {
		t.Fatalf("Rows() of %q has %d rows, want %d", text, len(rows), len(d.Records))
	}
	for i, row := range rows {
		if row.Ordinal != i || row.Kind != d.Records[i].Kind || !json.Valid(row.Data) || !utf8.Valid(row.Data) || strings.Contains(string(row.Data), "\\u0000") {
			t.Errorf("Rows()[%d] of %q = %d, %s, %q, want its seq, kind and JSON that can be kept", i, text, row.Ordinal, row.Kind, row.Data)
		}
	}
}

// Every bound on how far to look may fall into the middle of a character.
func TestBounds(t *testing.T) {
	for _, piece := range append(hostile, "The result was é", "[[User:é", "{{la|é", "é", "[[WP:é", "unsigned é added [[User:A]] ", "é[[User:é]] é 12:00, 1 May 2010 (UTC)") {
		for shift := range 3 {
			text := "=== a ===\n" + strings.Repeat("x", shift) + strings.Repeat(piece, 200) + strings.Repeat("é", 700) + " [[User:A]] 12:00, 1 May 2010 (UTC)"
			d := Parse(Page{Text: text})
			checkRecords(t, text, d)
			checkRows(t, text, d)
		}
	}
}
