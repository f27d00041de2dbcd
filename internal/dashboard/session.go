package dashboard

import (
	"crypto/rand"
	"crypto/subtle"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	// sessionLife is how long a session lasts after its last use.
	sessionLife = 12 * time.Hour
	// maxSessions bounds how many there are.
	maxSessions = 1000
)

// session is a visitor who has shown the token.
type session struct {
	until time.Time
	flash string // what became of the last order
}

// sessions are all visitors. A session ends with the process.
type sessions struct {
	mu  sync.Mutex
	all map[string]*session
}

func newSessions() *sessions { return &sessions{all: map[string]*session{}} }

// begin makes a session and returns its name, which nothing can be guessed from.
func (s *sessions) begin(now time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, one := range s.all {
		if now.After(one.until) || len(s.all) >= maxSessions {
			delete(s.all, name)
		}
	}
	name := rand.Text()
	s.all[name] = &session{until: now.Add(sessionLife)}
	return name
}

// find reports whether there is such a session, and lets it live on.
func (s *sessions) find(name string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.all[name]
	if one == nil || now.After(one.until) {
		return false
	}
	one.until = now.Add(sessionLife)
	return true
}

func (s *sessions) end(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, name)
}

// put keeps a sentence for the next page of a session; take returns it once.
func (s *sessions) put(name, sentence string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if one := s.all[name]; one != nil {
		one.flash = sentence
	}
}

func (s *sessions) take(name string) (sentence string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if one := s.all[name]; one != nil {
		sentence, one.flash = one.flash, ""
	}
	return sentence
}

// cookieName is the cookie of a session. Browsers send a cookie to all ports of a machine, and each
// port may be another process.
func cookieName(r *http.Request) string {
	_, port, err := net.SplitHostPort(r.Host)
	if err != nil {
		port = "web"
	}
	return "shoal_session_" + strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' {
			return c
		}
		return -1
	}, port)
}

// sessionOf returns the name in the visitor's cookie.
func sessionOf(r *http.Request) string {
	cookie, err := r.Cookie(cookieName(r))
	if err != nil {
		return ""
	}
	return cookie.Value
}

// known reports whether the visitor has shown the token: in a session, or with this request.
func (p *page) known(r *http.Request) bool {
	if p.Token == "" {
		return false
	}
	if shown, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return p.matches(shown)
	}
	return p.sessions.find(sessionOf(r), time.Now())
}

// matches compares a token. The time that it takes reveals nothing about ours.
func (p *page) matches(shown string) bool {
	return p.Token != "" && subtle.ConstantTimeCompare([]byte(shown), []byte(p.Token)) == 1
}

// loginPage is the form for the token.
type loginPage struct {
	base
	Next   string
	Wrong  bool
	Closed string
}

// guarded shows a page to those who may see it, and the others the form for the token.
func (p *page) guarded(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case p.Token == "" && p.Closed == "", p.known(r):
			next(w, r)
		case p.Token == "":
			p.show(w, http.StatusForbidden, "login", loginPage{base: p.base(r, "closed"), Closed: p.Closed})
		default:
			p.show(w, http.StatusUnauthorized, "login", loginPage{base: p.base(r, "token"), Next: r.URL.RequestURI()})
		}
	}
}

// maxForm bounds the body of a form.
const maxForm = 64 << 10

// login begins a session for a visitor who shows the token.
func (p *page) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	next := inside(r.PostFormValue("next"))
	if !p.matches(strings.TrimSpace(r.PostFormValue("token"))) {
		p.show(w, http.StatusUnauthorized, "login", loginPage{base: p.base(r, "token"), Next: next, Wrong: p.Token != "", Closed: p.Closed})
		return
	}
	p.setCookie(w, r, p.sessions.begin(time.Now()), int(sessionLife/time.Second))
	http.Redirect(w, r, next, http.StatusSeeOther)
}

func (p *page) logout(w http.ResponseWriter, r *http.Request) {
	p.sessions.end(sessionOf(r))
	p.setCookie(w, r, "", -1)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (p *page) setCookie(w http.ResponseWriter, r *http.Request, value string, age int) {
	http.SetCookie(w, &http.Cookie{
		Name: cookieName(r), Value: value, Path: "/", MaxAge: age, HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil,
	})
}

// inside returns a path of this server: what a form names as the next page leads nowhere else.
func inside(path string) string {
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || strings.ContainsAny(path, "\\\r\n\t") {
		return "/"
	}
	return path
}
