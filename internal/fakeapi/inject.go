package fakeapi

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http2"
)

// injectFault does to a request what its fault is.
func (s *Server) injectFault(w http.ResponseWriter, r *http.Request, v *visit) {
	f := v.fault
	h := w.Header()
	switch f.Kind {
	case KindTooMany:
		tooMany(w, v.b, f.Delay)
	case KindUnavailable:
		h.Set("Retry-After", strconv.Itoa(int((f.Delay+time.Second-1)/time.Second)))
		writeJSON(w, http.StatusServiceUnavailable, problem("unavailable", "come back later"))
	case KindStatus:
		writeJSON(w, or(f.Status, http.StatusInternalServerError), problem("injected", "an injected fault"))
	case KindHTML:
		page(w, or(f.Status, http.StatusOK))
	case KindText:
		h.Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = fmt.Fprintln(w, "It works!")
	case KindErrorObject:
		writeJSON(w, http.StatusOK, problem("ratelimited", "you have exceeded your rate limit"))
	case KindTemporary:
		writeJSON(w, http.StatusOK, map[string]any{"error": map[string]any{"code": "TEMPORARY", "message": "please try again"}})
	case KindRedirect:
		redirect(w, "/moved"+r.URL.RequestURI(), f, strings.HasPrefix(r.URL.Path, "/moved/"), func() { s.serve(w, r, v.b) })
	case KindAway:
		redirect(w, f.To, f, false, nil)
	case KindLoop:
		redirect(w, r.URL.RequestURI(), f, false, nil)
	case KindNoContent:
		w.WriteHeader(http.StatusNoContent)
	case KindGoAway:
		goAway(w)
		s.serve(w, r, v.b)
	case KindReset:
		abort(w, http2.ErrCodeInternal)
	case KindRefused:
		abort(w, http2.ErrCodeRefusedStream)
	case KindCalm:
		calm(w)
	default:
		s.injectBodyFault(w, r, v)
	}
}

// injectBodyFault spoils an answer that is good up to its body.
func (s *Server) injectBodyFault(w http.ResponseWriter, r *http.Request, v *visit) {
	f := v.fault
	h := w.Header()
	if f.Kind == KindStall {
		if !stall(r, f.Delay) {
			abort(w, http2.ErrCodeCancel)
			return
		}
		s.serve(w, r, v.b)
		return
	}
	c := s.content(h, r, v.b)
	body := c.body
	half := body[:len(body)/2]
	switch f.Kind {
	case KindStallBody:
		part(w, half, len(body))
		if !stall(r, f.Delay) {
			abort(w, http2.ErrCodeCancel)
			return
		}
		s.hand(c, func() error {
			_, err := w.Write(body[len(half):])
			return err
		})
	case KindCut:
		part(w, half, len(body))
		abort(w, http2.ErrCodeInternal)
	case KindShort:
		part(w, half, len(body))
	case KindEndless:
		endless(w, r, f.Size)
	case KindDrip:
		if f.Size > 0 {
			c = content{body: bytes.Repeat([]byte(" "), f.Size)}
		}
		s.hand(c, func() error { return drip(w, r, f, c.body) })
	default:
		_ = send(w, r, Behaviour{}, 0, spoil(h, f, body)) // the client may have hung up
	}
}

// spoil turns a good body into one that is well framed and complete, and wrong.
func spoil(h http.Header, f Fault, body []byte) []byte {
	switch f.Kind {
	case KindTruncated:
		return body[:len(body)/2]
	case KindTruncatedGz:
		h.Set("Content-Encoding", "gzip")
		z := compress(body)
		return z[:len(z)-6]
	case KindEmpty:
		return nil
	case KindJunk:
		return append(body, "{} and more"...)
	case KindEncoding:
		h.Set("Content-Encoding", "br")
	case KindBomb:
		h.Set("Content-Encoding", "gzip")
		return bomb(f.Size)
	case KindHeaders:
		for i := 0; i*1024 < f.Size; i++ {
			h.Set(fmt.Sprintf("X-Filler-%d", i), strings.Repeat("x", 1000))
		}
	default: // the other kinds damage more than the body
	}
	return body
}

func or(n, otherwise int) int {
	if n == 0 {
		return otherwise
	}
	return n
}

// stall holds a request for d, or until its client leaves if d is 0, and reports whether the client
// is still connected.
func stall(r *http.Request, d time.Duration) bool {
	if d == 0 {
		<-r.Context().Done()
		return false
	}
	return pause(r, d)
}

// part sends the head and some bytes of a body that claims to be longer.
func part(w http.ResponseWriter, some []byte, claimed int) {
	w.Header().Set("Content-Length", strconv.Itoa(claimed))
	_, _ = w.Write(some)
	_ = http.NewResponseController(w).Flush()
}

func page(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<!DOCTYPE html><html><head><title>%d</title></head><body><h1>Something went wrong</h1></body></html>\n", status)
}

// redirect sends the client to another place, unless it is there already.
func redirect(w http.ResponseWriter, to string, f Fault, arrived bool, serve func()) {
	if arrived {
		serve()
		return
	}
	w.Header().Set("Location", to)
	w.WriteHeader(or(f.Status, http.StatusFound))
}

func bomb(size int) []byte {
	var buf bytes.Buffer
	z, _ := gzip.NewWriterLevel(&buf, gzip.BestCompression) // a level that exists
	zeros := make([]byte, 1<<20)
	for size > 0 {
		n := min(size, len(zeros))
		_, _ = z.Write(zeros[:n]) // a bytes.Buffer takes all
		size -= n
	}
	_ = z.Close()
	return buf.Bytes()
}

func endless(w http.ResponseWriter, r *http.Request, size int) {
	chunk := bytes.Repeat([]byte(" "), 64<<10)
	for size > 0 && r.Context().Err() == nil {
		n, err := w.Write(chunk[:min(size, len(chunk))])
		if err != nil {
			return
		}
		size -= n
	}
}

func drip(w http.ResponseWriter, r *http.Request, f Fault, body []byte) error {
	out := http.NewResponseController(w)
	for i := range body {
		if _, err := w.Write(body[i : i+1]); err != nil {
			return err
		}
		if err := out.Flush(); err != nil {
			return err
		}
		if !pause(r, f.Delay) {
			return r.Context().Err()
		}
	}
	return nil
}

// h2Answer are the ways to end an answer on an HTTP/2 stream.
type h2Answer interface {
	reset(code http2.ErrCode)
	goAway()
	calm()
}

// abort breaks an answer off: the stream with code, or the connection of HTTP/1.1.
func abort(w http.ResponseWriter, code http2.ErrCode) {
	if s, ok := h2AnswerOf(w); ok {
		s.reset(code)
		return
	}
	panic(http.ErrAbortHandler) // makes net/http close the connection without an answer
}

func goAway(w http.ResponseWriter) {
	if s, ok := h2AnswerOf(w); ok {
		s.goAway()
		return
	}
	w.Header().Set("Connection", "close")
}

func calm(w http.ResponseWriter) {
	if s, ok := h2AnswerOf(w); ok {
		s.calm()
		return
	}
	tooMany(w, Behaviour{Hint: HintNone}, 0)
}

func h2AnswerOf(w http.ResponseWriter) (h2Answer, bool) {
	if t, ok := w.(*tap); ok {
		w = t.ResponseWriter
	}
	s, ok := w.(h2Answer)
	return s, ok
}
