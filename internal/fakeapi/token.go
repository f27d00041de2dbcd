package fakeapi

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// grantPath is where a partner issues tokens. Unlike /token it is part of the API, with its budget
// and its faults.
const grantPath = "/oauth/token"

// serveToken is the OAuth2 endpoint for client credentials (RFC 6749, section 4.4): by basic
// authentication or in the form.
func (s *Server) serveToken(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	b := s.b
	s.mu.Unlock()
	id, secret, ok := r.BasicAuth()
	if !ok {
		id, secret = r.FormValue("client_id"), r.FormValue("client_secret")
	}
	switch {
	case r.Method != http.MethodPost || r.FormValue("grant_type") != "client_credentials":
		writeJSON(w, http.StatusBadRequest, map[string]any{"error": "unsupported_grant_type"})
		return
	case b.ClientID == "" || id != b.ClientID || secret != b.ClientSecret:
		writeJSON(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
		return
	}
	life := b.TokenLife
	if life == 0 {
		life = time.Hour
	}
	token := rand.Text()
	s.mu.Lock()
	s.tokens[token] = time.Now().Add(life)
	s.mu.Unlock()
	writeJSON(w, http.StatusOK, map[string]any{"access_token": token, "token_type": "bearer", "expires_in": int(life.Seconds())})
}

// Revoke invalidates every token from /token at once.
func (s *Server) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.tokens)
}

// authorized reports whether the request bears a valid token, or needs none.
func (s *Server) authorized(r *http.Request, b Behaviour) bool {
	if b.Token == "" && b.ClientID == "" {
		return true
	}
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return b.Token != "" && token == b.Token || time.Now().Before(s.tokens[token])
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may have hung up
}
