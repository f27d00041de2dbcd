package afd

import (
	"slices"
	"strings"
	"unicode"
)

// NoConsensus is the label that only a result can have.
const NoConsensus = "no consensus"

// What the words in a vote mean. A label is one of the values: keep, delete,
// merge, redirect, draftify, userfy, incubate, transwiki, withdraw, neutral and
// rename; and no consensus of results.
var labelWords = map[string]string{
	"keep": "keep", "keeps": "keep", "kept": "keep", "keeping": "keep", "keeper": "keep",
	"delete": "delete", "deletes": "delete", "deleted": "delete", "deleting": "delete", "deletion": "delete", "del": "delete",
	"merge": "merge", "merged": "merge", "merging": "merge", "merger": "merge", "smerge": "merge",
	"redirect": "redirect", "redirected": "redirect", "redirecting": "redirect", "redir": "redirect",
	"draftify": "draftify", "draftified": "draftify", "draft": "draftify", "draftspace": "draftify", "drafted": "draftify",
	"userfy": "userfy", "userfied": "userfy", "userify": "userfy", "userified": "userfy", "userspace": "userfy",
	"incubate": "incubate", "incubated": "incubate", "incubation": "incubate",
	"transwiki": "transwiki", "transwikied": "transwiki", "transwikify": "transwiki", "transwikify'd": "transwiki",
	"withdraw": "withdraw", "withdrawn": "withdraw", "withdrawing": "withdraw", "withdrawal": "withdraw",
	"neutral": "neutral", "abstain": "neutral", "abstention": "neutral",
	"rename": "rename", "renamed": "rename", "move": "rename", "moved": "rename",
}

// rank says which label of several counts first: what becomes of the content
// before whether it stays. Labels of one rank keep the order of the text.
var rank = map[string]int{"merge": 0, "redirect": 1, "draftify": 2, "userfy": 3, "incubate": 4, "transwiki": 5, "neutral": 7, "rename": 8}

const otherRank = 6

// modifiers say how strongly, and nothing about what.
var modifiers = words("strong strongly strongest weak weakly speedy speedily snow snowball regretful regretfully reluctant reluctantly very extremely " +
	"conditional conditionally tentative tentatively selective slight procedural leaning lean mild default quick quickly firm definite definitely super ultra uber obvious clear total absolute absolutely rather my vote")

// remarks open what is no vote, whatever follows.
var remarks = words("comment comments note notes question questions reply response query clarification clarify rebuttal observation remark update " +
	"correction info information fyi addendum relisted relisting re")

// negations turn keep and delete into each other, and void the others.
var negations = words("not don't dont never oppose against cannot no")

// ends are the words after which the target or the grounds follow, and conjunctions what ends those.
var (
	ends         = words("to into in per with as from because since unless if until without under by at for")
	conjunctions = words("and or then but else otherwise")
)

// places are those that "move to" makes a vote of its own.
var places = words("draft draftspace userspace")

func words(list string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(list) {
		m[w] = true
	}
	return m
}

// mostWords bounds how far into a sentence in bold a vote may stand.
const mostWords = 12

// labels are what the words in bold vote for, the one that counts first. There are
// none if they are no vote.
func labels(raw string, result bool) []string {
	var (
		found          []string
		aside, started bool
		before         string
		n              int
	)
	for w := range strings.FieldsFuncSeq(raw, func(r rune) bool { return !unicode.IsLetter(r) && r != '\'' }) {
		w = strings.ToLower(strings.Trim(w, "'"))
		if n++; n > mostWords {
			break
		}
		switch {
		case w == "consensus" && before == "no":
			if result {
				return []string{NoConsensus}
			}
			return nil
		case !started && remarks[w]:
			return nil
		case conjunctions[w]:
			aside = false
		case ends[w]:
			aside = len(found) > 0
		case !aside, before == "to" && places[w]:
			found = appendLabel(found, labelWords[w], negations[before])
		}
		started = started || !modifiers[w]
		before = w
	}
	if len(found) == 0 && before == "speedy" {
		return []string{"delete"} // what a bare "speedy" asks for
	}
	slices.SortStableFunc(found, func(a, b string) int { return rankOf(a) - rankOf(b) })
	return found
}

func rankOf(label string) int {
	if r, ok := rank[label]; ok {
		return r
	}
	return otherRank
}

func appendLabel(found []string, label string, negated bool) []string {
	if negated {
		label = map[string]string{"keep": "delete", "delete": "keep"}[label]
	}
	if label == "" || slices.Contains(found, label) {
		return found
	}
	return append(found, label)
}

// onlyModifiers tells whether a vote's word is still to come, as in ”'Strong”' ”'keep”'.
func onlyModifiers(raw string) bool {
	for w := range strings.FieldsSeq(strings.ToLower(raw)) {
		if !modifiers[w] {
			return false
		}
	}
	return true
}
