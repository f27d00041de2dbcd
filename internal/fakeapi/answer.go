package fakeapi

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http2"
)

// answer gives a visit what was decided when it came.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, v *visit) {
	h := w.Header()
	h.Set("Server", "shoal-fakeapi")
	for name, value := range v.b.Headers {
		h.Set(name, value)
	}
	if v.b.Partner {
		v.quota.write(h, v.b.ResetAs)
	}
	switch {
	case v.b.Outage != 0:
		writeJSON(w, v.b.Outage, problem("outage", "the fake upstream is out"))
	case v.arrival.Refused:
		tooMany(w, v.b, v.wait)
	case v.fault.Kind != "":
		s.injectFault(w, r, v)
	default:
		s.serve(w, r, v.b)
	}
}

// serve answers a request without a fault.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, b Behaviour) {
	if !pause(r, b.Latency) {
		abort(w, http2.ErrCodeCancel)
		return
	}
	if b.Partner && unmoved(r) == grantPath {
		s.serveToken(w, r)
		return
	}
	if !s.authorized(r, b) {
		w.Header().Set("WWW-Authenticate", `Bearer error="invalid_token"`)
		writeJSON(w, http.StatusUnauthorized, problem("invalid_token", "a good bearer token is needed"))
		return
	}
	c := s.content(w.Header(), r, b)
	s.hand(c, func() error { return send(w, r, b, c.status, c.body) })
}

// content is the content of an answer.
type content struct {
	status int
	body   []byte
	// ids are the items in it, and from is the path that they were requested at, without an id.
	ids  []int
	from string
}

// content returns the answer itself: that of Behaviour.Answer, a partner's answer, an item, an
// echo, or 404.
func (s *Server) content(h http.Header, r *http.Request, b Behaviour) content {
	if b.Answer != nil {
		if reply := b.Answer(r); reply != nil {
			for name, values := range reply.Header {
				h[name] = values
			}
			return content{status: max(reply.Status, 0), body: reply.Body}
		}
	}
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", "application/json")
	}
	if r.URL.Path == "/echo" {
		return content{status: http.StatusOK, body: echo(r)}
	}
	if b.Partner {
		if serve := partner(unmoved(r)); serve != nil {
			return serve(h, r, b)
		}
	}
	n, ok := itemNumber(r.URL.Path, b)
	if !ok {
		body, _ := json.Marshal(problem("not_found", "no such item")) // two strings
		return content{status: http.StatusNotFound, body: body}
	}
	h.Set("ETag", fmt.Sprintf(`"%d-%d"`, n, b.Size))
	h.Set("Set-Cookie", "session=never-to-be-stored")
	at := unmoved(r)
	c := content{status: http.StatusOK, body: Item(n, b.Size), ids: []int{n}, from: at[:strings.LastIndex(at, "/")+1]}
	if b.Partner && c.from == itemsPath+"/" {
		c.body = b.full(n)
	}
	return c
}

// unmoved returns the path that a request was for before any redirect.
func unmoved(r *http.Request) string { return strings.TrimPrefix(r.URL.Path, "/moved") }

// itemNumber reads /items/N and /moved/items/N.
func itemNumber(path string, b Behaviour) (int, bool) {
	_, id, found := strings.Cut(path, "/items/")
	n, err := strconv.Atoi(id)
	return n, found && err == nil && b.exists(n)
}

// exists reports whether there is an item n.
func (b Behaviour) exists(n int) bool {
	if n < 0 || b.Items > 0 && n >= b.Items {
		return false
	}
	return b.MissingEvery == 0 || n == 0 || n%b.MissingEvery != 0
}

// Item returns the body of /items/n, the same at all times, with at least size bytes.
func Item(n, size int) []byte { return item(n, size, "") }

func item(n, size int, updated string) []byte {
	item := struct {
		ID      int      `json:"id"`
		Title   string   `json:"title"`
		Updated string   `json:"updated,omitempty"`
		Tags    []string `json:"tags"`
		Score   float64  `json:"score"`
		Text    string   `json:"text,omitempty"`
	}{
		ID: n, Title: title(n), Updated: updated,
		Tags: []string{words[n%7], words[7+n%5]}, Score: math.Floor(fraction(n, 0)*1000) / 1000,
	}
	body, _ := json.Marshal(item) // only numbers and strings
	if missing := size - len(body) - len(`,"text":""`); missing > 0 {
		item.Text = strings.Repeat(words[n%len(words)]+" ", missing)[:missing]
		body, _ = json.Marshal(item)
	}
	return body
}

func title(n int) string { return fmt.Sprintf("Item %d, “%s”", n, words[n%len(words)]) }

var words = [...]string{"anchovy", "bream", "cod", "dace", "eel", "flounder", "garfish", "herring", "ide", "jack", "kipper", "ling"}

// echo returns what a client sent.
func echo(r *http.Request) []byte {
	sent, _ := io.ReadAll(r.Body) // what came before the client broke off is what it sent
	body, _ := json.Marshal(map[string]any{
		"method": r.Method, "path": r.URL.Path, "query": r.URL.RawQuery, "headers": r.Header, "body": string(sent),
	})
	return body
}

func problem(code, text string) map[string]any {
	return map[string]any{"error": map[string]any{"code": code, "info": text}}
}

// send writes a complete answer, compressed if the client accepts that. Its error means that the
// client has hung up.
func send(w http.ResponseWriter, r *http.Request, b Behaviour, status int, body []byte) error {
	if b.Gzip && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.Header().Set("Content-Encoding", "gzip")
		body = compress(body)
	}
	if status == 0 {
		status = http.StatusOK
	}
	if status != http.StatusNoContent && status != http.StatusNotModified {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(status)
	_, err := w.Write(body)
	return err
}

func compress(body []byte) []byte {
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	_, _ = z.Write(body) // a bytes.Buffer takes all
	_ = z.Close()
	return buf.Bytes()
}

// tooMany refuses, and names in b's way the time to come back.
func tooMany(w http.ResponseWriter, b Behaviour, wait time.Duration) {
	h := w.Header()
	seconds := strconv.Itoa(int(math.Ceil(wait.Seconds())))
	limit := strconv.Itoa(int(math.Ceil(b.Rate)))
	switch b.Hint {
	case HintSeconds:
		h.Set("Retry-After", seconds)
	case HintFraction:
		// This is rounded up, like all of them: a client that waits as long as asked is admitted.
		h.Set("Retry-After", strconv.FormatFloat(math.Ceil(wait.Seconds()*1000)/1000, 'f', 3, 64))
	case HintDate:
		h.Set("Retry-After", time.Now().Add(wait+time.Second-1).UTC().Format(http.TimeFormat))
	case HintXRateLimit:
		if !b.Partner { // a partner's answers bear them anyway
			quota{limit: int(math.Ceil(b.Rate)), reset: time.Now().Add(wait)}.write(h, b.ResetAs)
		}
	case HintRateLimit:
		h.Set("RateLimit", `"default";r=0;t=`+seconds)
		h.Set("RateLimit-Policy", `"default";q=`+limit+`;w=1`)
	case HintNone:
	}
	writeJSON(w, http.StatusTooManyRequests, problem("ratelimited", "too many requests"))
}

// pause waits for d, and reports whether the client is still there.
func pause(r *http.Request, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}

func httpDate() string { return time.Now().UTC().Format(http.TimeFormat) }
