package config

import (
	"fmt"
	"net/url"
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

// ignoredProxy returns a warning for operators who count on the usual variables.
func (w *Worker) ignoredProxy() string {
	if w.Proxy != "" {
		return ""
	}
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"} {
		if w.layers.environ[name] != "" {
			return name + " is set and has no effect: add --proxy env to use it"
		}
	}
	return ""
}
