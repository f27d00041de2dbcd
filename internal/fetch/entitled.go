package fetch

import (
	"net/url"
	"strings"

	"shoal/internal/harvest"
)

// entitled reports whether the credential may go to an origin: a host that a person named, by TLS
// or on this machine.
func (c Config) entitled(target *url.URL) bool {
	if target.Scheme != "https" && (!isLoopbackName(target.Hostname()) || c.foreignProxy()) {
		return false
	}
	host := harvest.HostOf(target.Scheme + "://" + target.Host)
	for _, named := range c.Credential {
		if strings.EqualFold(named, host) || strings.EqualFold(strings.Trim(named, "[]"), target.Hostname()) {
			return true
		}
	}
	return false
}

// entitledTLS is entitled for the certificate, which the token endpoint may request as well.
func (c Config) entitledTLS(target *url.URL) bool {
	token, err := url.Parse(c.Auth.TokenURL)
	if err == nil && token.Host != "" && token.Scheme == target.Scheme && token.Hostname() == target.Hostname() && portOf(token) == portOf(target) {
		return true
	}
	return c.entitled(target)
}

// foreignProxy reports whether what is for this machine leaves it all the same: through a proxy on
// another one. The proxies of the environment are not used for this machine.
func (c Config) foreignProxy() bool {
	return c.Proxy != "" && c.Proxy != "env" && !isLoopbackName(parseProxy(c.Proxy).Hostname())
}
