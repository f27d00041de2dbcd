package config

import (
	"fmt"
	"net/url"
	"strings"
)

// receivers are addresses that something is posted to.
func (r *reader) receivers(name string) []string { return r.list(name, parseReceiver) }

// receiver is one such address; empty for none.
func (r *reader) receiver(name string) string {
	return read(r, name, func(s string) (string, error) {
		if s == "" {
			return "", nil
		}
		return parseReceiver(s)
	})
}

// parseReceiver checks an address. It is a credential, so that no error repeats it.
func parseReceiver(s string) (string, error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return "", fmt.Errorf("write an address that begins with https://")
	}
	if u.Fragment != "" {
		return "", fmt.Errorf("an address for programs has no #")
	}
	return s, nil
}

// collector is the address of an OpenTelemetry collector, env, or empty for none.
func (r *reader) collector(name string) string {
	return read(r, name, func(s string) (string, error) {
		if s == "" || s == "env" {
			return s, nil
		}
		if userInfo.MatchString(s) {
			return "", fmt.Errorf("it holds a user name or password: OTEL_EXPORTER_OTLP_HEADERS carries credentials, such as Authorization=Bearer%%20TOKEN")
		}
		u, err := url.Parse(s)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
			return "", fmt.Errorf("write the address of a collector for OTLP over HTTP, such as http://127.0.0.1:4318, or env")
		}
		return s, nil
	})
}

// hides reports whether a value of the setting must not be shown as it is.
func (s Setting) hides(text string) bool {
	return s.Address && text != "" || s.Secret && holdsSecret(text) || userInfo.MatchString(text)
}

// hostsOnly returns what may be shown of addresses.
func hostsOnly(list string) string {
	var all []string
	for _, address := range splitList(list) {
		u, err := url.Parse(address)
		if err != nil || u.Host == "" {
			return "(redacted)"
		}
		all = append(all, u.Scheme+"://"+u.Host+"/(redacted)")
	}
	return strings.Join(all, ", ")
}

// exposedReceiver warns of an address that others can read: in the list of processes of this
// machine, or on the network.
func (w *Worker) exposedReceiver() string {
	for _, name := range []string{"notify", "heartbeat"} {
		addresses := w.Notify
		if name == "heartbeat" {
			addresses = []string{w.Heartbeat}
		}
		for _, address := range addresses {
			u, err := url.Parse(address)
			if err != nil || address == "" || isLoopback(u.Host) {
				continue
			}
			if s, _ := find(name); w.Source(name).Kind == FromFlag {
				return "--" + name + " on the command line: every user of this machine can read the address, which gives the right to post, in the list of processes; " + s.Env() + " or the file hides it"
			}
			if u.Scheme == "http" {
				return "--" + name + " posts to " + u.Host + " unencrypted, address and text: use https:// unless only you use the network"
			}
		}
	}
	return ""
}
