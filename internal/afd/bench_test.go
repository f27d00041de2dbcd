package afd

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// debate is a page of about the given length, in the shape of a long closed debate.
func debate(t testing.TB, size int) string {
	t.Helper()
	text, err := os.ReadFile("testdata/closed-2020.wiki")
	if err != nil {
		t.Fatal(err)
	}
	head, comments, _ := strings.Cut(string(text), "*'''Strong keep'''")
	var b strings.Builder
	b.WriteString(head)
	for i := 0; b.Len() < size; i++ {
		fmt.Fprintf(&b, "*'''Strong keep'''%s\n", strings.ReplaceAll(comments, "2020", fmt.Sprint(2005+i%20)))
		fmt.Fprintf(&b, "*'''Keep''' %s [[User:User %d|User %d]] ([[User talk:User %d|talk]]) 12:%02d, 3 May 2020 (UTC)\n",
			strings.Repeat("The [[WP:GNG|guideline]] asks for ''independent'' coverage, and there is some of it. ", 5), i, i, i, i%60)
	}
	return b.String()
}

func BenchmarkParse(b *testing.B) {
	for _, size := range []int{8 << 10, 256 << 10} {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			text := debate(b, size)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				Parse(Page{Title: "Wikipedia:Articles for deletion/Page", PageID: 7, RevID: 11, Text: text})
			}
		})
	}
}

func BenchmarkRows(b *testing.B) {
	text := debate(b, 256<<10)
	d := Parse(Page{Title: "Wikipedia:Articles for deletion/Page", PageID: 7, RevID: 11, Text: text})
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		d.Rows()
	}
}
