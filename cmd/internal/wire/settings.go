package wire

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/url"
	"os"

	"shoal/internal/config"
	"shoal/internal/fetch"
	"shoal/internal/retry"
)

func retryPolicy(set config.Worker) retry.Policy {
	units := map[string]retry.Unit{"delta": retry.UnitDelta, "epoch": retry.UnitEpoch, "epoch-ms": retry.UnitEpochMilli}
	return retry.Policy{
		Retries: set.Retries, MinPause: set.MinPause, ResetUnit: units[set.ResetUnit], Slow: set.SlowAnswer, SlowPause: set.SlowPause,
	}
}

// fetchConfig trusts the addresses that the operator typed: the upstream's own,
// those of --allow-host and that of the token endpoint.
func fetchConfig(set config.Worker, host string) fetch.Config {
	c := fetch.Config{
		UserAgent: set.Agent(), Timeout: set.Timeout, MaxBody: set.MaxBody, Streams: set.Concurrency,
		TrustedHosts: typedHosts(append([]string{"//" + host, set.Auth.TokenURL}, slashed(set.AllowHosts)...)),
		CAFile:       set.CA, CertFile: set.Cert, KeyFile: set.Key, Proxy: set.Proxy, AllowPrivate: set.AllowPrivate,
		Auth: fetch.Auth{
			Kind: authKind(set.Auth.Kind), Name: set.Auth.Name, User: set.Auth.User, SecretEnv: set.Auth.SecretEnv, SecretFile: set.Auth.SecretFile,
			TokenURL: set.Auth.TokenURL, ClientID: set.Auth.ClientID,
			ClientSecretEnv: set.Auth.ClientSecretEnv, ClientSecretFile: set.Auth.ClientSecretFile, Scopes: set.Auth.Scopes,
		},
	}
	for _, header := range set.Headers {
		c.Headers = append(c.Headers, fetch.Header(header))
	}
	return c
}

// authKind is what a kind of credential means on the wire.
func authKind(kind string) string {
	if kind == config.BotPassword {
		return "session"
	}
	return kind
}

func slashed(hosts []string) []string {
	urls := make([]string, len(hosts))
	for i, host := range hosts {
		urls[i] = "//" + host
	}
	return urls
}

// typedHosts are the bare names of the URLs' hosts.
func typedHosts(urls []string) (names []string) {
	for _, text := range urls {
		if u, err := url.Parse(text); err == nil && u.Hostname() != "" {
			names = append(names, u.Hostname())
		}
	}
	return names
}

// downloader fetches an https corpus. It has no limit on the whole, because a
// corpus may take days to stream, and follows no proxy that nobody configured.
func downloader(caFile, agent string) (*http.Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil
	if caFile != "" {
		pem, err := os.ReadFile(caFile)
		if err != nil {
			return nil, config.Usagef("--ca: %v", err)
		}
		roots, err := x509.SystemCertPool()
		if err != nil {
			roots = x509.NewCertPool()
		}
		if !roots.AppendCertsFromPEM(pem) {
			return nil, config.Usagef("--ca %s holds no certificate in PEM form", caFile)
		}
		transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
	}
	return &http.Client{Transport: introduced{transport, agent}}, nil
}

// introduced says who is asking on every request.
type introduced struct {
	http.RoundTripper
	agent string
}

// RoundTrip implements http.RoundTripper.
func (i introduced) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("User-Agent", i.agent)
	return i.RoundTripper.RoundTrip(r)
}
