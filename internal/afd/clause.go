package afd

import (
	"slices"
	"strings"
)

// reading is the walk over the tokens of one passage, clause by clause.
type reading struct {
	tokens         []token
	inBold         []int // the tokens in bold
	result         bool
	found, flipped []string
	none, done     bool // no consensus; nothing more counts

	// Of the clause.
	i, from, to int
	neg         negation
	past        negation // what grounds took for themselves
	hit         bool     // the negation has met a vote
	bare        bool     // only helpers are between the negation and here
	article     bool     // and among them is an article
	aside       bool     // in the target or the grounds
	away        bool     // after "from", before "to"
	cut         bool     // an earlier clause was only a negation
}

// negation is how the words before a vote negate it.
type negation uint8

const (
	affirmed negation = iota
	negated           // do not, no reason to
	opposed           // oppose, against
	voided            // rather than, hardly, why
)

func (b *reading) bold() (inBold []int) {
	for i, t := range b.tokens {
		if t.bold {
			inBold = append(inBold, i)
		}
	}
	return inBold
}

func (b *reading) firstWord() string {
	for _, i := range b.inBold {
		if w := b.tokens[i].word; !modifiers[w] {
			return w
		}
	}
	return ""
}

// onlySpeedy reports whether the words in bold are modifiers, the last of which is "speedy".
func (b *reading) onlySpeedy() bool {
	for _, i := range b.inBold {
		if !modifiers[b.tokens[i].word] {
			return false
		}
	}
	return b.tokens[b.inBold[len(b.inBold)-1]].word == "speedy"
}

func (b *reading) word(i int) string {
	if i >= 0 && i < len(b.tokens) {
		return b.tokens[i].word
	}
	return ""
}

// next returns the word after the i-th of the clause, "" at its end.
func (b *reading) next(i int) string {
	if i+1 < b.to {
		return b.tokens[i+1].word
	}
	return ""
}

// clause reads one clause and returns where the next begins.
func (b *reading) clause(from int) int {
	b.from, b.to = from, from
	for b.to < len(b.tokens) && b.tokens[b.to].end == 0 {
		b.to++
	}
	b.to = min(b.to+1, len(b.tokens))
	mark := b.tokens[b.to-1].end
	found, flipped := len(b.found), len(b.flipped)
	switch {
	case b.listed():
	case b.cutOff():
		b.neg, b.hit = voided, false
	default:
		b.neg, b.hit = affirmed, false
	}
	b.past, b.bare, b.article, b.away = affirmed, true, false, false
	b.aside = conditions[b.opening()]
	if b.question() {
		return b.to
	}
	if b.denial() {
		b.found, b.neg = nil, affirmed
		return b.to
	}
	for b.i = from; b.i < b.to && !b.done; b.i++ {
		b.step(b.tokens[b.i].word)
	}
	switch {
	case mark == '?' && !b.none:
		b.found, b.flipped = b.found[:found], b.flipped[:flipped]
	case mark == '>' && b.votesLater():
		b.found, b.flipped = nil, nil
	}
	return b.to
}

// listed reports whether the clause continues a list of votes that an earlier negation has met: not
// kept, merged or redirected.
func (b *reading) listed() bool {
	if b.from == 0 || b.tokens[b.from-1].end != ',' || !b.hit || b.neg == affirmed {
		return false
	}
	for i := b.from; i < len(b.tokens); i++ {
		switch w := b.tokens[i].word; {
		case w == "or", w == "nor":
			return true
		case labelWords[w] == "", b.tokens[i].end != 0 && b.tokens[i].end != ',':
			return false
		}
	}
	return false
}

// cutOff reports whether the clause before this one is a negation that waits for its verb: do not,
// I repeat, delete; do not (speedy) delete.
func (b *reading) cutOff() bool {
	if b.from == 0 || b.hit || b.neg == affirmed || b.tokens[b.from-1].end != ',' && b.tokens[b.from-1].end != '(' {
		return false
	}
	if b.cut || b.from > 0 && b.tokens[b.from-1].word == "not" && (b.from == 1 || doing[b.tokens[b.from-2].word]) {
		b.cut = true
		return true
	}
	return false
}

// doing are the verbs whose negation needs another verb.
var doing = words("do does did should shall must can could would will may might need ought")

// opening returns the clause's first meaningful word.
func (b *reading) opening() string {
	for i := b.from; i < b.to; i++ {
		if w := b.tokens[i].word; !modifiers[w] && w != "so" && w != "well" && w != "please" && w != "but" && w != "and" {
			b.i = i
			return w
		}
	}
	b.i = b.from
	return ""
}

// question reports whether the clause's first words ask a question.
func (b *reading) question() bool {
	w := b.opening()
	n := b.next(b.i)
	return asks[w] || inverted[w] && pronouns[n] || w == "since" && n == "when" || w == "do" && (n == "you" || n == "we" || n == "they" || n == "i")
}

// denial reports whether the clause's words in bold only take back the vote before it.
func (b *reading) denial() bool {
	last := ""
	for _, t := range b.tokens[b.from:b.to] {
		switch {
		case t.bold && !denials[t.word]:
			return false
		case t.bold && !modifiers[t.word]:
			last = t.word
		case !t.bold && (last == "not" || last == "no"): // not notable
			return false
		}
	}
	return last != "" && len(b.found) > 0
}

// step reads one word.
func (b *reading) step(w string) {
	switch {
	case w == "consensus":
		b.consensus()
	case b.negates(w):
	case b.leaves(w):
		b.neg, b.hit, b.away = voided, false, true
	case w == "to" && b.away, w == "now" && b.neg == voided:
		b.neg, b.away, b.aside = affirmed, false, false
	case conjunctions[w], resets[w]:
		b.join(w)
	case ends[w] && len(b.found) > 0:
		b.aside = true
		b.between(w)
	case labelWords[w] != "" && (!b.aside || b.word(b.i-1) == "to" && places[w]):
		b.vote(w)
	default:
		b.between(w)
	}
}

// leaves reports whether the votes after the word are those that the author gives up.
func (b *reading) leaves(w string) bool {
	return len(b.found) == 0 && (w == "from" || changes[w] && b.changesTo())
}

// negates reads a word that negates what follows.
func (b *reading) negates(w string) bool {
	n := b.next(b.i)
	if (w == "not" || w == "no") && mere[n] { // not only delete
		b.i++
		return true
	}
	kind := negationOf(w, n)
	if b.voids(w, n) {
		kind = voided
	}
	switch {
	case kind == affirmed:
		return false
	case w == "without" && len(b.found) > 0:
		b.aside = true
		return true
	case b.neg != affirmed && !b.hit && w != "neither" && w != "nor": // not against, no objection to
		kind = voided
	}
	b.neg, b.past, b.hit, b.bare, b.article = kind, affirmed, false, true, false
	return true
}

// voids reports whether a word, given the next one, takes the meaning from the votes after it.
func (b *reading) voids(w, next string) bool {
	switch {
	case allBut[w] && (next == "but" || next == "except"):
		b.i++
		return true
	case w == "was" && !b.result && b.i == b.from && labelWords[next] != "": // was keep, now delete
		return true
	}
	return w == "too" && (b.word(b.i+2) == "to" || b.word(b.i+3) == "to" || b.word(b.i+2) == "for" && nouns[b.word(b.i+3)]) // too good to delete
}

// negationOf returns how a word negates, given the next one.
func negationOf(w, next string) negation {
	switch {
	case w == "opposed", opposing[w]:
		return opposed
	case phrases[w] != "" && phrases[w] == next, voids[w]:
		return voided
	case oddities[w] && (next == "to" || next == "for" || next == "of" || next == "that" || next == "redirect" || nouns[next]):
		return voided
	case (w == "not" || w == "no") && lukewarm[next]:
		return voided
	case negations[w]:
		return negated
	}
	return affirmed
}

// join reads a conjunction. A negation reaches over it to a vote that is listed beside one that it
// has met.
func (b *reading) join(w string) {
	b.aside = false
	n := b.next(b.i)
	listed := (w == "or" || w == "nor" || w == "and") && b.hit && !modals[n]
	if w == "or" && !b.hit && !modals[n] && b.neg != affirmed {
		listed = true
	}
	if !listed {
		b.neg, b.past, b.hit = affirmed, affirmed, false
		return
	}
	b.bare = b.hit
}

// between reads a word that is neither a vote nor a negation.
func (b *reading) between(w string) {
	switch {
	case b.neg == affirmed:
		if b.past != affirmed && (w == "should" || w == "must" || w == "ought") {
			b.past = affirmed
		}
	case grounds[w] && !b.hit && b.next(b.i) != "enough" && b.next(b.i) != "sufficiently":
		b.neg, b.past = affirmed, b.neg
	case w == "a" || w == "an" || w == "the":
		b.article = true
	case !helpers[w] && !modifiers[w]:
		b.bare = false
	}
}

// vote reads a word that votes.
func (b *reading) vote(w string) {
	label, kind := labelWords[w], b.weigh(w)
	if !b.tokens[b.i].bold {
		return
	}
	if label == "withdraw" && kind == affirmed {
		b.found = slices.DeleteFunc(b.found, func(l string) bool { return l == "delete" && b.sameClause() })
	}
	b.cast(label, kind)
}

// weigh returns how a word that votes is meant.
func (b *reading) weigh(w string) negation {
	kind := b.neg
	if b.past != affirmed && kind == affirmed && takeBack[b.word(b.i-1)] && b.i > b.from {
		kind = voided
	}
	moved := places[w] && b.word(b.i-1) == "to" // do not move to draft
	if b.hit && !b.joined() && !moved {         // do not delete merge
		b.neg, kind = affirmed, affirmed
	}
	switch {
	case b.isAdjunct():
		kind, b.hit = voided, b.hit || b.neg != affirmed
	case kind == affirmed && b.denied(w):
		kind = opposite(labelWords[w])
	case b.neg != affirmed:
		b.hit = true
	case kind == affirmed && (b.recounts(w) || b.ungoverned(w) || b.condemned(w)):
		kind = voided
	}
	return kind
}

// sameClause reports whether the withdrawal is of a vote for deletion in the same clause.
func (b *reading) sameClause() bool {
	for i := b.from; i < b.to; i++ {
		if labelWords[b.tokens[i].word] == "delete" {
			return true
		}
	}
	return false
}

// joined reports whether the vote is listed beside the one before it.
func (b *reading) joined() bool {
	for i := b.i - 1; i >= 0; i-- {
		switch w := b.tokens[i].word; {
		case conjunctions[w]:
			return true
		case b.tokens[i].end != 0:
			return true // clause has looked at that
		case labelWords[w] != "":
			return false
		case !helpers[w] && !modifiers[w]:
			return false
		}
	}
	return true
}

// cast counts a vote.
func (b *reading) cast(label string, kind negation) {
	switch {
	case kind == affirmed:
		b.found = appendLabel(b.found, label)
	case kind == voided || !b.bare:
	case label == "delete":
		b.flipped = appendLabel(b.flipped, "keep")
	case label == "keep" && !b.article && (kind == opposed || b.acts()):
		b.flipped = appendLabel(b.flipped, "delete")
	}
}

// acts reports whether the negation belongs to a verb: do not keep, cannot be kept.
func (b *reading) acts() bool {
	for i := b.i - 1; i >= b.from; i-- {
		if negations[b.tokens[i].word] {
			return b.tokens[i].word == "not" || b.tokens[i].word == "never"
		}
	}
	return false
}

// onlyModifiers reports whether the word of the vote is still to come, as in ”'Strong”' ”'keep”'.
func onlyModifiers(raw string) bool {
	for w := range strings.FieldsSeq(strings.ToLower(raw)) {
		if !modifiers[w] {
			return false
		}
	}
	return true
}
