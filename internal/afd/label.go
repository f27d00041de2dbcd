package afd

import "slices"

// NoConsensus is the label that only a result can have.
const NoConsensus = "no consensus"

// What the words in a vote mean. A label is one of the values: keep, delete, merge, redirect,
// draftify, userfy, incubate, transwiki, withdraw, neutral and rename; and no consensus of results.
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

// rank is which of several labels counts first: what becomes of the content comes before whether it
// stays. Labels of one rank keep the order of the text.
var rank = map[string]int{"merge": 0, "redirect": 1, "draftify": 2, "userfy": 3, "incubate": 4, "transwiki": 5, "neutral": 7, "rename": 8}

const otherRank = 6

// maxWords bounds how far into a sentence in bold a vote may be.
const maxWords = 12

// passage is words in bold, with those of the same sentence around them.
type passage struct {
	before, bold, after string
	result              bool // a result has labels of its own
}

// labels returns what the words in bold vote for, the one that counts first. There are none if they
// are not a vote. Negated words vote for nothing; only if there are no others, "do not delete" is a
// keep and "cannot be kept" a delete.
func (p passage) labels() []string {
	found, flipped := p.read()
	if len(found) == 0 {
		found = flipped
	}
	return found
}

// read returns the labels found, and those that are left if what is found is negated.
func (p passage) read() (found, flipped []string) {
	b := reading{tokens: p.tokens(), result: p.result}
	if b.inBold = b.bold(); len(b.inBold) == 0 {
		return nil, nil
	}
	if b.onlySpeedy() {
		return []string{"delete"}, nil // what a bare "speedy" asks for
	}
	if remarks[b.firstWord()] {
		return nil, nil
	}
	for from := 0; from < len(b.tokens) && !b.done; {
		from = b.clause(from)
	}
	if b.none {
		if p.result {
			return []string{NoConsensus}, nil
		}
		return nil, nil
	}
	slices.SortStableFunc(b.found, func(a, b string) int { return rankOf(a) - rankOf(b) })
	return b.found, b.flipped
}

func rankOf(label string) int {
	if r, ok := rank[label]; ok {
		return r
	}
	return otherRank
}

func appendLabel(found []string, label string) []string {
	if label == "" || slices.Contains(found, label) {
		return found
	}
	return append(found, label)
}
