package fetch

import (
	"bytes"
	"errors"
	"io"
	"net/http/httputil"
	"strings"
	"testing"

	"shoal/internal/harvest"
)

const chunkedHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

// What browsers and curl accept of a chunked body is accepted, on a connection that is used again.
func TestOddChunks(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"well formed":                      "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
		"an extension":                     "5;a=b\r\nhello\r\n0;c\r\n\r\n",
		"a blank before an extension":      "5 ;a=b\r\nhello\r\n0 ; c\r\n\r\n",
		"a tab before an extension":        "5\t;a=b\r\nhello\r\n0\r\n\r\n",
		"blanks behind the size":           "5 \t  \r\nhello\r\n0  \r\n\r\n",
		"a quoted extension":               "5;a=\"b;c\"\r\nhello\r\n0\r\n\r\n",
		"words behind a blank":             "5 bytes\r\nhello\r\n0\r\n\r\n",
		"line feeds only":                  "2\nhe\n3\nllo\n0\n\n",
		"a line feed behind the size":      "5\nhello\r\n0\r\n\r\n",
		"a line feed behind the data":      "5\r\nhello\n0\r\n\r\n",
		"a line feed behind the last size": "5\r\nhello\r\n0\n\r\n",
		"a line feed at the end":           "5\r\nhello\r\n0\r\n\n",
		"trailers":                         "5\r\nhello\r\n0\r\nX-Sum: 1\r\nX-More: 2\r\n\r\n",
		"trailers with line feeds only":    "5\r\nhello\r\n0\nX-Sum: 1\nX-More: 2\n\n",
		"trailers that are none":           "5\r\nhello\r\n0\r\nno colon\r\n: nothing\r\n\r\n",
		"trailers of 10 KB":                "5\r\nhello\r\n0\r\nX-Long: " + strings.Repeat("a", 10<<10) + "\r\n\r\n",
		"zeros before the size":            "0005\r\nhello\r\n0000\r\n\r\n",
		"forty zeros before the size":      strings.Repeat("0", 40) + "5\r\nhello\r\n" + strings.Repeat("0", 40) + "\r\n\r\n",
		"a carriage return in the line":    "5;a\rb\r\nhello\r\n0\r\n\r\n",
		"lines behind the end":             "5\r\nhello\r\n0\r\n\r\n\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := client(t, Config{})
			origin := rawServer(t, chunkedHead+answer, false)
			for n := range 3 {
				a, err := get(t.Context(), c, origin+"/items/1")
				if err != nil {
					t.Fatalf("Send %d of %q = %v, want an answer", n, answer, err)
				}
				if string(a.Body) != "hello" {
					t.Errorf("Send %d of %q = %q, want hello", n, answer, a.Body)
				}
				a.Release()
			}
			if d := c.Stats().Dials; d != 1 {
				t.Errorf("%d connections for 3 requests, want 1", d)
			}
		})
	}
	for name, answer := range map[string]string{
		"hexadecimal digits in either case": chunkedHead + "00aA\r\n" + strings.Repeat("x", 0xaa) + "\r\n0\r\n\r\n",
		"chunked with HTTP/1.0":             "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\nAa \n" + strings.Repeat("x", 0xaa) + "\n0\n\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, err := get(t.Context(), client(t, Config{}), rawServer(t, answer, true)+"/items/1")
			if err != nil || string(a.Body) != strings.Repeat("x", 0xaa) {
				t.Errorf("Send of %.90q = %v, want %d times x", answer, err, 0xaa)
			}
		})
	}
}

// What is beyond making sense of, or costs more than it carries, is refused.
func TestWrongChunks(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"a size that overflows":              "10000000000000005\r\nhello\r\n0\r\n\r\n",
		"a size beyond any body":             "ffffffffffffffff\r\nhello\r\n0\r\n\r\n",
		"a negative size":                    "-5\r\nhello\r\n0\r\n\r\n",
		"a size with a plus":                 "+5\r\nhello\r\n0\r\n\r\n",
		"no size":                            "\r\nhello\r\n0\r\n\r\n",
		"an extension in place of a size":    ";a=b\r\nhello\r\n0\r\n\r\n",
		"a size that is none":                "xyz\r\nhello\r\n0\r\n\r\n",
		"a size as programmers write it":     "0x5\r\nhello\r\n0\r\n\r\n",
		"letters behind a size":              "5x\r\nhello\r\n0\r\n\r\n",
		"data longer than the size":          "4\r\nhello\r\n0\r\n\r\n",
		"data shorter than the size":         "9\r\nhello\r\n0\r\n\r\n",
		"no last chunk":                      "5\r\nhello\r\n",
		"no line behind the last chunk":      "5\r\nhello\r\n0\r\n",
		"a line that is too long":            "5;" + strings.Repeat("a", maxChunkLine) + "\r\nhello\r\n0\r\n\r\n",
		"too many zeros":                     strings.Repeat("0", maxChunkLine) + "5\r\nhello\r\n0\r\n\r\n",
		"extensions for ever, little data":   strings.Repeat("1;"+strings.Repeat("a", 1000)+"\r\nh\r\n", 40) + "0\r\n\r\n",
		"trailers that are too long":         "5\r\nhello\r\n0\r\nX-Long: " + strings.Repeat("a", maxHeaderBytes) + "\r\n\r\n",
		"trailers without an end":            "5\r\nhello\r\n0\r\nX-Sum: 1\r\n",
		"two returns before the line's feed": "5\r\nhello\r\r\n0\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, err := get(t.Context(), client(t, Config{}), rawServer(t, chunkedHead+answer, true)+"/items/1")
			if fault := faultIn(err); fault != harvest.FaultReset && fault != harvest.FaultPartial {
				t.Errorf("Send of %.60q = %q, %v, want a fault", answer, a.Body, err)
			}
		})
	}
}

// What a server sends behind its answer is not an answer: the next request goes over another
// connection.
func TestNothingBehindChunksIsAnAnswer(t *testing.T) {
	t.Parallel()
	const forged = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"
	for name, end := range map[string]string{"well formed": "0\r\n\r\n", "line feeds only": "0\n\n", "an early end": "0\n\nX: 1\r\n\r\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := client(t, Config{})
			origin := rawServer(t, chunkedHead+"5\r\nhello\r\n"+end+forged, false)
			for range 20 {
				a, err := get(t.Context(), c, origin+"/items/1")
				if err == nil && string(a.Body) != "hello" {
					t.Fatalf("Send = %q, want hello", a.Body)
				}
				a.Release()
			}
		})
	}
}

// decode reads a chunked body as it comes in pieces.
func decode(body []byte, piece int) ([]byte, error) {
	c := chunks{on: true}
	var all []byte
	for b := range slicesOf(body, piece) {
		same, out, err := c.tidy(b)
		all = append(append(all, b[:same]...), out...)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if err != nil || !c.on {
			break
		}
	}
	return io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(all)))
}

func slicesOf(b []byte, size int) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for len(b) > 0 {
			n := min(size, len(b))
			if !yield(b[:n:n]) {
				return
			}
			b = b[n:]
		}
	}
}

// A well-formed body passes without a copy.
func TestChunksStayAsTheyAre(t *testing.T) {
	t.Parallel()
	body := []byte("5\r\nhello\r\na\r\n0123456789\r\n0\r\n\r\n")
	c := chunks{on: true}
	if same, out, err := c.tidy(body); same != len(body) || out != nil || err != nil || c.on {
		t.Errorf("tidy(%q) = %d, %q, %v, on %v; want all of its %d bytes as they are, and its end", body, same, out, err, c.on, len(body))
	}
	for cut := range body {
		c := chunks{on: true}
		c.tidy(body[:cut])
		if c.tidy(body[cut:]); c.on {
			t.Errorf("cut at %d: no end was seen", cut)
		}
	}
}

func FuzzChunks(f *testing.F) {
	for _, body := range []string{
		"5\r\nhello\r\n0\r\n\r\n", "5 ;a=b\nhello\n0\nX: 1\n\n", "0005\r\nhello\r\n00\r\n\r\n", "ffffffffffffffff\r\n", "-1\r\n", "5\r\nhello\r\r\n", "0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
	} {
		f.Add([]byte(body), uint8(3))
	}
	f.Fuzz(func(t *testing.T, body []byte, piece uint8) {
		whole, err := decode(body, len(body)+1)
		parts, errParts := decode(body, int(piece)+1)
		if !bytes.Equal(whole, parts) || (err == nil) != (errParts == nil) {
			t.Errorf("%q = %q, %v; in pieces of %d bytes %q, %v", body, whole, err, int(piece)+1, parts, errParts)
		}
		if strict, err2 := io.ReadAll(httputil.NewChunkedReader(bytes.NewReader(body))); err2 == nil && err == nil && !bytes.Equal(strict, whole) {
			t.Errorf("%q = %q, want %q as net/http reads it", body, whole, strict)
		}
	})
}
