package afd

import "slices"

// recounts reports whether a word that votes reports what others voted, or what became of the
// article earlier: last AfD was keep, already deleted, was kept last time.
func (b *reading) recounts(w string) bool {
	if b.result {
		return false
	}
	before, after := b.tokens[b.from:b.i], b.tokens[b.i+1:b.to]
	if holds(before, wishes) {
		return false
	}
	switch {
	case done[w] && holds(before, bygone):
		return true
	case done[w] && (holds(after, times) || holds(before, times)):
		return true
	case b.i > b.from && prior[b.word(b.i-1)]:
		return true // prior deletion
	}
	said := slices.IndexFunc(before, func(t token) bool { return tells[t.word] })
	return said > 0 && holds(before[:said], others) // last AfD was keep, everybody voted keep
}

func holds(tokens []token, set map[string]bool) bool {
	return slices.ContainsFunc(tokens, func(t token) bool { return set[t.word] })
}

// done are the forms of a vote that tell that it came about.
var done = words("kept deleted merged redirected draftified drafted userfied userified incubated transwikied withdrawn renamed moved")

// wishes are words that make what follows the author's own: should have been kept, I voted delete.
var wishes = words("i my we me our let let's should must ought need needs would could can may might will shall be being to please so therefore hence now")

// bygone are words before a form of done that place it in the past.
var bygone = words("was were been got already once earlier has have had before")

// times are words beside a form of done that name the time.
var times = words("before already earlier ago yesterday twice thrice times last previous prior time")

// prior are adjectives of what is past.
var prior = words("previous prior past earlier last former")

// reports are verbs between those who voted, or what was decided, and the vote.
var tells = words("was were is closed ended resulted voted decided said says say votes concluded")

// others are who voted, and what was decided.
var others = words("afd afds vfd vfds tfd mfd prod nomination nominations nom noms nominator discussion discussions debate debates time result results outcome outcomes consensus decision close closure closing verdict majority everyone everybody others people most he she they users editors all " +
	"review drv vote")

// opposite returns what a denied vote is: only a denied deletion has an opposite, to keep.
func opposite(label string) negation {
	if label == "delete" {
		return negated
	}
	return voided
}

// isAdjunct reports whether the word only describes the next one, as in "delete button" or "a
// delete vote was refused".
func (b *reading) isAdjunct() bool {
	next := b.word(b.i + 1)
	return b.tokens[b.i].end == 0 && (adjuncts[next] || next == "vote" && refused[b.word(b.i+2)])
}
