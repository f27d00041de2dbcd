package afd

import "slices"

// denied reports whether a statement follows that rejects the vote: deletion is not the answer.
func (b *reading) denied(w string) bool {
	if b.tokens[b.i].end != 0 {
		return false
	}
	rest := b.tokens[b.i+1 : b.to]
	for len(rest) > 0 && nouns[w] && !copulas[rest[0].word] && !refused[rest[0].word] && helpers[rest[0].word] {
		rest = rest[1:]
	}
	if len(rest) == 0 {
		return false
	}
	if refused[rest[0].word] {
		return true
	}
	if !copulas[rest[0].word] {
		return false
	}
	return deniedBy(rest[:min(len(rest), 8)], nouns[w])
}

// disapproves reports whether the words call what precedes them wrong: a bad idea, out of the
// question.
func disapproves(rest []token, noun bool) bool {
	w := rest[0].word
	switch {
	case refused[w] || bad[w]:
		return true
	case poor[w]:
		return noun || len(rest) > 1 && rest[1].word == "idea"
	case harsh[w], w == "against" && len(rest) > 1 && rulings[rest[1].word]:
		return true
	}
	return w == "out" && len(rest) > 3 && rest[3].word == "question"
}

func deniedBy(rest []token, noun bool) bool {
	no := false
	for k, t := range rest {
		switch {
		case slices.Contains([]string{"not", "no", "never", "hardly"}, t.word):
			no = true
		case disapproves(rest[k:], noun):
			return true
		case grounds[t.word], labelWords[t.word] != "" && k > 0:
			return false
		case no && about[t.word]:
			return true
		}
	}
	return no && noun
}

// consensus reads the word itself: if there is none, that is the result.
func (b *reading) consensus() {
	absent := false
	for i := b.i - 1; i >= b.from && i >= b.i-4; i-- {
		w := b.tokens[i].word
		absent = absent || negations[w] || voids[w]
		if labelWords[w] != "" || conjunctions[w] {
			break
		}
	}
	if !absent {
		no := false
		for i := b.i + 1; i < b.to; i++ {
			switch w := b.tokens[i].word; w {
			case "not", "never", "no":
				no = true
			case "reached", "achieved", "formed", "found", "established", "emerged", "developed", "reach", "emerge", "form", "there", "exist":
				absent = absent || no
			}
		}
	}
	switch {
	case !absent:
	case len(b.found) > 0:
		b.neg, b.hit, b.bare = voided, false, false
	default:
		b.none, b.done = true, true
	}
}
