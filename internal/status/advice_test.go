package status

import (
	"slices"
	"testing"
)

func TestAdvice(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		seen Seen
		want []string
	}{
		{"all is well", Seen{Run: "q", Landed: 100, Missing: 2, Pauses: 2, Budget: 20}, nil},
		{"refused again and again", Seen{Run: "q", Landed: 100, Pauses: 10, Budget: 20}, []string{"refused 10 times at 20/s: try --headroom 5%, or --rate 18/s"}},
		{"some always fail", Seen{Run: "q", Landed: 95, Dead: 5, Failing: "http_500"}, []string{"5 items always failed (last: http_500): coordinator list --run q --outcome dead"}},
		{"one is skipped", Seen{Run: "q", Landed: 95, Skipped: 1}, []string{"1 item was skipped: coordinator list --run q --outcome skipped"}},
		{"nothing landed", Seen{Run: "q", Missing: 50}, []string{"nothing has landed: worker --try 3 shows what the upstream answers"}},
		{"nothing ended", Seen{Run: "q"}, nil},
	} {
		if got := Advice(test.seen); !slices.Equal(got, test.want) {
			t.Errorf("Advice(%s) = %q, want %q", test.name, got, test.want)
		}
	}
}
