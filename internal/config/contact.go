package config

import (
	"fmt"
	"net/mail"
	"net/netip"
	"net/url"
	"regexp"
	"runtime"
	"shoal/internal/harvest"
	"slices"
	"strings"
)

// maxAgent is far above any honest User-Agent and far below the length at which servers cut.
const maxAgent = 512

// contactPart finds mail addresses and URLs in a User-Agent.
var contactPart = regexp.MustCompile(`https?://[^\s();,<>]+|[^\s();,<>]+@[^\s();,<>]+`)

// placeholderName and placeholderHost find names and hosts of documentation, at which no person can
// be reached.
var (
	placeholderName = regexp.MustCompile(`^(you|your[._-]?(name|e?-?mail)|someone|nobody)$`)
	placeholderHost = regexp.MustCompile(`(^|\.)(example(\.(com|org|net|edu))?|invalid|test|localhost|domain\.com)$`)
)

// isPlaceholder reports whether a mail address or URL is one of documentation.
func isPlaceholder(contact string) bool {
	if u, err := url.Parse(contact); err == nil && u.Host != "" {
		return placeholderHost.MatchString(bareHost(u.Host))
	}
	name, host, _ := strings.Cut(strings.ToLower(contact), "@")
	return placeholderName.MatchString(name) || placeholderHost.MatchString(host)
}

// strangerAgent finds the names of browsers and of HTTP libraries, which many servers refuse.
var strangerAgent = regexp.MustCompile(`(?i)^(mozilla|chrome|safari|opera|curl|wget|python-requests|python-urllib|go-http-client|java|okhttp|axios|node-fetch)\b`)

var agentShape = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+(/[A-Za-z0-9!#$%&'*+.^_`|~-]+)?( .*)?$")

func (r *reader) contact(name string) string {
	return read(r, name, func(s string) (string, error) { return s, checkContact(s) })
}

func (r *reader) userAgent(name string) string {
	return read(r, name, func(s string) (string, error) { return s, LintUserAgent(s) })
}

// checkContact accepts mail addresses and http URLs, separated by semicolons.
func checkContact(contact string) error {
	if contact == "" {
		return nil
	}
	for part := range strings.SplitSeq(contact, ";") {
		part = strings.TrimSpace(part)
		a, err := mail.ParseAddress(part)
		isMail := err == nil && a.Address == part
		u, err := url.Parse(part)
		isURL := err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil
		if !isMail && !isURL {
			return fmt.Errorf("write a mail address or the URL of a page about you and this harvest")
		}
	}
	if strings.ContainsFunc(contact, func(c rune) bool { return c < 0x20 || c > 0x7e || c == '(' || c == ')' }) {
		return fmt.Errorf("only printable ASCII without parentheses may be in a header")
	}
	return nil
}

// LintUserAgent explains what is wrong with a User-Agent that a person wrote; nil and empty are
// fine.
func LintUserAgent(agent string) error {
	switch {
	case agent == "":
		return nil
	case len(agent) > maxAgent:
		return fmt.Errorf("it has more than %d characters", maxAgent)
	case strings.ContainsFunc(agent, func(c rune) bool { return c < 0x20 || c > 0x7e }):
		return fmt.Errorf("only printable ASCII may be in a header")
	case strangerAgent.MatchString(agent):
		return fmt.Errorf("it is the name of a browser or a library, which servers refuse: write your-project/1.0 (how to reach you)")
	case !agentShape.MatchString(agent):
		return fmt.Errorf("write it as your-project/1.0 (how to reach you)")
	}
	return nil
}

// Agent returns the User-Agent to send with every request.
func (w Worker) Agent() string {
	if w.UserAgent != "" {
		return w.UserAgent
	}
	version := w.layers.version
	if version == "" {
		version = "dev"
	}
	if w.Contact == "" {
		return "shoal/" + version
	}
	return fmt.Sprintf("shoal/%s (%s; bot) %s", version, w.Contact, strings.Replace(runtime.Version(), "go", "Go/", 1))
}

// SentHeaders names the headers that go out with each request, without any secret.
func (w Worker) SentHeaders() string {
	parts := []string{"User-Agent: " + w.Agent()}
	for _, header := range w.Headers {
		parts = append(parts, header.Name+": "+harvest.Quote(header.Value))
	}
	if auth := w.Auth; auth.Kind != "" {
		of := auth.Name + auth.ClientID
		if of != "" {
			of += " "
		}
		from := auth.SecretEnv + auth.SecretFile + auth.ClientSecretEnv + auth.ClientSecretFile
		parts = append(parts, fmt.Sprintf("credential: %s %s(secret from %s, not shown)", auth.Kind, of, from))
	}
	return strings.Join(parts, "; ")
}

// CheckContact refuses to ask a host, given as harvest.HostOf gives it, without
// naming who asks. This machine itself needs no contact.
func (w Worker) CheckContact(host string) error {
	if isLoopback(host) {
		return nil
	}
	text, name := w.Contact, "contact"
	if w.UserAgent != "" {
		text, name = w.UserAgent, "user-agent"
	}
	parts := contactPart.FindAllString(text, -1)
	switch {
	case text == "":
		return Usagef("who is asking? add --contact you@uni.edu: it goes into the User-Agent, so that the people behind %s can reach you before they block you", quoteName(host))
	case len(parts) > 0 && !slices.ContainsFunc(parts, func(p string) bool { return !isPlaceholder(p) }):
		return Usagef("%s %s is a placeholder that reaches no person: name a contact at which the people behind %s can reach you", w.Source(name).subject(name), quoteName(text), quoteName(host))
	case len(parts) == 0:
		return Usagef("%s %s does not identify you: add a mail address or URL in parentheses, such as your-project/1.0 (ada@uni.edu)", w.Source(name).subject(name), quoteName(text))
	}
	return nil
}

func isLoopback(host string) bool {
	name := bareHost(host)
	if a, err := netip.ParseAddr(name); err == nil {
		return a.Unmap().IsLoopback()
	}
	return name == "localhost" || strings.HasSuffix(name, ".localhost")
}
