package cmd_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"shoal/internal/notify"
)

// mailbox is a receiver of notices.
type mailbox struct {
	mu   sync.Mutex
	came []string // path, signature and body of each request
}

func (m *mailbox) all() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]string(nil), m.came...)
}

func (s *story) receiver(ts *testscript.TestScript, _ bool, args []string) {
	m, release := &mailbox{}, make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		m.mu.Lock()
		m.came = append(m.came, fmt.Sprintf("%s %q %s", r.URL.Path, r.Header.Get(notify.SignatureHeader), body))
		m.mu.Unlock()
		if len(args) > 1 && args[1] == "hangs" {
			<-release
		}
	}))
	ts.Defer(func() { close(release); server.Close() })
	if s.mail == nil {
		s.mail = map[string]*mailbox{}
	}
	s.mail[args[0]] = m
	ts.Setenv(args[0], server.URL)
}

func (s *story) received(ts *testscript.TestScript, neg bool, args []string) {
	want, err := regexp.Compile(args[1])
	ts.Check(err)
	const patience = 30 * time.Second
	for began := time.Now(); ; <-time.After(10 * time.Millisecond) {
		all := s.mail[args[0]].all()
		for _, one := range all {
			if want.MatchString(one) {
				if neg {
					ts.Fatalf("%s had %s", args[0], one)
				}
				return
			}
		}
		if neg {
			return
		}
		if time.Since(began) > patience {
			ts.Fatalf("%s had no %q in %s, but %q", args[0], args[1], patience, all)
		}
	}
}
