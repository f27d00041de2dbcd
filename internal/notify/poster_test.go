package notify

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"shoal/internal/harvest"
)

// receiver is a server that answers as its test sets, and keeps what came.
type receiver struct {
	*httptest.Server

	mu     sync.Mutex
	got    []received
	answer func(w http.ResponseWriter, n int)
	came   chan struct{}
}

type received struct {
	path, signature string
	body            []byte
}

func newReceiver(t *testing.T, answer func(w http.ResponseWriter, n int)) *receiver {
	t.Helper()
	r := &receiver{answer: answer, came: make(chan struct{}, 1000)}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		if err != nil {
			t.Errorf("read a notice: %v", err)
		}
		r.mu.Lock()
		r.got = append(r.got, received{q.URL.RequestURI(), q.Header.Get(SignatureHeader), body})
		n := len(r.got)
		r.mu.Unlock()
		r.came <- struct{}{}
		if r.answer != nil {
			r.answer(w, n)
		}
	}))
	t.Cleanup(r.Close)
	return r
}

// wait returns when that many requests have come.
func (r *receiver) wait(t *testing.T, n int) []received {
	t.Helper()
	for {
		r.mu.Lock()
		got := r.got
		r.mu.Unlock()
		if len(got) >= n {
			return got
		}
		select {
		case <-r.came:
		case <-t.Context().Done():
			t.Fatalf("%d requests came, want %d", len(got), n)
		case <-time.After(20 * time.Second):
			t.Fatalf("%d requests came in 20 s, want %d", len(got), n)
		}
	}
}

// journal is a log that a test can read.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func (j *journal) log() *slog.Logger { return slog.New(slog.NewTextHandler(j, nil)) }

const secretPath = "/services/T000/c4nary"

func finished() Notice {
	n, _ := Ending{Finished: true, Last: harvest.Progress{Run: "q", Now: time.Now()}}.Notice()
	return n
}

// TestPostSigns: the receiver can check who posted, and when.
func TestPostSigns(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, nil)
	key := []byte("0123456789abcdef")
	p := NewPoster([]string{r.URL + secretPath}, key, "1.2", slog.New(slog.DiscardHandler))
	n := finished()
	p.Post(n)
	p.Close(5 * time.Second)
	got := r.wait(t, 1)[0]
	if got.path != secretPath || got.signature != Sign(key, got.body) || !strings.HasPrefix(got.signature, "sha256=") {
		t.Errorf("posted to %s with signature %q, want %s and %q", got.path, got.signature, secretPath, Sign(key, got.body))
	}
	if Sign(key, append(got.body, ' ')) == got.signature {
		t.Error("Sign(another body) is the same")
	}
	var back Notice
	if err := json.Unmarshal(got.body, &back); err != nil || back.Event != Finished || back.Text != n.Text || time.Since(back.Sent) > time.Minute {
		t.Errorf("posted %s (%v), want %+v, sent now", got.body, err, n)
	}
}

// TestPostTriesAgain: a receiver that fails for a while gets the same notice, signed anew.
func TestPostTriesAgain(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(w http.ResponseWriter){
		"500":    func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) },
		"429":    func(w http.ResponseWriter) { w.WriteHeader(http.StatusTooManyRequests) },
		"closes": func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
	} {
		r := newReceiver(t, func(w http.ResponseWriter, n int) {
			if n < 4 {
				fail(w)
			}
		})
		var log journal
		p := newPoster([]string{r.URL + secretPath}, nil, "1.2", log.log(), time.Millisecond)
		p.Post(finished())
		got := r.wait(t, 4)
		p.Close(5 * time.Second)
		var first, last Notice
		if err := json.Unmarshal(got[0].body, &first); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(got[3].body, &last); err != nil {
			t.Fatal(err)
		}
		if first.ID != last.ID || last.Sent.Before(first.Sent) || got[3].signature != "" || len(r.wait(t, 4)) != 4 {
			t.Errorf("%s: tries %+v … %+v (%d), want the same id, a later sent, no signature", name, first, last, len(got))
		}
		if log.String() != "" {
			t.Errorf("%s: logged %s, want nothing: it was delivered", name, log.String())
		}
	}
}

// TestPostGivesUp: what another try does not change is tried once, and the log does not show the
// address.
func TestPostGivesUp(t *testing.T) {
	t.Parallel()
	elsewhere := newReceiver(t, nil)
	for name, answer := range map[string]func(w http.ResponseWriter){
		"404": func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotFound) },
		"302": func(w http.ResponseWriter) {
			w.Header().Set("Location", elsewhere.URL)
			w.WriteHeader(http.StatusTemporaryRedirect)
		},
	} {
		r := newReceiver(t, func(w http.ResponseWriter, _ int) { answer(w) })
		var log journal
		p := newPoster([]string{r.URL + secretPath}, nil, "1.2", log.log(), time.Millisecond)
		p.Post(finished())
		p.Post(finished())
		p.Close(5 * time.Second)
		if got := len(r.wait(t, 2)); got != 2 {
			t.Errorf("%s: %d tries of 2 notices, want 2", name, got)
		}
		if text := log.String(); !strings.Contains(text, "not delivered") || !strings.Contains(text, r.Listener.Addr().String()) || strings.Contains(text, "c4nary") {
			t.Errorf("%s: logged %s, want the host and not the address", name, text)
		}
	}
	if len(elsewhere.got) != 0 {
		t.Error("a redirect was followed")
	}
}

// TestPostNeverBlocks: a receiver that hangs costs the run nothing, and its end a bounded time; the
// other receivers get their notices.
func TestPostNeverBlocks(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	hanging := newReceiver(t, func(http.ResponseWriter, int) { <-release })
	defer close(release)
	well := newReceiver(t, nil)
	var log journal
	p := NewPoster([]string{hanging.URL + secretPath, well.URL}, nil, "1.2", log.log())
	began := time.Now()
	for range 2 * maxQueued {
		p.Post(finished())
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("Post() of %d notices took %s, want no time", 2*maxQueued, took)
	}
	hanging.wait(t, 1)
	well.wait(t, 1)
	began = time.Now()
	p.Close(300 * time.Millisecond)
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("Close(300ms) took %s", took)
	}
	if text := log.String(); !strings.Contains(text, "too many wait") || !strings.Contains(text, "not delivered") || strings.Contains(text, "c4nary") {
		t.Errorf("logged %s, want what was dropped and not delivered, without the address", text)
	}
}

// TestPostNoServer: nothing listens, and the error does not show the address.
func TestPostNoServer(t *testing.T) {
	t.Parallel()
	r := newReceiver(t, nil)
	r.Close()
	var log journal
	p := newPoster([]string{r.URL + secretPath}, nil, "1.2", log.log(), time.Millisecond)
	p.Post(finished())
	p.Close(300 * time.Millisecond)
	if text := log.String(); !strings.Contains(text, "refused") || strings.Contains(text, "c4nary") {
		t.Errorf("logged %s, want the reason without the address", text)
	}
}
