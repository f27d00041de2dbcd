package status

import (
	"slices"
	"strings"
	"testing"
)

func TestAdvice(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		seen Seen
		want []string
	}{
		{"all is well", Seen{Run: "q", Landed: 100, Missing: 2, Refused: 2, Budget: 20}, nil},
		{"refused again and again", Seen{Run: "q", Landed: 100, Refused: 10, Budget: 20}, []string{"refused 10 times at 20/s: try --headroom 5%, or --rate 18/s"}},
		{"refused, and lowered", Seen{Run: "q", Landed: 100, Refused: 10, Budget: 20, Lowered: 19.2}, []string{"refused 10 times at 20/s, and lowered to 19.2/s in this run: try --headroom 5%, or --rate 18/s"}},
		{"lowered by another's refusals", Seen{Run: "q", Landed: 100, Refused: 1, Budget: 20, Lowered: 19.2}, []string{"refused again and again at 20/s, and lowered to 19.2/s in this run: try --headroom 5%, or --rate 18/s"}},
		{"lowered, before the operator went below that", Seen{Run: "q", Landed: 100, Budget: 10, Lowered: 19.2}, nil},
		{"some always fail", Seen{Run: "q", Landed: 95, Dead: 5, Failing: "http_500"}, []string{"5 items always failed (last: http_500): coordinator list --run q --outcome dead"}},
		{
			"the items that always fail are named", Seen{Run: "q", Landed: 95, Dead: 2, Failing: "x", Failed: []Example{{"7", "http_500"}, {"13\x1b[2J", "timeout"}}},
			[]string{`2 items always failed (http_500, timeout), namely 7, 13\u001b[2J: coordinator list --run q --outcome dead`},
		},
		{
			"some of many are named", Seen{Run: "q", Landed: 95, Dead: 22, Failed: []Example{{"https://api.example/" + strings.Repeat("long/", 20) + "7", "http_500"}, {"8", "http_500"}}},
			[]string{"22 items always failed (http_500), such as https://api.example/long/long…ong/long/long/long/long/long/7, 8: coordinator list --run q --outcome dead"},
		},
		{"skipped ones are named", Seen{Run: "q", Landed: 95, Skipped: 1, Passed: []Example{{"9", "html"}}}, []string{"1 item was skipped (html), namely 9: coordinator list --run q --outcome skipped"}},
		{"one is skipped", Seen{Run: "q", Landed: 95, Skipped: 1}, []string{"1 item was skipped: coordinator list --run q --outcome skipped"}},
		{"nothing landed", Seen{Run: "q", Missing: 50}, []string{"nothing has landed: worker --try 3 shows what the upstream answers"}},
		{"nothing ended", Seen{Run: "q"}, nil},
	} {
		if got := Advice(test.seen); !slices.Equal(got, test.want) {
			t.Errorf("Advice(%s) = %q, want %q", test.name, got, test.want)
		}
	}
}

// A name that no answer has is asked about.
func TestAdviceAsksAboutWhatIsNullInEveryRecord(t *testing.T) {
	t.Parallel()
	got := Advice(Seen{Run: "q", Landed: 9, Nulls: []string{"datum", "titel"}})
	const want = "null in every record: datum, titel; is --extract right? worker --try 1 shows an answer, coordinator extract makes the records again"
	if len(got) != 1 || got[0] != want {
		t.Errorf("Advice() = %q, want %q", got, want)
	}
}
