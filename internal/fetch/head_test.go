package fetch

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// rawServer answers each request on each connection with the given bytes, and then closes the
// connection if they do not end an answer by themselves.
func rawServer(t *testing.T, answer string, hangUp bool) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for r := bufio.NewReader(conn); ; {
					req, err := http.ReadRequest(r)
					if err != nil {
						return
					}
					io.Copy(io.Discard, req.Body)
					if _, err = io.WriteString(conn, answer); err != nil || hangUp {
						return
					}
				}
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

// What browsers and curl accept of an HTTP/1.1 answer is accepted, and the connection is used
// again.
func TestOddHeads(t *testing.T) {
	t.Parallel()
	const body = "\r\n\r\nhello"
	const length = "\r\nContent-Length: 5"
	for name, row := range map[string]struct {
		answer string
		hangUp bool
	}{
		"a plain answer":                       {"HTTP/1.1 200 OK" + length + body, false},
		"a line without a colon":               {"HTTP/1.1 200 OK\r\nX-Odd\r\nnonsense here" + length + body, false},
		"a line with nothing before the colon": {"HTTP/1.1 200 OK\r\n: nothing" + length + body, false},
		"a blank before the colon":             {"HTTP/1.1 200 OK\r\nX-Odd : 1\r\nContent-Length : 5" + body, false},
		"a name that is none":                  {"HTTP/1.1 200 OK\r\nX[odd]: 1\r\nX-Ümlaut: 2\r\nX odd: 3" + length + body, false},
		"a control character in a value":       {"HTTP/1.1 200 OK\r\nX-Odd: a\x01b\x00c\x7f" + length + body, false},
		"bytes that are no UTF-8":              {"HTTP/1.1 200 OK\r\nX-Odd: caf\xe9" + length + body, false},
		"a folded line":                        {"HTTP/1.1 200 OK\r\nX-Odd: a\r\n  b\r\n\tc" + length + body, false},
		"a folded line first":                  {"HTTP/1.1 200 OK\r\n folded" + length + body, false},
		"line feeds only":                      {"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", false},
		"blank lines before the answer":        {"\r\n\r\nHTTP/1.1 200 OK" + length + body, false},
		"a status line without words":          {"HTTP/1.1 200" + length + body, false},
		"a status line with a tab":             {"HTTP/1.1\t200\tOK" + length + body, false},
		"a status line in small letters":       {"http/1.1 200 ok" + length + body, false},
		"a status line of another version":     {"HTTP/2 200" + length + body, false},
		"chunked given twice in a line":        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", false},
		"chunked given twice in two lines":     {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", false},
		"chunked with a length":                {"HTTP/1.1 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", false},
		"identity":                             {"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity" + length + body, false},
		"identity and chunked":                 {"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", false},
		"a length given twice in a line":       {"HTTP/1.1 200 OK\r\nContent-Length: 5, 5" + body, false},
		"a length given twice in two lines":    {"HTTP/1.1 200 OK\r\nContent-Length: 5" + length + body, false},
		"a length in quotes":                   {"HTTP/1.1 200 OK\r\nContent-Length: \"5\"" + body, false},
		"a length with a plus":                 {"HTTP/1.1 200 OK\r\nContent-Length: +5" + body, false},
		"chunked in quotes":                    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: \"chunked\"\r\n\r\n5\r\nhello\r\n0\r\n\r\n", false},
		"an empty length":                      {"HTTP/1.1 200 OK\r\nContent-Length:" + body, true},
		"a hint before the answer":             {"HTTP/1.1 103 Early Hints\r\nodd line\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nodd line" + length + body, false},
		"HTTP/1.0 without a length":            {"HTTP/1.0 200 OK\r\nodd line" + body, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			origin := rawServer(t, row.answer, row.hangUp)
			c := client(t, Config{})
			for n := range 3 {
				a, err := get(t.Context(), c, origin+"/items/1")
				if err != nil {
					t.Fatalf("Send %d of %q = %v, want an answer", n, row.answer, err)
				}
				if a.Status != 200 || string(a.Body) != "hello" {
					t.Errorf("Send %d of %q = %d %q, want 200 hello", n, row.answer, a.Status, a.Body)
				}
				a.Release()
			}
			if d := c.Stats().Dials; !row.hangUp && d != 1 {
				t.Errorf("%d connections for 3 requests, want 1", d)
			}
		})
	}
}

// What no reader can understand is still refused, and never taken for an answer.
func TestWrongHeads(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"no HTTP":                 "SSH-2.0-OpenSSH_9.2\r\n\r\n",
		"a status of two digits":  "HTTP/1.1 20 OK\r\n\r\n",
		"two lengths":             "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
		"a negative length":       "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
		"a coding not asked for":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: br, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
		"a head without an end":   "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n",
		"a head that is too long": "HTTP/1.1 200 OK\r\nX-Long: " + strings.Repeat("a", 3*maxHeaderBytes) + "\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := client(t, Config{})
			if a, err := get(t.Context(), c, rawServer(t, answer, true)+"/items/1"); err == nil {
				t.Errorf("Send of %.60q = %d %q, want a failure", answer, a.Status, a.Body)
			}
		})
	}
}
