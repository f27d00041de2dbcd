package status

import (
	"fmt"
	"slices"
	"testing"

	"shoal/internal/harvest"
)

// TestNext states which lines lead to the data, and that no password is in them.
func TestNext(t *testing.T) {
	t.Parallel()
	const query = "select outcome, reason, count(*) from shoal.pages where run = 'q' group by 1, 2"
	const export = "bin/coordinator export --run q --table pages --to q.jsonl.zst"
	landed := Seen{Run: "q", Landed: 9}
	for _, test := range []struct {
		name string
		seen Seen
		at   Place
		want []string
	}{
		{"no run was opened", Seen{Landed: 9}, Place{}, nil},
		{"nothing landed", Seen{Run: "q", Missing: 1}, Place{}, []string{"nothing has landed: worker --try 3 shows what the upstream answers"}},
		{"a file that is the default", landed, Place{Store: "sqlite:a b.db", File: "a b.db"}, []string{export, "sql 'a b.db' " + query}},
		{"records", landed, Place{Store: "sqlite:q.db", File: "q.db", Records: true}, []string{"bin/coordinator export --run q --table records --to q.jsonl.zst", "sql q.db " + query}},
		{"a file by a flag", landed, Place{Store: "sqlite:a b.db", File: "a b.db", ByFlag: true}, []string{export + " --store 'sqlite:a b.db'", "sql 'a b.db' " + query}},
		{"a server by a flag", landed, Place{Store: "postgres://h/d", ByFlag: true}, []string{export + " --store postgres://h/d", "sql postgres://h/d " + query}},
		{"a server by a variable", landed, Place{Store: "postgres://u:secret@h/d", ByEnv: "DATABASE_URL"}, []string{export, `sql "$DATABASE_URL" ` + query}},
		{"a server in a file of settings", landed, Place{Store: "postgres://u:secret@h/d", Secret: true}, []string{export, "sql YOUR-DATABASE-URL " + query}},
		{"advice comes first", Seen{Run: "q", Landed: 9, Dead: 1}, Place{File: "q.db"}, []string{"1 item always failed: coordinator list --run q --outcome dead", export, "sql q.db " + query}},
	} {
		test.at.Program = "bin/coordinator"
		test.at.Look = func(address, statement, table string) string {
			return "sql " + address + " " + fmt.Sprintf(statement, "shoal."+table)
		}
		if got := Next(test.seen, test.at); !slices.Equal(got, test.want) {
			t.Errorf("Next(%s) = %q, want %q", test.name, got, test.want)
		}
	}
}

// TestWith checks that only items which did not land are looked up, and few of them.
func TestWith(t *testing.T) {
	t.Parallel()
	for _, totals := range []harvest.Counts{{Landed: 3}, {Dead: 7}, {Skipped: 1, Missing: 2}, {Dead: 1, Skipped: 1}} {
		some := func(outcome harvest.Outcome, most int) []harvest.Page {
			return []harvest.Page{{ID: string(outcome), URL: "u", Reason: fmt.Sprint(most)}, {URL: "u", Reason: "r"}}
		}
		got := Seen{Run: "q", Refused: 4}.With(totals, some)
		want := Seen{Run: "q", Refused: 4, Landed: totals.Landed, Missing: totals.Missing, Skipped: totals.Skipped, Dead: totals.Dead}
		if totals.Dead > 0 {
			want.Failed = []Example{{"dead", "5"}, {"u", "r"}}
		}
		if totals.Skipped > 0 {
			want.Passed = []Example{{"skipped", "5"}, {"u", "r"}}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("With(%+v) = %+v, want %+v", totals, got, want)
		}
	}
}

func TestShellWord(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"": "''", "a-b/c.d": "a-b/c.d", "a b": "'a b'", "it's": `'it'\''s'`, "$(x)": "'$(x)'", "é": "'é'"} {
		if got := ShellWord(text); got != want {
			t.Errorf("ShellWord(%q) = %s, want %s", text, got, want)
		}
	}
}

// TestFlag states which address of a store is named to another command.
func TestFlag(t *testing.T) {
	t.Parallel()
	for want, place := range map[string]Place{
		"":                           {Store: "postgres://shoal:secret@h/db", ByEnv: "SHOAL_STORE"},
		" --store sqlite:shoal.db":   {Store: "sqlite:shoal.db", ByFlag: true},
		" --store 'sqlite:my shoal'": {Store: "sqlite:my shoal", ByFlag: true},
	} {
		if got := place.Flag(); got != want {
			t.Errorf("Flag() of %s = %q, want %q", place.Store, got, want)
		}
	}
}
