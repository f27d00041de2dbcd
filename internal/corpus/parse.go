package corpus

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"shoal/internal/harvest"
)

// The reasons for which a line is rejected, besides those of [harvest.URLError].
const (
	reasonLong    = "line_too_long"
	reasonForeign = "foreign_host"
	reasonScheme  = "foreign_scheme"
	reasonExposed = "plain_http"
	reasonJSON    = "bad_json"
	reasonMethod  = "method"
	reasonBody    = "body"
	reasonID      = "bad_id"
)

// refusal is why a line is not an item.
type refusal struct{ reason, text string }

func (r *refusal) Error() string { return r.text }

func refuse(reason, format string, args ...any) error {
	return &refusal{reason, fmt.Sprintf(format, args...)}
}

// entry makes an item or a rejection of a line that is not ignored.
func (s *Source) entry(line []byte) harvest.Entry {
	item, err := s.item(line)
	if err == nil {
		err = s.admit(&item)
	}
	if err == nil {
		item.Line = s.lines.count
		return harvest.Entry{Item: item}
	}
	rejected := &harvest.Rejection{Line: s.lines.count, Text: err.Error()}
	// The beginning of a line is enough to choose the shard that counts it, and keeps a long one
	// out of memory.
	rejected.Key = harvest.KeyOf(string(line[:min(len(line), harvest.MaxURL)]))
	var bad *refusal
	var badURL *harvest.URLError
	switch {
	case errors.As(err, &bad):
		rejected.Reason = bad.reason
	case errors.As(err, &badURL):
		rejected.Reason = badURL.Reason
	}
	if s.foreign != nil && s.foreign() {
		rejected.Text = "not shown, since the corpus' address leads to another host than it names"
	}
	return harvest.Entry{Rejected: rejected}
}

func (s *Source) item(line []byte) (harvest.Item, error) {
	switch {
	case len(line) > MaxLine:
		return harvest.Item{}, refuse(reasonLong, "a line of more than %d bytes, starting with %s", MaxLine, harvest.Quote(string(line[:64])))
	case line[0] == '{' && s.own == nil:
		return s.jsonItem(line)
	case len(line) > harvest.MaxURL:
		return harvest.Item{}, refuse(reasonLong, "a line of %d bytes, at most %d are allowed, starting with %s", len(line), harvest.MaxURL, harvest.Quote(string(line[:64])))
	case s.own != nil:
		item, err := s.own(string(line))
		if err != nil && !errors.Is(err, harvest.ErrURL) {
			err = refuse(reasonID, "%v", err)
		}
		return item, err
	case s.template != nil:
		return s.idItem(string(line), http.MethodGet, nil)
	}
	item, err := harvest.NewItem(string(line), "", http.MethodGet, nil)
	if err != nil && !strings.Contains(string(line), "://") {
		return item, fmt.Errorf("%w; %s", err, addTemplate)
	}
	return item, err
}

func (s *Source) idItem(id, method string, body []byte) (harvest.Item, error) {
	if err := checkID(id); err != nil {
		return harvest.Item{}, err
	}
	return s.template.item(id, method, body)
}

// checkID refuses what a store cannot keep or what could falsify a log.
func checkID(id string) error {
	switch {
	case len(id) > harvest.MaxURL:
		return refuse(reasonID, "an id of %d bytes, at most %d are allowed", len(id), harvest.MaxURL)
	case !utf8.ValidString(id):
		return refuse(reasonID, "id %s is not UTF-8", harvest.Quote(id))
	case strings.ContainsFunc(id, func(r rune) bool { return r < 0x20 || r == 0x7f }):
		return refuse(reasonID, "id %s has a control character", harvest.Quote(id))
	}
	return nil
}

// admit refuses items of other hosts. If no allowed host is configured, only the first item's is,
// its port included.
func (s *Source) admit(item *harvest.Item) error {
	host := harvest.HostOf(item.URL)
	switch {
	case s.exposed != nil && s.host != "" && s.exposed(item.URL): // the caller explains the first item's
		return refuse(reasonExposed, "%s is plain http, and the credential would travel with it for others to read", harvest.Quote(item.URL))
	case len(s.hosts) > 0 && s.hosts.has(host), len(s.hosts) == 0 && (s.host == "" || s.host == host):
		return s.admitScheme(host, item.URL)
	case len(s.hosts) > 0:
		return refuse(reasonForeign, "host %s is not %s; each host that is allowed needs its --allow-host", harvest.Quote(host), strings.Join(s.hosts, " or "))
	}
	return refuse(reasonForeign, "host %s is not %s, that of the first item; to allow several hosts name each with --allow-host", harvest.Quote(host), s.host)
}

// admitScheme refuses the other protocol on a port that an earlier line named with one.
func (s *Source) admitScheme(host, canonical string) error {
	if colon := strings.LastIndexByte(host, ':'); colon <= strings.LastIndexByte(host, ']') {
		return nil // http and https have a port each
	}
	scheme, _, _ := strings.Cut(canonical, "://")
	switch first, known := s.schemes[host]; {
	case !known:
		s.schemes[host] = scheme
	case first != scheme:
		return refuse(reasonScheme, "%s://%s: an earlier line has %s://, and one port speaks one protocol", scheme, host, first)
	}
	return nil
}

// hostSet are the hosts to which requests may go.
type hostSet []string

func parseHosts(names []string) (hostSet, error) {
	var hosts hostSet
	for _, name := range names {
		canonical, err := harvest.CanonicalURL("https://" + name)
		if err != nil || strings.ContainsAny(name, "/?#") {
			return nil, fmt.Errorf("allowed host %s: write it as api.example or api.example:8443", harvest.Quote(name))
		}
		hosts = append(hosts, harvest.HostOf(canonical))
	}
	return hosts, nil
}

func (h hostSet) has(host string) bool {
	bare := host
	if colon := strings.LastIndexByte(host, ':'); colon > strings.LastIndexByte(host, ']') {
		bare = host[:colon]
	}
	for _, allowed := range h {
		if allowed == host || allowed == bare {
			return true
		}
	}
	return false
}
