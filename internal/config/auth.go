package config

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"golang.org/x/net/http/httpguts"

	"shoal/internal/harvest"
)

// Header is one header to send with every request to the upstream.
type Header = harvest.Header

// Auth is how to prove who we are. It names the place of a secret, never the secret.
type Auth struct {
	Kind             string // bearer, basic, header, query, oauth2, or one for which the kind of upstream logs in; empty for none
	Name             string // of the header or query parameter
	User             string // basic, or of a login
	SecretEnv        string // environment variable of the token, password or key
	SecretFile       string // or its file
	TokenURL         string // oauth2
	ClientID         string
	ClientSecretEnv  string
	ClientSecretFile string
	Scopes           []string
}

// secretWord finds names of headers and keys that carry credentials.
var secretWord = regexp.MustCompile(`(?i)^(proxy-)?authorization$|^cookie2?$|token|secret|passw|api-?_?key|credential`)

// secretHeader finds more of them if a name is that of a header, because headers are printed as
// they are: a harmless one among them can be spared.
var secretHeader = regexp.MustCompile(`(?i)cookie|session|signature|subscription|authenti|authoriz|key$|key[-_.]|(^|[-_.])(x?auth|sid|sig|jwt|pass|pwd|assertion)([-_.]|$)`)

// secretValue finds header values that are credentials whatever the header is called.
var secretValue = regexp.MustCompile(`(?i)^\s*(bearer|basic|digest|negotiate)\s`)

// ownHeaders are set by Shoal or by HTTP itself.
var ownHeaders = []string{"host", "connection", "content-length", "transfer-encoding", "te", "trailer", "upgrade", "keep-alive", "accept-encoding", "range"}

func (p parser) headers(node *yaml.Node) ([]Header, error) {
	if node.Kind != yaml.SequenceNode {
		return nil, p.errorf(node, "headers: is a list of {name: …, value: …}")
	}
	var all []Header
	for _, item := range node.Content {
		var h Header
		err := p.fields(item, "headers", map[string]*string{"name": &h.Name, "value": &h.Value})
		if err != nil {
			return nil, err
		}
		if err := checkHeader(h); err != nil {
			return nil, p.errorf(item, "%v", err)
		}
		all = append(all, h)
	}
	return all, nil
}

func checkHeader(h Header) error {
	switch name := strings.ToLower(h.Name); {
	case !httpguts.ValidHeaderFieldName(h.Name):
		return fmt.Errorf("header name %s: use letters, digits and dashes", quoteName(h.Name))
	case h.Value == "":
		return fmt.Errorf("header %s has no value", h.Name)
	case !httpguts.ValidHeaderFieldValue(h.Value):
		return fmt.Errorf("the value of header %s has a control character", h.Name)
	case name == "user-agent":
		return fmt.Errorf("header User-Agent: use user-agent: or contact: instead")
	case slices.Contains(ownHeaders, name):
		return fmt.Errorf("header %s is set by shoal itself; leave it out", h.Name)
	case secretWord.MatchString(h.Name) || secretHeader.MatchString(h.Name) || secretValue.MatchString(h.Value):
		return fmt.Errorf("header %s carries a credential, by its name or its value, and headers: are shown: use auth: {kind: header, name: %s, secret-env: VARIABLE}", h.Name, h.Name)
	}
	return nil
}

func (p parser) auth(node *yaml.Node) (Auth, error) {
	var a Auth
	var scopes string
	err := p.fields(node, "auth", map[string]*string{
		"kind": &a.Kind, "name": &a.Name, "user": &a.User, "secret-env": &a.SecretEnv, "secret-file": &a.SecretFile,
		"token-url": &a.TokenURL, "client-id": &a.ClientID, "client-secret-env": &a.ClientSecretEnv,
		"client-secret-file": &a.ClientSecretFile, "scopes": &scopes,
	})
	if err != nil {
		return Auth{}, err
	}
	a.Scopes = strings.FieldsFunc(scopes, func(r rune) bool { return r == ',' || r == ' ' })
	if err := a.check(p.credentials); err != nil {
		return Auth{}, p.errorf(node, "%v", err)
	}
	return a, nil
}

// check returns what is missing or too much. kinds are the kinds of credential; one for which a
// kind of upstream logs in is a user's name and a secret.
func (a Auth) check(kinds []string) error {
	if userInfo.MatchString(a.TokenURL) {
		return fmt.Errorf("auth: token-url holds a credential: use client-id and client-secret-env")
	}
	switch {
	case a.Kind == "":
		return fmt.Errorf("auth: kind is missing: %s", listed(kinds, "or"))
	case !slices.Contains(kinds, a.Kind):
		return fmt.Errorf("auth: kind %s is not known: %s", quoteName(a.Kind), listed(kinds, "or"))
	case a.Kind == "oauth2":
		return a.checkOAuth2()
	}
	named := a.Kind == "header" || a.Kind == "query"
	switch {
	case a.SecretEnv == "" && a.SecretFile == "":
		return fmt.Errorf("auth: %s needs secret-env: VARIABLE or secret-file: FILE", a.Kind)
	case a.SecretEnv != "" && a.SecretFile != "":
		return fmt.Errorf("auth: secret-env and secret-file name two secrets: keep one of them")
	case named && a.Name == "":
		return fmt.Errorf("auth: %s needs name: of the %s", a.Kind, map[bool]string{true: "header", false: "query parameter"}[a.Kind == "header"])
	case a.Kind == "header" && !httpguts.ValidHeaderFieldName(a.Name):
		return fmt.Errorf("auth: header name %s: use letters, digits and dashes", quoteName(a.Name))
	case !named && a.Kind != "bearer" && a.User == "":
		return fmt.Errorf("auth: %s needs user: NAME", a.Kind)
	}
	return nil
}

func (a Auth) checkOAuth2() error {
	switch {
	case a.TokenURL == "" || a.ClientID == "":
		return fmt.Errorf("auth: oauth2 needs token-url and client-id")
	case a.ClientSecretEnv == "" && a.ClientSecretFile == "":
		return fmt.Errorf("auth: oauth2 needs client-secret-env: VARIABLE or client-secret-file: FILE")
	case a.ClientSecretEnv != "" && a.ClientSecretFile != "":
		return fmt.Errorf("auth: client-secret-env and client-secret-file name two secrets: keep one of them")
	}
	return nil
}

// ready checks that the secret is available, without keeping it.
func (a Auth) ready(environ map[string]string) error {
	for _, name := range []string{a.SecretEnv, a.ClientSecretEnv} {
		if name != "" && environ[name] == "" {
			what := "is not set"
			if _, set := environ[name]; set {
				what = "is empty"
			}
			return Usagef("auth: the environment variable %s %s; it must hold the secret: export %s=…", quoteName(name), what, name)
		}
	}
	for _, name := range []string{a.SecretFile, a.ClientSecretFile} {
		if name == "" {
			continue
		}
		if _, err := os.Stat(name); err != nil {
			return Usagef("auth: the secret's file cannot be read: %v", err)
		}
	}
	return nil
}
