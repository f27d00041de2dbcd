package mediawiki

import (
	"crypto/sha1" // the wiki's own checksum
	"encoding/hex"
	"strings"
)

// main returns the slot that holds a page's own text. In a wiki before 1.32, which has no slots, it
// is the revision itself.
func (r *revision) main() *slot {
	m := r.Slots.Main
	if m.text() == nil {
		m.Content = r.text()
	}
	if m.Model == "" {
		m.Model = r.Model
	}
	if m.SHA1 == "" {
		m.SHA1 = r.SHA1
	}
	if m.Size == nil {
		m.Size = r.Size
	}
	m.TextHidden = m.TextHidden || r.TextHidden
	return &m
}

// verdict is the result of comparing a text with the wiki's checksum.
type verdict int

const (
	matches   verdict = iota
	unchecked         // the checksum is of something else, or there is none
	differs           // the checksum is of this very text, which is another one
)

// verify compares the text of a revision with the wiki's checksum. Two things make them differ
// although nothing is wrong. The checksum of a revision is that of all its slots together. And the
// API brings text into Unicode's normal form C and puts U+FFFD for control characters and for what
// is not UTF-8, while the checksum is of the text before that.
func verify(rev *revision, main *slot) verdict {
	content := *main.text()
	sum := sha1.Sum([]byte(content))
	switch {
	case len(main.SHA1) != hex.EncodedLen(sha1.Size):
		return unchecked
	case strings.EqualFold(hex.EncodeToString(sum[:]), main.SHA1):
		return matches
	case !keptAsWritten(main.Model):
		return unchecked
	}
	length, size := int64(len(content)), main.Size
	if own := rev.Slots.Main; own.text() != nil && own.SHA1 == "" && (size == nil || *size != length) {
		return unchecked // the sum of all slots, of which there may be others
	}
	if size != nil && *size != length && !normalizes(content) || (size == nil || *size == length) && oneForm(content) {
		return differs
	}
	return unchecked
}

// keptAsWritten reports whether the API answers with the stored bytes of this content model. Other
// models, such as the items of Wikibase, it serializes anew.
func keptAsWritten(model string) bool {
	switch model {
	case "", "wikitext", "text", "css", "sanitized-css", "javascript", "json", "Scribunto":
		return true
	}
	return false
}

// normalizes reports whether text of another length can have become this one in normal form C. It
// looks for composed characters, replaced ones, and letters that other characters are canonically
// equal to (the Kelvin sign is K).
func normalizes(content string) bool {
	return strings.ContainsFunc(content, func(r rune) bool { return r >= 0xC0 || r == 'K' || r == ';' || r == '`' || r == '´' })
}

// oneForm reports whether no other text of the same length has this normal form: all letters are
// from the beginning of Unicode, where canonically equal text is longer, except for the modifier
// letter prime and the middle dot.
func oneForm(content string) bool {
	const combining, prime, dot = 0x300, 0x2B9, 0xB7
	return !strings.ContainsFunc(content, func(r rune) bool { return r >= combining || r == prime || r == dot })
}
