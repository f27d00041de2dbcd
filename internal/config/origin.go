package config

import (
	"net"
	"net/url"
	"slices"
	"strings"

	"shoal/internal/harvest"
)

// NamedHosts returns the hosts that a person named: in --url, --api, a list: address or
// --allow-host, or by naming a profile. A corpus names none.
func (w Worker) NamedHosts() []string {
	var hosts []string
	listed, _ := w.Kinds().Chained(w.Corpus)
	for _, address := range []string{w.URL, w.API, listed} {
		if host := harvest.HostOf(address); strings.Contains(address, "://") && host != "" {
			hosts = append(hosts, strings.ToLower(host))
		}
	}
	return append(hosts, w.AllowHosts...)
}

// named reports whether a person named a host, which is given as [harvest.HostOf] returns it. An
// --allow-host without a port means every port.
func (w Worker) named(host string) bool {
	if slices.ContainsFunc(w.NamedHosts(), func(name string) bool { return name == host || name == bareHost(host) }) {
		return true
	}
	site, ok := siteProfile(host, true)
	return ok && w.layers.source("profile").Given() && slices.Equal(w.layers.profile.Hosts, site.Hosts)
}

// CredentialHosts returns the hosts that get the credential, for one upstream's host.
func (w Worker) CredentialHosts(host string) []string {
	hosts := w.NamedHosts()
	if host != "" && w.named(host) {
		hosts = append(hosts, host)
	}
	return hosts
}

// TrustedHosts returns the hosts whose private addresses are allowed if they are written as
// addresses: those that a person typed, and the first host of a corpus on this machine. The hosts
// of a corpus from elsewhere are not among them.
func (w Worker) TrustedHosts(host, corpus string) []string {
	hosts := w.NamedHosts()
	scheme, rest, far := strings.Cut(corpus, "://")
	far = far && !strings.Contains(scheme, ":") // not list:https://…
	if far {
		address, _, _ := strings.Cut(rest, "/")
		hosts = append(hosts, address)
	}
	if !far || w.named(host) {
		hosts = append(hosts, host)
	}
	if token, err := url.Parse(w.Auth.TokenURL); err == nil {
		hosts = append(hosts, token.Hostname())
	}
	return hosts
}

// Credential returns the credential as requests carry it: one that needs a login becomes a session.
func (w Worker) Credential() Auth {
	auth := w.Auth
	if _, login := w.Kinds().ByAuth(auth.Kind); login {
		auth.Kind = "session"
	}
	return auth
}

// AdmittedHosts returns the hosts that items may have; none means that of the first item.
func (w Worker) AdmittedHosts() []string {
	if len(w.AllowHosts) == 0 || w.URL == "" {
		return w.AllowHosts
	}
	return append([]string{harvest.HostOf(w.URL)}, w.AllowHosts...)
}

// TableOrigin returns a URL of the upstream, at that host, of a corpus that is read from the corpus
// table.
func (w Worker) TableOrigin(host string) string {
	listed, chained := w.Kinds().Chained(w.Corpus)
	switch {
	case chained:
		return listed
	case w.API+w.URL != "":
		return w.API + w.URL
	}
	return "https://" + host
}

// ListingHost returns the host of the listing that the corpus is; lists is false where it is not
// one.
func (w Worker) ListingHost() (host string, lists bool, err error) {
	kind, lists := w.Kinds().Lists(w.Corpus)
	switch {
	case !lists:
		return "", false, nil
	case kind.Name != w.Upstream:
		return "", true, Usagef("--corpus %s: which %s? Add --api %s", w.Corpus, kind.Noun, kind.API)
	}
	if host, err = kind.Listing.Host(w.UpstreamSettings()); err != nil {
		return "", true, Usagef("%v", err)
	}
	return host, true, nil
}

// Settle settles what depends on the upstream's host. asks means that this process sends it
// requests; origin is a URL of it.
func (w Worker) Settle(host, origin string, asks bool) (Worker, error) {
	settle := w.About
	if asks {
		settle = w.ForHost
	}
	settled, err := settle(host)
	if err != nil {
		return settled, err
	}
	return settled, settled.CheckCredential(origin)
}

// CheckDownload refuses to fetch an https corpus without saying who asks.
func (w Worker) CheckDownload() error {
	if !strings.HasPrefix(strings.ToLower(w.Corpus), "https://") {
		return nil
	}
	canonical, err := harvest.CanonicalURL(w.Corpus)
	if err != nil {
		return nil //nolint:nilerr // who opens it explains what is wrong with it
	}
	return w.CheckContact(harvest.HostOf(canonical))
}

// hasCredential reports whether requests carry a credential or a certificate.
func (w Worker) hasCredential() bool { return w.Auth.Kind != "" || w.Cert != "" }

// CheckCredential refuses to send the credential to an upstream that only a corpus names, or over a
// connection that others can read. origin is a URL of the upstream.
func (w Worker) CheckCredential(origin string) error {
	host := harvest.HostOf(origin)
	switch {
	case !w.hasCredential() || host == "" || w.layers.set&(InPlan|InVerify) != 0:
		return nil
	case !w.named(host):
		return Usagef("the credential goes only to a host that you name, and only a line of the corpus names %s: if the credential is for that host, add --allow-host %s", quoteName(host), host)
	case w.Exposes(origin) && w.foreignProxy() != "" && atLoopback(origin):
		return Usagef("the credential would go over plain http through the proxy at %s, which is another machine and would read it: leave --proxy out for an upstream on this machine (%s), or use https://", quoteName(w.foreignProxy()), quoteName(host))
	case w.Exposes(origin):
		return Usagef("the credential would go to %s over plain http, where others can read it: use https:// in the corpus, --url or --api", quoteName(host))
	}
	return nil
}

// Exposes reports whether a request to the URL would carry the credential where others can read it:
// over plain http to anything but this machine, or through a proxy that is not on this machine.
func (w Worker) Exposes(address string) bool {
	u, err := url.Parse(address)
	if err != nil || !w.hasCredential() {
		return false
	}
	return strings.EqualFold(u.Scheme, "http") && (!atLoopback(address) || w.foreignProxy() != "")
}

// foreignProxy is the host of the proxy through which everything goes, this machine's own addresses
// too, when it is on another machine; else empty. What --proxy env takes from the environment never
// applies to this machine's addresses.
func (w Worker) foreignProxy() string {
	if w.Proxy == "" || w.Proxy == proxyFromEnv || atLoopback(w.Proxy) {
		return ""
	}
	u, err := url.Parse(w.Proxy)
	if err != nil {
		return ""
	}
	return u.Host
}

// atLoopback reports whether a URL's host is this machine.
func atLoopback(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return strings.EqualFold(u.Hostname(), "localhost") || ip != nil && ip.IsLoopback()
}
