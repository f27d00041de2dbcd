package mediawiki

import (
	"bytes"

	"github.com/segmentio/encoding/json"
)

// What an answer may hold. 500 pages with their text are some 3,000 objects and 20,000 values; a
// step of a listing for an account with apihighlimits is 5,000 and 70,000. Each object costs a
// hundred bytes or more once it is decoded, so 16 MiB of empty ones would cost gigabytes.
const (
	maxObjects  = 20_000
	maxValues   = 300_000
	maxContinue = 16 << 10 // bytes of a continue object
)

// checkShape counts the brackets and commas outside of strings before anything is decoded.
func checkShape(body []byte, maxDepth int) error {
	depth, objects, values := 0, 0, 0
	for i := 0; i < len(body); i++ {
		switch body[i] {
		case '"':
			i = endOfString(body, i+1)
		case '{', '[':
			if depth++; depth > maxDepth {
				return errDeep
			}
			if values++; body[i] == '{' {
				objects++
			}
		case '}', ']':
			depth--
		case ',':
			values++
		}
		if objects > maxObjects || values > maxValues {
			return errMany
		}
	}
	return nil
}

// endOfString returns the place of the closing quote of the string that begins at i; the end of the
// body if it has none.
func endOfString(body []byte, i int) int {
	for i < len(body) {
		at := bytes.IndexByte(body[i:], '"')
		if at < 0 {
			return len(body)
		}
		at += i
		slashes := 0
		for at-slashes > i && body[at-slashes-1] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return at
		}
		i = at + 1
	}
	return i
}

// trim removes white space and byte order marks from both ends: some wikis' PHP files begin or end
// with them.
func trim(body []byte) []byte {
	mark := []byte("\uFEFF")
	for {
		shorter := bytes.TrimSpace(body)
		shorter = bytes.TrimSuffix(bytes.TrimPrefix(shorter, mark), mark)
		if len(shorter) == len(body) {
			return body
		}
		body = shorter
	}
}

// flag is a boolean: true or false in formatversion 2; in formatversion 1 it is present, as an
// empty text, or absent.
type flag bool

// UnmarshalJSON implements [json.Unmarshaler].
func (f *flag) UnmarshalJSON(raw []byte) error {
	text := string(raw)
	*f = text != "false" && text != "null"
	return nil
}

// word is a text that PHP may have taken for a number, such as the title 1984.
type word string

// UnmarshalJSON implements [json.Unmarshaler].
func (w *word) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && (raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9') {
		*w = word(raw)
		return nil
	}
	return json.Unmarshal(raw, (*string)(w))
}

// pages are a list, or an object by page id before formatversion 2 (MediaWiki 1.25).
type pages []page

// UnmarshalJSON implements [json.Unmarshaler].
func (p *pages) UnmarshalJSON(raw []byte) error {
	if len(raw) == 0 || raw[0] != '{' {
		return json.Unmarshal(raw, (*[]page)(p))
	}
	var byID map[string]page
	if err := json.Unmarshal(raw, &byID); err != nil {
		return err
	}
	*p = make(pages, 0, len(byID))
	for _, one := range byID {
		*p = append(*p, one)
	}
	return nil
}

// rawContinue is a continue object as wikis before 1.26 send it, {"allpages":{"gapcontinue":…}},
// without its outer level.
type rawContinue json.RawMessage

// UnmarshalJSON implements [json.Unmarshaler].
func (r *rawContinue) UnmarshalJSON(raw []byte) error {
	var modules map[string]map[string]json.RawMessage
	if len(raw) <= maxContinue {
		_ = json.Unmarshal(raw, &modules) // of another shape: as if there were none
	}
	flat := map[string]json.RawMessage{}
	for _, parameters := range modules {
		for name, value := range parameters {
			flat[name] = value
		}
	}
	if len(flat) == 0 {
		return nil
	}
	text, err := json.Marshal(flat)
	*r = text
	return err
}
