package config

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"shoal/internal/harvest"
	"shoal/internal/store/kinds"
)

// maxConcurrency is more than one process can use against one host.
const maxConcurrency = 10_000

// reader turns texts into values and keeps the first error. A setting that the command does not
// take reads as the zero value.
type reader struct {
	layers *layers
	err    error
}

// read parses one setting. A value that may hold a credential is not repeated in the error.
func read[T any](r *reader, name string, parse func(string) (T, error)) T {
	var zero T
	s, ok := find(name)
	if !ok {
		panic("config: no setting " + name)
	}
	if r.err != nil || !r.layers.takes(s) {
		return zero
	}
	text := r.layers.text(name)
	v, err := parse(text)
	if err == nil {
		return v
	}
	quoted := " " + quoteName(text)
	if s.hides(text) {
		quoted = ""
	}
	r.err = Usagef("%s%s: %v", r.layers.source(name).subject(name), quoted, err)
	return zero
}

func (r *reader) text(name string) string {
	return read(r, name, func(s string) (string, error) { return s, nil })
}

func (r *reader) flag(name string) bool              { return read(r, name, parseBool) }
func (r *reader) rate(name string) Rate              { return read(r, name, ParseRate) }
func (r *reader) allowance(name string) Allowance    { return read(r, name, ParseAllowance) }
func (r *reader) duration(name string) time.Duration { return read(r, name, parseDuration) }
func (r *reader) size(name string) int64             { return read(r, name, parseSize) }

// headroom returns −1 for none, because the pace takes 0 for its own default.
func (r *reader) headroom(name string) float64 {
	fraction := read(r, name, parseFraction)
	if fraction == 0 {
		return -1
	}
	return fraction
}

func (r *reader) count(name string, least, most int) int {
	return read(r, name, func(s string) (int, error) { return parseCount(s, least, most) })
}

func (r *reader) oneOf(name string, words ...string) string {
	return read(r, name, func(s string) (string, error) {
		if slices.Contains(words, s) {
			return s, nil
		}
		return "", fmt.Errorf("it is %s", listed(words, "or"))
	})
}

func (r *reader) progress(name string) string {
	return r.oneOf(name, autoText, "bar", "plain", "json", "none")
}

func (r *reader) run(name string) string {
	return read(r, name, func(s string) (string, error) {
		if s == "" {
			return "", nil
		}
		return s, trimmed(harvest.CheckRunName(s))
	})
}

// shard returns the zero Shard for auto.
func (r *reader) shard(name string) (shard harvest.Shard, auto bool) {
	shard = read(r, name, func(s string) (harvest.Shard, error) {
		if auto = s == autoText; auto {
			return harvest.Shard{}, nil
		}
		shard, err := harvest.ParseShard(s)
		return shard, trimmed(err)
	})
	return shard, auto
}

// shards returns 0 for auto.
func (r *reader) shards(name string) int {
	return read(r, name, func(s string) (int, error) {
		if s == autoText {
			return 0, nil
		}
		return parseCount(s, 1, harvest.MaxShards)
	})
}

func (r *reader) outcomes(name string) (all []harvest.Outcome) {
	for _, word := range r.list(name, func(s string) (string, error) {
		o, err := harvest.ParseOutcome(s)
		if err == nil && o == harvest.Landed && r.layers.set == InRetry {
			err = fmt.Errorf("what has landed stays: it is dead, skipped or missing")
		}
		return string(o), err
	}) {
		all = append(all, harvest.Outcome(word))
	}
	return all
}

// trimmed returns the error without the "shard "3/4": " at its start, which the reader adds itself.
func trimmed(err error) error {
	if err == nil {
		return nil
	}
	_, reason, ok := strings.Cut(err.Error(), "\": ")
	if !ok {
		return err
	}
	return fmt.Errorf("%s", reason)
}

// corpus refuses a credential, because the corpus's address is stored with the run.
func (r *reader) corpus(name string) string {
	return read(r, name, func(s string) (string, error) {
		if userInfo.MatchString(s) {
			return "", fmt.Errorf("it holds a user name or password, and it is stored with the run: fetch the list yourself and give its path, or pipe it in with --corpus -")
		}
		return s, nil
	})
}

func (r *reader) upstream(name string) string {
	return read(r, name, func(s string) (string, error) {
		kinds := r.layers.kinds
		if _, ok := kinds.Find(s); ok {
			return s, nil
		}
		if strings.Contains(s, "://") || strings.Contains(s, ".") {
			return "", fmt.Errorf("--upstream is the kind of API (%s); the URL belongs to --corpus, --url or --api", listed(kinds.Names(), "or"))
		}
		return "", fmt.Errorf("this version knows these kinds of API: %s", listed(kinds.Names(), "and"))
	})
}

// api returns the address of the upstream, such as a wiki's api.php, in canonical form.
func (r *reader) api(name string) string {
	return read(r, name, func(s string) (string, error) {
		if s == "" {
			return "", nil
		}
		canonical, err := harvest.CanonicalURL(s)
		if err != nil {
			return "", err
		}
		kind, ok := r.layers.kinds.Find(r.layers.text("upstream"))
		if !ok || kind.API == "" {
			kind, _ = r.layers.kinds.ByAPI()
		}
		if kind.Address != nil {
			if err := kind.Address(canonical); err != nil {
				return "", err
			}
		}
		return canonical, nil
	})
}

var placeholder = regexp.MustCompile(`\{[A-Za-z_]*\}`)

func (r *reader) template(name string) string {
	return read(r, name, func(s string) (string, error) {
		if s == "" {
			return "", nil
		}
		if userInfo.MatchString(s) {
			return "", fmt.Errorf("it holds a user name or password, and it is stored with the run: use auth: {kind: basic, user: …, secret-env: …} in %s", fileName)
		}
		for _, p := range placeholder.FindAllString(s, -1) {
			if p != "{id}" && p != "{ids}" {
				return "", fmt.Errorf("%s is not known: the placeholders are {id}, and {ids} where one request asks for many", p)
			}
		}
		probe := strings.ReplaceAll(s, "{ids}", "{id}")
		if strings.Contains(s, "{ids}") && strings.Contains(s, "{id}") {
			return "", fmt.Errorf("it has {id} and {ids}: one request asks for one item or for many")
		}
		if !strings.Contains(probe, "{id}") {
			return "", fmt.Errorf("it must show with {id} where an id goes, such as https://api.example/v1/items/{id}; a list of whole URLs goes to --corpus and needs no --url")
		}
		if strings.Contains(harvest.HostOf(s), "{") {
			return "", fmt.Errorf("the host must be one and the same for all items; put {id} into the path or the query")
		}
		if _, err := harvest.CanonicalURL(strings.ReplaceAll(probe, "{id}", "1")); err != nil {
			return "", err
		}
		return s, nil
	})
}

func (r *reader) list(name string, parse func(string) (string, error)) []string {
	return read(r, name, func(s string) ([]string, error) {
		var all []string
		for _, item := range splitList(s) {
			v, err := parse(item)
			if err != nil {
				return nil, err
			}
			all = append(all, v)
		}
		return all, nil
	})
}

func splitList(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
}

func (r *reader) headerNames(name string) []string {
	return r.list(name, func(s string) (string, error) {
		if !httpguts.ValidHeaderFieldName(s) {
			return "", fmt.Errorf("%s is not the name of a header", quoteName(s))
		}
		s = http.CanonicalHeaderKey(s)
		if strings.HasPrefix(s, "Set-Cookie") {
			return "", fmt.Errorf("%s is a credential and is never kept", s)
		}
		return s, nil
	})
}

func (r *reader) hosts(name string) []string {
	return r.list(name, func(s string) (string, error) {
		canonical, err := harvest.CanonicalURL("https://" + s)
		if err != nil || strings.ContainsAny(s, "/?#") {
			return "", fmt.Errorf("%s: write a host, such as api.example.org or api.example.org:8443", quoteName(s))
		}
		return harvest.HostOf(canonical), nil
	})
}

func (r *reader) prefixes(name string) []netip.Prefix {
	return read(r, name, func(s string) ([]netip.Prefix, error) {
		var all []netip.Prefix
		for _, item := range splitList(s) {
			p, err := parsePrefix(item)
			if err != nil {
				return nil, fmt.Errorf("%s: write a network such as 10.1.0.0/16, or one address", quoteName(item))
			}
			all = append(all, p)
		}
		return all, nil
	})
}

func parsePrefix(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return a.Unmap().Prefix(a.Unmap().BitLen())
	}
	p, err := netip.ParsePrefix(s)
	return p.Masked(), err
}

func (r *reader) level(name string) slog.Level {
	word := r.oneOf(name, "debug", "info", "warn", "error")
	var level slog.Level
	if word != "" {
		// The four words are slog's own.
		_ = level.UnmarshalText([]byte(word))
	}
	return level
}

func (r *reader) patience(name string) (patience time.Duration, auto bool) {
	if r.layers.text(name) != autoText {
		return r.duration(name), false
	}
	if r.layers.terminal {
		return 0, true
	}
	return defaultPatience, true
}

// longestSilence is the largest --max-silence: an upstream that asks for more is mistaken.
const longestSilence = 720 * time.Hour

func (r *reader) silence(name string) time.Duration {
	return read(r, name, func(s string) (time.Duration, error) {
		d, err := time.ParseDuration(s)
		if err != nil || d < time.Second || d > longestSilence {
			return 0, fmt.Errorf("write a time from 1s to 720h, such as 24h")
		}
		return d, nil
	})
}

func (r *reader) address(name string) string {
	return read(r, name, func(s string) (string, error) {
		if s == "off" || s == "none" || s == "" {
			return "", nil
		}
		_, port, err := net.SplitHostPort(s)
		if err != nil {
			return "", fmt.Errorf("write host:port, such as 127.0.0.1:9090, or off")
		}
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return "", fmt.Errorf("%s is not a port", quoteName(port))
		}
		return s, nil
	})
}

func (r *reader) store(name string) string {
	return read(r, name, func(s string) (string, error) {
		kind, known := kinds.Of(s)
		switch file, isFile := kinds.Path(s); {
		case isFile && strings.Trim(file, "/") != "":
			return s, nil
		case known && !kind.File:
			if _, err := url.Parse(s); err != nil {
				return "", fmt.Errorf("this is not a URL; write %s, with the characters @ : / ? # of a password percent-encoded", kind.Form)
			}
			return s, nil
		default:
			return "", fmt.Errorf("write %s", kinds.Forms())
		}
	})
}

func (r *reader) redis(name string) string {
	return read(r, name, func(s string) (string, error) {
		if s == "" {
			return "", nil
		}
		u, err := url.Parse(s)
		if err != nil || (u.Scheme != "redis" && u.Scheme != "rediss" && u.Scheme != "unix") {
			return "", fmt.Errorf("write redis://host:6379/0, rediss://… for TLS, or unix:///path")
		}
		return s, nil
	})
}
