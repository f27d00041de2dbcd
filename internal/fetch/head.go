package fetch

import (
	"bytes"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"

	"golang.org/x/net/http/httpguts"
)

// headConn is a connection on which the heads of HTTP/1.1 answers, and the lines of chunked bodies,
// are put right as they come: what browsers and curl read over is taken out before Go's own reader,
// which ends the exchange there. What a body holds passes as it is.
type headConn struct {
	net.Conn

	mu     sync.Mutex
	expect bool   // the next bytes from the peer are a head
	asked  string // the method of the request
	body   chunks // after a head with chunked
	head   []byte // of it so far
	out    []byte // to be read
	err    error  // after out
	left   func() // called when the first bytes of the request are written
}

// maxHead bounds how much of a head is held. A longer one is passed on, and its reader refuses it.
const maxHead = 2 * maxHeaderBytes

// begin is called before each request: its answer's head comes next.
func (c *headConn) begin(method string, left func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expect, c.asked, c.left = true, method, left
	c.body = chunks{}
}

// Write passes bytes on. net/http calls httptrace's WroteHeaders while they are still in its
// buffer.
func (c *headConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.mu.Lock()
	left := c.left
	c.left = nil
	c.mu.Unlock()
	if left != nil {
		left()
	}
	return n, err
}

// Read returns a head when all of it has come, and anything else at once.
func (c *headConn) Read(p []byte) (int, error) {
	for {
		if n, err, ok := c.ready(p); ok {
			return n, err
		}
		n, err := c.Conn.Read(p)
		if n, err, ok := c.take(p[:n], err); ok {
			return n, err
		}
	}
}

// ready returns what is held for the reader.
func (c *headConn) ready(p []byte) (int, error, bool) { //nolint:revive // the error belongs to the reader
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.out) > 0 {
		n := copy(p, c.out)
		c.out = c.out[n:]
		return n, nil, true
	}
	return 0, c.err, c.err != nil
}

// take looks at what was read. It reports what of it is for the reader as it is, false when only
// what is held is.
func (c *headConn) take(b []byte, err error) (int, error, bool) { //nolint:revive // the error belongs to the reader
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.expect:
		c.takeHead(b, err)
		return 0, nil, false
	case !c.body.on:
		return len(b), err, true
	}
	same, out, wrong := c.body.tidy(b)
	if wrong != nil {
		err = wrong
	}
	if len(out) > 0 {
		c.out, c.err = out, err
		return same, nil, same > 0
	}
	return same, err, same > 0 || err != nil
}

// takeHead collects a head, and holds it for the reader when it is all there.
func (c *headConn) takeHead(b []byte, err error) {
	c.head = append(c.head, b...)
	for c.expect {
		c.head = bytes.TrimLeft(c.head, "\r\n")
		end := headEnd(c.head)
		if end == 0 {
			break
		}
		head, kind := tidyHead(c.head[:end])
		c.out = append(c.out, head...)
		c.head = c.head[end:]
		c.expect = kind.informs
		c.body.on = kind.chunked && c.asked != http.MethodHead
	}
	if !c.expect || err != nil || len(c.head) > maxHead {
		if c.body.on {
			same, out, wrong := c.body.tidy(c.head)
			c.head = append(c.head[:same], out...)
			if wrong != nil {
				err = wrong
			}
		}
		c.out = append(c.out, c.head...)
		c.head, c.expect, c.err = nil, false, err
	}
}

// headEnd returns the end of the head that b begins with, 0 while it is incomplete.
func headEnd(b []byte) int {
	for i := 0; ; {
		j := bytes.IndexByte(b[i:], '\n')
		if j < 0 {
			return 0
		}
		i += j + 1
		switch {
		case bytes.HasPrefix(b[i:], []byte("\n")):
			return i + 1
		case bytes.HasPrefix(b[i:], []byte("\r\n")):
			return i + 2
		}
	}
}

var statusLine = regexp.MustCompile(`(?i)^\s*(?:HTTP/([0-9])(?:\.([0-9]))?|ICY)[ \t]+([0-9]{3})(?:[ \t]*)(.*)$`)

// headKind is what a head announces.
type headKind struct {
	informs bool // another head
	chunked bool // a body in chunks
}

// tidyHead puts a head right. What is chunked in spite of HTTP/1.0 is of HTTP/1.1, as curl has it,
// and ends its connection.
func tidyHead(head []byte) (tidy []byte, kind headKind) {
	lines := strings.Split(strings.TrimRight(string(head), "\r\n"), "\n")
	all := framing(fields(lines[1:]))
	chunked := slices.Contains(all, field{"Transfer-Encoding", "chunked"})
	first := strings.TrimRight(lines[0], "\r")
	if m := statusLine.FindStringSubmatch(first); m != nil {
		version := "HTTP/1.1"
		switch {
		case m[1] != "1" || m[2] != "0":
		case chunked:
			all = slices.DeleteFunc(all, func(f field) bool { return strings.EqualFold(f.name, "Connection") })
			all = append(all, field{"Connection", "close"})
		default:
			version = "HTTP/1.0"
		}
		first = version + " " + m[3] + " " + printableLine(m[4])
		kind.informs = m[3][0] == '1' && m[3] != "101"
		kind.chunked = chunked && m[3][0] != '1' && m[3] != "204" && m[3] != "304"
	}
	var b strings.Builder
	b.WriteString(first + "\r\n")
	for _, f := range all {
		b.WriteString(f.name + ": " + f.value + "\r\n")
	}
	b.WriteString("\r\n")
	return []byte(b.String()), kind
}

type field struct{ name, value string }

// fields returns the header's lines, folded ones joined, without those that are not header lines.
func fields(lines []string) []field {
	var all []field
	lost := true // the line before was left out, and what is folded onto it too
	for _, line := range lines {
		line = strings.TrimRight(line, "\r")
		if line != "" && (line[0] == ' ' || line[0] == '\t') {
			if !lost {
				all[len(all)-1].value += " " + printableLine(line)
			}
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		name = strings.Trim(name, " \t")
		if lost = !ok || !httpguts.ValidHeaderFieldName(name); !lost {
			all = append(all, field{name, printableLine(value)})
		}
	}
	return all
}

// printableLine trims blanks from a value and replaces its control characters with blanks.
func printableLine(s string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?")), " ")
}

// framing keeps once what is given twice about where the body ends: chunked, identity, equal
// lengths.
func framing(all []field) []field {
	var kept []field
	var codings, lengths []string
	for _, f := range all {
		switch http.CanonicalHeaderKey(f.name) {
		case "Transfer-Encoding":
			codings = appendNew(codings, strings.ToLower(bareWord.Replace(f.value)), "identity", "")
		case "Content-Length":
			lengths = appendNew(lengths, bareWord.Replace(f.value), "")
		default:
			kept = append(kept, f)
		}
	}
	if len(codings) > 0 { // it overrides a length
		return append(kept, field{"Transfer-Encoding", strings.Join(codings, ", ")})
	}
	for _, length := range lengths {
		kept = append(kept, field{"Content-Length", length})
	}
	return kept
}

// bareWord removes quotes and a plus sign, which curl ignores.
var bareWord = strings.NewReplacer("\"", "", "+", "")

// appendNew adds the members of a list that are neither present yet nor idle.
func appendNew(list []string, members string, idle ...string) []string {
next:
	for member := range strings.SplitSeq(members, ",") {
		member = strings.TrimSpace(member)
		for _, known := range append(idle, list...) {
			if member == known {
				continue next
			}
		}
		list = append(list, member)
	}
	return list
}
