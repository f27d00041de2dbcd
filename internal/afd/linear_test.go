package afd

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// hostile are texts that, repeated, would take quadratic time in a parser that looks back or ahead
// without a bound.
var hostile = []string{
	"[[User:", "[[", "[[User:A|", "[[User:A]]", "[[User:A|a]] ", "[[a|b|", "[[[[]]", "{{", "{{tq|", "{{unsigned|", "{{unsigned|A|", "{{unsigned|A|12:00, 1 May 2010 (UTC)}}", "}}", "]]", "{{la|", "{{la|A}}",
	"'''", "''", "'", "'' '''", "'''a", "'''a'''", "<s>", "<s>'''a'''</s>", "<", "<a", "<a ", "<a>", "</s>", "<!--", "<!-- -->", "<!--Template:", "<nowiki>", "<ref>", "<ref/>", "<ref name=", "<small>", "<small>—",
	"&", "&nbsp;", "&#", "&amp;", "12:00", "12:00, 1 May 2010 ", "12:00, 1 May 2010 (UTC)", "12:00, 1 May 2010 (UTC)[[Category:", "1 May 2010 12:00 ", ":", "1:1", "12:", "--", "- ", "(", "~", "_", "__A", "__A__", "=", "==", "\n=", "\n==a==",
	"\n", "\n*", "\n:", "\n* a", "\n* a:", "\n#", "\n:::a", "\n*'''Keep'''", "\n*[http://a", "[http://", "[http://a b]", "[http://a ", "|", "\n|", "\n{|", "{{od}}", "\n{{od}} a", "\n{{hat}}", "\n{{spa|A}}",
	"unsigned added by [[User:A]] ", "[[User:A]] unsigned added by ", "\n* [[User:A|A]] 12:00, 1 May 2010 (UTC)", "[[User:A]] 12:00, 1 May 2010 (UTC)", "a [[User:A]] 12:00, 1 May 2010 (UTC) b", "\n<div class=\"xfd_relist\">", "\n<div class=\"xfd-closed\">",
	"\nThe result was '''keep'''", "\n<!--Template:Afd top-->", "\n<!--Template:Afd bottom-->", "{{afd-privacy}}", "\n=[[a]]=\nb", "[[WP:A]]", "\u00a0", "\u200e", "日本", "\xff", "\x00", "{{strike|", "{{strike|'''a", "[[File:", "few or no other edits", "\n''", "{{ping|a|",
}

// spent returns the least time of several parses of a text: other work on the machine only adds to
// it.
func spent(text string) time.Duration {
	least := time.Hour
	for range 3 {
		start := time.Now()
		Parse(Page{Text: text})
		least = min(least, time.Since(start))
	}
	return least
}

// A text sixteen times as long may take little more than sixteen times as long. Quadratic time
// would be 256 times: the bound is far from both, as machines are noisy.
func TestLinear(t *testing.T) {
	const small, factor, bound = 4 << 10, 16, 80
	for _, piece := range hostile {
		for _, lead := range []string{"", "{{tq|'''[[a|<s>"} {
			name := fmt.Sprintf("%q+%q*", lead, piece)
			a, b := time.Duration(0), time.Duration(0)
			for range 10 { // other processes may have the processor in between, but not each time
				a = spent(lead + strings.Repeat(piece, small/len(piece)))
				b = spent(lead + strings.Repeat(piece, factor*small/len(piece)))
				if float64(b) <= bound*float64(max(a, 200*time.Microsecond)) {
					break
				}
			}
			if ratio := float64(b) / float64(max(a, 200*time.Microsecond)); ratio > bound {
				t.Errorf("Parse(%s) takes %v for %d bytes and %v for %d: %.0f times, want at most %d", name, a, small, b, factor*small, ratio, bound)
			}
		}
	}
}
