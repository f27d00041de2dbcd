package harvest

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Printable makes foreign text safe for a terminal and acceptable to a store: it cuts it to
// [MaxDetail] bytes and puts U+FFFD in place of whatever is not a visible character, a blank, a tab
// or a line feed.
func Printable(text string) string {
	var out strings.Builder
	for _, r := range text {
		switch {
		case r == '\r':
			continue
		case r != '\n' && r != '\t' && !unicode.IsGraphic(r):
			r = utf8.RuneError
		}
		if out.Len()+utf8.RuneLen(r) > MaxDetail {
			break
		}
		out.WriteRune(r)
	}
	return strings.TrimSpace(out.String())
}

// Visible makes text safe to print. It escapes, as JSON does, whatever is not a visible character,
// a blank, a tab or a line feed, and bytes that are not UTF-8. What is left cannot move the cursor,
// hide text, reverse its direction or pass for the end of a line. Everything that Shoal prints goes
// through it.
func Visible(text string) string {
	clean := true
	for _, r := range text {
		if r == utf8.RuneError || !isVisible(r) {
			clean = false
			break
		}
	}
	if clean {
		return text
	}
	var out strings.Builder
	for i := 0; i < len(text); {
		r, width := utf8.DecodeRuneInString(text[i:])
		switch {
		case r == utf8.RuneError && width == 1:
			fmt.Fprintf(&out, `\x%02x`, text[i])
		case r == '\r' && strings.HasPrefix(text[i:], "\r\n"):
		case !isVisible(r):
			escapeRune(&out, r)
		default:
			out.WriteRune(r)
		}
		i += width
	}
	return out.String()
}

// isVisible reports whether a rune is printed as it is.
func isVisible(r rune) bool {
	return r == '\n' || r == '\t' || unicode.IsGraphic(r)
}

func escapeRune(out *strings.Builder, r rune) {
	if high, low := utf16Pair(r); high != 0 {
		fmt.Fprintf(out, `\u%04x\u%04x`, high, low)
		return
	}
	fmt.Fprintf(out, `\u%04x`, r)
}

// utf16Pair returns how JSON escapes a rune beyond U+FFFF; zero for any other rune.
func utf16Pair(r rune) (high, low rune) {
	if r < 0x10000 {
		return 0, 0
	}
	r -= 0x10000
	return 0xd800 + r>>10, 0xdc00 + r&0x3ff
}

// lineBreaks are what a terminal, an editor or a log reader takes for the end of a line.
var lineBreaks = strings.NewReplacer(":\n\t", ": ", ":\n", ": ", "\n\t", "; ", "\r\n", "; ", "\n", "; ", "\r", "; ", "\v", "; ", "\f", "; ", "\u0085", "; ", "\u2028", "; ", "\u2029", "; ", "\t", " ")

// Line is [Visible] on one line.
func Line(text string) string { return Visible(lineBreaks.Replace(text)) }

// Linef is [fmt.Sprintf] with each text among args on one line, so that only the format ends lines.
func Linef(format string, args ...any) string {
	safe := make([]any, len(args))
	for i, arg := range args {
		switch value := arg.(type) {
		case string:
			safe[i] = Line(value)
		case error:
			safe[i] = ErrorText(value)
		case fmt.Stringer:
			safe[i] = Line(value.String())
		default:
			safe[i] = value
		}
	}
	return Visible(fmt.Sprintf(format, safe...))
}

// Word makes foreign text a reason that can be stored and counted: 1 to 60 of a-z, 0-9, _ and -. It
// returns otherwise if that leaves nothing.
func Word(text, otherwise string) string {
	const most = 60
	var b strings.Builder
	for _, c := range strings.ToLower(strings.TrimSpace(text[:min(len(text), 4*most)])) {
		if b.Len() == most {
			break
		}
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			c = '_'
		}
		b.WriteRune(c)
	}
	if b.Len() == 0 {
		return otherwise
	}
	return b.String()
}

// Detailed is an error whose sentence is followed by a colon and lines of ours, such as examples.
// Only these lines are printed as lines.
type Detailed struct {
	Err   error
	Below []string
}

// Error returns the sentence and the lines below it.
func (d *Detailed) Error() string { return d.Err.Error() + d.below() }

// Unwrap returns the sentence's error.
func (d *Detailed) Unwrap() error { return d.Err }

func (d *Detailed) below() string {
	if len(d.Below) == 0 {
		return ""
	}
	return ":\n  " + strings.Join(d.Below, "\n  ")
}

// ErrorText returns an error as it may be printed: one line, and below it the lines of a
// [Detailed].
func ErrorText(err error) string {
	if err == nil {
		return "<nil>"
	}
	detailed, ok := errors.AsType[*Detailed](err)
	if !ok {
		return Line(err.Error())
	}
	before, after, _ := strings.Cut(err.Error(), detailed.below())
	text := Line(before + after)
	if len(detailed.Below) > 0 {
		text += ":"
	}
	for _, line := range detailed.Below {
		text += "\n  " + Line(line)
	}
	return text
}

// Sentence returns an error as one line, without the lines of a [Detailed].
func Sentence(err error) string {
	text, _, _ := strings.Cut(ErrorText(err), "\n")
	return strings.TrimSuffix(text, ":")
}

// NewVisible makes a writer that passes everything through [Visible]. It holds back a character
// that is split between two writes until the rest comes.
func NewVisible(w io.Writer) io.Writer { return &visible{w: w} }

type visible struct {
	w    io.Writer
	held []byte
}

// Write implements [io.Writer].
func (v *visible) Write(p []byte) (int, error) {
	text := slices.Concat(v.held, p)
	whole := len(text) - cutAtEnd(text)
	v.held = append([]byte(nil), text[whole:]...)
	if _, err := io.WriteString(v.w, Visible(string(text[:whole]))); err != nil {
		return 0, err
	}
	return len(p), nil
}

// cutAtEnd returns how many bytes at the end of text may be the beginning of a character.
func cutAtEnd(text []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(text); n++ {
		if b := text[len(text)-n]; utf8.RuneStart(b) {
			if b >= utf8.RuneSelf && !utf8.FullRune(text[len(text)-n:]) {
				return n
			}
			return 0
		}
	}
	return 0
}
