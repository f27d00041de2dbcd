package afd

// ungoverned reports whether a vote depends on words that are not known to ask for it: wait to
// delete, better than deletion, least of all delete, quit deleting. A form of a verb without "to"
// and the like stands for itself, whatever comes before it. Results are worded in too many ways for
// that.
func (b *reading) ungoverned(w string) bool {
	if b.result {
		return false
	}
	linked := nouns[w]
	for i := b.i - 1; i >= b.from; i-- {
		switch v := b.tokens[i].word; {
		case v == "than", v == "before" && i == b.i-1 && nouns[w]:
			return true
		case conjunctions[v], resets[v], labelWords[v] != "", governors[v]:
			return false
		case links[v]:
			linked = true
		case helpers[v], modifiers[v]:
		default:
			return linked && !grounds[v]
		}
	}
	return false
}

// condemned reports whether a noun is the subject of a statement against it: deletion violates
// policy, keeping this sets a bad precedent.
func (b *reading) condemned(w string) bool {
	if b.result || !nouns[w] || b.tokens[b.i].end != 0 {
		return false
	}
	rest := b.tokens[b.i+1 : b.to]
	for _, t := range rest[:min(len(rest), 8)] {
		if offends[t.word] {
			return true
		}
	}
	for len(rest) > 0 && helpers[rest[0].word] && !copulas[rest[0].word] && rest[0].word != "of" {
		rest = rest[1:]
	}
	if w != "deletion" || len(rest) == 0 || b.i > b.from {
		return false
	}
	switch v := rest[0].word; {
	case copulas[v]:
		return !holds(rest[:min(len(rest), 8)], about) && !holds(rest[:min(len(rest), 8)], grounds)
	case v == "of", ends[v], conjunctions[v], grounds[v], modifiers[v], governors[v], labelWords[v] != "":
		return false
	}
	return true
}

// changesTo reports whether a change of mind names the new vote: change my delete to keep.
func (b *reading) changesTo() bool {
	for i := b.i + 1; i+1 < b.to; i++ {
		if b.tokens[i].word == "to" && labelWords[b.next(i)] != "" || b.tokens[i].word == "to" && modifiers[b.next(i)] {
			return true
		}
	}
	return false
}

// votesLater reports whether words in bold after this clause vote.
func (b *reading) votesLater() bool {
	for i := b.to; i < len(b.tokens); i++ {
		if b.tokens[i].bold && labelWords[b.tokens[i].word] != "" {
			return true
		}
	}
	return false
}

// links tie a vote to the word before them.
var links = words("to of on with off about at by in towards toward for")

// governors are the words before such a link, or before a noun, that ask for the vote.
var governors = words("nominate nominated nominating nominator nom recommend recommended recommending recommendation propose proposed proposing suggest suggested suggesting suggestion endorse endorsed endorsing concur concurring second seconded prefer preferred preference like want wants wanted needing tend tending " +
	"leaning leans inclined inclination incline motion move request requesting requested urge urging advise advocate advocating argue arguing opt opting candidate candidates eligible qualifies qualify deserving meriting warranting requiring justify justifies justified right time better best okay ok fine happy content willing glad " +
	"decide decided able ready going aye yes yep yeah yup agreed agreeing accept accepting change changed changing switch switched switching revert back due strongly sure certain certainly clearly only choose chose choice option try let have has had got subject subjected likely ripe worthy destined ought speedy speedily " +
	"say says said voting vote votes voted comes come boils go went well moving leads points favoring favouring favors favours pro support supports supporting supported per then close closed closing result results consensus relist hope hoping love see wish merits grounds reason reasons purpose pending")

// changes are the words for a change of mind.
var changes = words("change changed changing switch switched switching")

// offends are verbs of what is wrong with a vote.
var offends = words("violates violate contradicts contradict breaks breaches ignores sucks stinks undermines harms hurts damages precedent")

// harsh words condemn the vote that they are about.
var harsh = words("harsh severe drastic excessive extreme heavy-handed unthinkable uncalled")

// rulings are what a vote may be against.
var rulings = words("policy policies consensus guideline guidelines rules rule the")
