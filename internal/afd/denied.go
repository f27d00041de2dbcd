package afd

// denied reports whether a statement follows that the vote is not to be: deletion is not the answer.
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

func deniedBy(rest []token, noun bool) bool {
	no := false
	for k, t := range rest {
		switch {
		case t.word == "not" || t.word == "no" || t.word == "never" || t.word == "hardly":
			no = true
		case refused[t.word] || bad[t.word], poor[t.word] && (noun || k+1 < len(rest) && rest[k+1].word == "idea"):
			return true
		case t.word == "out" && k+3 < len(rest) && rest[k+3].word == "question":
			return true
		case grounds[t.word], labelWords[t.word] != "" && k > 0:
			return false
		case no && about[t.word]:
			return true
		}
	}
	return no && noun
}

// consensus takes the word itself: where there is none, that is the result.
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
