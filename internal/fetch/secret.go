package fetch

import (
	"fmt"
	"os"
	"strings"
	"sync"

	"golang.org/x/net/http/httpguts"
)

// source is where a secret comes from: an environment variable, read once, or a file, read again
// when it has changed.
type source struct {
	what   string
	env    string
	path   string
	getenv func(string) string

	mu    sync.Mutex
	value string
	info  os.FileInfo // of the file as last read
}

func newSource(what, env, path string, getenv func(string) string) *source {
	return &source{what: what, env: env, path: path, getenv: getenv}
}

// read returns the secret without white space around it, and whether it has changed. A file that
// looks unchanged is not opened.
func (s *source) read() (value string, changed bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.path == "" {
		if s.value != "" {
			return s.value, false, nil
		}
		return s.take(s.getenv(s.env), "the environment variable "+s.env, "set it and start again")
	}
	info, err := os.Stat(s.path)
	if err != nil {
		return s.value, false, fmt.Errorf("auth: the file of the %s: %w", s.what, err)
	}
	if s.info != nil && os.SameFile(info, s.info) && info.ModTime().Equal(s.info.ModTime()) && info.Size() == s.info.Size() {
		return s.value, false, nil
	}
	return s.load(info)
}

// reread is read for a secret that was refused: the file is opened even if it looks unchanged.
func (s *source) reread() (value string, changed bool, err error) {
	s.mu.Lock()
	s.info = nil
	s.mu.Unlock()
	return s.read()
}

func (s *source) load(info os.FileInfo) (string, bool, error) {
	content, err := os.ReadFile(s.path)
	if err != nil {
		return s.value, false, fmt.Errorf("auth: the file of the %s: %w", s.what, err)
	}
	value, changed, err := s.take(string(content), "the file "+s.path, "write it there, and nothing else")
	if err == nil {
		s.info = info
	}
	return value, changed, err
}

func (s *source) take(raw, where, fix string) (string, bool, error) {
	value := strings.TrimSpace(raw)
	if value == "" {
		return s.value, false, fmt.Errorf("auth: the %s is not in %s; %s", s.what, where, fix)
	}
	if !httpguts.ValidHeaderFieldValue(value) {
		return s.value, false, fmt.Errorf("auth: the %s in %s holds control characters; it must be one line of text", s.what, where)
	}
	changed := s.value != "" && s.value != value
	s.value = value
	return value, changed, nil
}

func (s *source) held() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.value
}
