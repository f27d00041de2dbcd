package main

import "strings"

// expressions are answers that an expression of jq never comes to an end with, or that it fills the
// memory with.
func expressions() []attack {
	blanks := `{"id":1,"s":"` + strings.Repeat(" ", 1<<20) + `"}`
	numbers := `{"id":1,"l":[1` + strings.Repeat(",1", 200_000) + `]}`
	row := func(name, body, jq string, more ...string) attack {
		return attack{name: "jq: " + name, items: 8, answer: text("application/json", body), args: append([]string{"--extract", jq}, more...)}
	}
	return []attack{
		row("gsub on a megabyte of blanks", blanks, `{id, s: ((.s // "x") | gsub(" ";""))}`),
		row("gsub of one or more blanks", blanks, `{id, s: ((.s // "x") | gsub("\\s+$";""))}`),
		row("test with a pattern that backtracks", blanks, `{id, s: ((.s // "x") | test("^(( )+)+x$"))}`),
		row("split by a pattern", blanks, `{id, s: [(.s // "x") | splits(" ?")]}`),
		row("numbers of 15 million digits", `{"id":1,"n":`+strings.Repeat("7", 15<<20)+`}`, "{id, n: ((.n // 1) + 1)}", "--body", "raw"),
		row("tonumber of 15 million digits", `{"id":1,"n":"`+strings.Repeat("7", 15<<20)+`"}`, `{id, n: ((.n // "1") | tonumber)}`, "--body", "raw"),
		row("text times number", `{"id":1,"price":"aaaaaaaaaaaaaaaa","n":16777215}`, "{id, p: ((.price // 2) * (.n // 3))}"),
		row("list minus list", numbers, "{id, l: (((.l // [1]) - ((.l // []) | map(. + 1))) | length)}"),
		row("combinations", numbers, "{id, n: ([[.l // [1], .l // [1]] | combinations] | length)}"),
		row("a list that doubles itself", `{"id":1,"go":true}`, `{id, n: (if .go then ([1] | until(false; . + .)) else 1 end)}`),
		row("recursion without end", `{"id":1,"go":true}`, `def f: f + f; {id, n: (if .go then f else 1 end)}`),
		row("a range without end", `{"id":1,"go":true}`, `{id, n: (if .go then (reduce range(1e18) as $i (0; . + 1)) else 1 end)}`),
		row("a range without end, kept", `{"id":1,"go":true}`, `{id, n: (if .go then [range(1e18)] else 1 end)}`),
		row("records without end", `{"id":1,"go":true}`, `if .go then range(1e18) | {id: .} else {id} end`),
	}
}
