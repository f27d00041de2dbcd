package config

import (
	"fmt"
	"net/url"
	"slices"

	"golang.org/x/net/http/httpproxy"
)

// proxyFromEnv is the value of --proxy that makes the usual variables count.
const proxyFromEnv = "env"

func (r *reader) proxy(name string) string {
	return read(r, name, func(s string) (string, error) {
		if s == "" || s == proxyFromEnv {
			return s, nil
		}
		return s, checkProxy(s)
	})
}

func checkProxy(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return fmt.Errorf("write http://host:port, https://host:port or env")
	}
	return nil
}

// ProxyFor is the proxy to reach a URL through, nil for none. It may hold a
// credential: print it with Redacted only.
func (w Worker) ProxyFor(target *url.URL) (*url.URL, error) {
	switch w.Proxy {
	case "":
		return nil, nil
	case proxyFromEnv:
		through, err := w.layers.proxyEnv().ProxyFunc()(target)
		if err != nil || (through != nil && checkProxy(through.String()) != nil) {
			return nil, Usagef("the proxy of HTTPS_PROXY or HTTP_PROXY cannot be used: write it as http://host:port")
		}
		return through, nil
	default:
		return url.Parse(w.Proxy)
	}
}

func (l *layers) proxyEnv() *httpproxy.Config {
	return &httpproxy.Config{
		HTTPProxy:  l.firstEnv("HTTP_PROXY", "http_proxy"),
		HTTPSProxy: l.firstEnv("HTTPS_PROXY", "https_proxy"),
		NoProxy:    l.firstEnv("NO_PROXY", "no_proxy"),
	}
}

func (l *layers) firstEnv(names ...string) string {
	i := slices.IndexFunc(names, func(name string) bool { return l.environ[name] != "" })
	if i < 0 {
		return ""
	}
	return l.environ[names[i]]
}

// warnProxy tells a person that the usual variables are set but do not count.
func (l *layers) warnProxy() {
	e := l.proxyEnv()
	if (e.HTTPProxy != "" || e.HTTPSProxy != "") && l.text("proxy") == "" {
		l.warnings = append(l.warnings, "HTTP_PROXY or HTTPS_PROXY is set and has no effect: add --proxy env to use it")
	}
}
