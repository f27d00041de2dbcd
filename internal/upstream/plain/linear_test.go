package plain

import (
	"testing"

	"github.com/itchyny/gojq"
)

// TestLinear checks that only expressions whose work is bounded by the answer run in the worker's
// own process.
func TestLinear(t *testing.T) {
	t.Parallel()
	for expression, want := range map[string]bool{
		`.`: true, `.a`: true, `.a.b?`: true, `."a b"`: true, `.["a"]`: true, `.[0]`: true, `.[-1]`: true, `{id, title}`: true,
		`.items[] | {id, title, when: .dates.created}`: true, `.items[]? | select(.kind == "a") | {id: .id // .pageid}`: true,
		`[.items[] | .id]`: true, `.a, .b`: true, `map(.x)`: true, `.items | length`: true, `if .ok then .a elif .b then 1 else empty end`: true,
		`.items[] | .tags[]`: true, `(.a | .b)[]`: true, `.ok and .n > 3`: true, `has("a")`: true, `first(.a[])`: true, `.next // null`: true,
		`{a: {b: [.c[] | {d}]}}`: true, `.status == "ok"`: true, `true`: true, `"x"`: true, `not`: true,

		`.a[.b]`: false, `.[1:3]`: false, `.a + .b`: false, `.a - .b`: false, `.a * .b`: false, `"\(.a)"`: false, `tojson`: false, `..`: false,
		`.. | .id?`: false, `.s | gsub("a";"b")`: false, `.s | test("a")`: false, `. as $x | $x`: false, `def f: f; f`: false, `reduce .[] as $i (0; .)`: false,
		`foreach .[] as $i (0; .)`: false, `range(10)`: false, `sort`: false, `unique`: false, `{a: .x[], b: .y[]}`: false, `.a[] == .b[]`: false,
		`{r: ., x: .a[]} | .r[]`: false, `(.a, .a) | .b[]`: false, `select(.a[])`: false, `{(.k): 1}`: false, `{$__loc__}`: false, `@base64`: false, `-.a`: false, `limit(3; .a[])`: false,
		`label $out | .`: false, `try .a catch .`: false, `.a |= 1`: false, `del(.a)`: false, `input`: false, `env`: false, `now`: false, `error`: false,
		`.a[("x","y")]`: false, `{"a\(.b)": 1}`: false, `map(.x; .y)`: false, `if .a[] then 1 else 2 end`: false, `has(.a)`: false, `$ENV`: false, `halt`: false,
	} {
		q, err := gojq.Parse(expression)
		if err != nil && expression != `map(.x; .y)` {
			t.Errorf("Parse(%s): %v", expression, err)
			continue
		}
		if got := linear(q); got != want {
			t.Errorf("linear(%s) = %v, want %v", expression, got, want)
		}
	}
}
