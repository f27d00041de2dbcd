package retry

import (
	"fmt"
	"testing"

	"shoal/internal/harvest"
)

func keyOf(n int) harvest.Key { return harvest.KeyOf(fmt.Sprint("item ", n)) }

// sight is n distinct items, from first on, seen with one class.
type sight struct {
	first, n int
	class    Class
}

func TestStreak(t *testing.T) {
	fresh := DefaultStreakLimits()
	resumed := StreakLimits{Limited: 20, Refused: 20}
	tests := []struct {
		name   string
		limits StreakLimits
		seen   []sight
		want   Verdict // after the last of seen; before it nothing stops
	}{
		{"429 without hint on 20 distinct items and never a success", fresh, []sight{{0, 20, ClassLimited}}, Verdict{Stop: StopLimited}},
		{"on 19 it goes on", fresh, []sight{{0, 19, ClassLimited}}, Verdict{}},
		{"one item refused a hundred times is one item", fresh, repeat(sight{0, 1, ClassLimited}, 100), Verdict{}},
		{"one success ever, and 429 is the budget's business", fresh, []sight{{0, 1, ClassAccepted}, {1, 500, ClassLimited}}, Verdict{}},
		{"429 with a hint on 500 items at once says nothing", fresh, []sight{{0, 500, ClassAsked}}, Verdict{}},
		{"20 items that waited as asked and were refused again", fresh, []sight{{0, 20, ClassAsked}, {0, 20, ClassAsked}}, Verdict{Stop: StopLimited}},
		{"the limit may be off", StreakLimits{}, []sight{{0, 500, ClassLimited}}, Verdict{}},

		{"403 on 20 distinct items", resumed, []sight{{0, 20, ClassRefused}}, Verdict{Stop: StopRefused, Hold: true}},
		{"403 on 19: their pages wait", resumed, []sight{{0, 19, ClassRefused}}, Verdict{Hold: true}},
		{"a success between starts anew and frees the pages", resumed, []sight{{0, 19, ClassRefused}, {90, 1, ClassAccepted}}, Verdict{Release: true}},
		{"19 and 19 with a success between", resumed, []sight{{0, 19, ClassRefused}, {90, 1, ClassAccepted}, {20, 19, ClassRefused}}, Verdict{Hold: true}},
		{"a dead token late in the run", resumed, []sight{{0, 500, ClassAccepted}, {500, 20, ClassRefused}}, Verdict{Stop: StopRefused, Hold: true}},
		{"a 404 between is no success", resumed, []sight{{0, 10, ClassRefused}, {90, 1, ClassEnded}, {10, 10, ClassRefused}}, Verdict{Stop: StopRefused, Hold: true}},
		{"a 404 between waits for nothing", resumed, []sight{{0, 10, ClassRefused}, {90, 1, ClassEnded}}, Verdict{}},
		{"the rule may be off", StreakLimits{}, []sight{{0, 500, ClassRefused}}, Verdict{}},

		{"the first 100 items end and none landed", fresh, []sight{{0, 100, ClassEnded}}, Verdict{Stop: StopCanary, Hold: true}},
		{"99: their pages wait", fresh, []sight{{0, 99, ClassEnded}}, Verdict{Hold: true}},
		{"the first that lands frees them", fresh, []sight{{0, 99, ClassEnded}, {99, 1, ClassAccepted}}, Verdict{Release: true}},
		{"from then on nothing waits", fresh, []sight{{0, 1, ClassAccepted}, {1, 500, ClassEnded}}, Verdict{}},
		{"a run that has landed before has no canary", resumed, []sight{{0, 500, ClassEnded}}, Verdict{}},
		{"one item many times is one item", fresh, repeat(sight{0, 1, ClassEnded}, 200), Verdict{Hold: true}},
		{"refused ones are among the first 100", StreakLimits{Canary: 100}, []sight{{0, 50, ClassRefused}, {50, 50, ClassEnded}}, Verdict{Stop: StopCanary, Hold: true}},
		{"retries say nothing", fresh, []sight{{0, 500, ClassNone}}, Verdict{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := NewStreak(test.limits)
			var got Verdict
			for _, seen := range test.seen {
				for i := range seen.n {
					if got.Stop != "" {
						t.Fatalf("Observe stopped with %+v before the last item", got)
					}
					got = s.Observe(keyOf(seen.first+i), seen.class)
				}
			}
			if got != test.want {
				t.Errorf("Observe(last of %v) = %+v, want %+v", test.seen, got, test.want)
			}
		})
	}
}

func repeat(s sight, n int) []sight {
	all := make([]sight, n)
	for i := range all {
		all[i] = s
	}
	return all
}

// What Decide returns for an attempt is what Streak needs: a wrong path and a dead token both stop.
func TestDecideFeedsStreak(t *testing.T) {
	for code, want := range map[int]Stop{404: StopCanary, 403: StopRefused, 401: StopRefused, 429: StopLimited, 200: "", 500: ""} {
		s := NewStreak(DefaultStreakLimits())
		var got Stop
		for i := 0; i < 200 && got == ""; i++ {
			d := Decide(try(with(status(code), renewed)), Policy{Retries: 5})
			got = s.Observe(keyOf(i), d.Class).Stop
		}
		if got != want {
			t.Errorf("200 items answered %d: stop %q, want %q", code, got, want)
		}
	}
}
