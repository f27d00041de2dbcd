package status

import (
	"cmp"
	"fmt"
	"strings"

	"shoal/internal/harvest"
)

// Place is where the data of a run lies, and how a person gets at it.
type Place struct {
	Program string // the coordinator
	Records bool   // the run makes records; else its pages are the data
	Store   string // the address of the store
	File    string // that it names, where it is one
	ByFlag  bool   // the address was given by a flag, which holds no password
	ByEnv   string // the variable that holds it, if one does
	Secret  bool   // it may hold a password
	// Look returns the shell command that selects from the pages of the store. Its address is one
	// word of the shell, and the statement has a %s for the table.
	Look func(address, statement, table string) string
}

// Next returns the lines that lead from a harvest to its data: what to do next, and the commands
// that bring the data out.
func Next(s Seen, p Place) []string {
	if s.Run == "" {
		return nil
	}
	all := Advice(s)
	if s.Landed == 0 { // there is nothing to export
		return all
	}
	what := "pages"
	if p.Records {
		what = "records"
	}
	export := fmt.Sprintf("%s export --run %s --table %s --to %s.jsonl.zst%s", p.Program, s.Run, what, s.Run, p.Flag())
	return append(all, export, p.Look(p.address(), fmt.Sprintf("select outcome, reason, count(*) from %%s where run = '%s' group by 1, 2", s.Run), "pages"))
}

// Flag returns the flag that names the store to another command, after a blank. It is empty where
// the address was given in another way: a password stays where it is.
func (p Place) Flag() string {
	if !p.ByFlag {
		return ""
	}
	return " --store " + ShellWord(p.Store)
}

// address is the store as a word of the shell, without a password.
func (p Place) address() string {
	switch {
	case p.File != "":
		return ShellWord(p.File)
	case p.ByEnv != "":
		return `"$` + p.ByEnv + `"`
	case p.Secret:
		return "YOUR-DATABASE-URL"
	}
	return ShellWord(p.Store)
}

// examples is how many items are named.
const examples = 5

// With returns what was seen with how the items of the run ended, and with some of those that did
// not land: some returns at most so many of them that ended in a way.
func (s Seen) With(totals harvest.Counts, some func(outcome harvest.Outcome, most int) []harvest.Page) Seen {
	s.Landed, s.Missing, s.Skipped, s.Dead = totals.Landed, totals.Missing, totals.Skipped, totals.Dead
	if s.Dead > 0 {
		s.Failed = examplesOf(some(harvest.Dead, examples))
	}
	if s.Skipped > 0 {
		s.Passed = examplesOf(some(harvest.Skipped, examples))
	}
	return s
}

// examplesOf names the items of pages by their ids, or else by their URLs.
func examplesOf(pages []harvest.Page) (all []Example) {
	for i := range pages {
		all = append(all, Example{Item: cmp.Or(pages[i].ID, pages[i].URL), Reason: pages[i].Reason})
	}
	return all
}

// ShellWord makes text one word of a POSIX shell.
func ShellWord(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@%+=,") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
