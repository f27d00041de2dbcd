package corpus

import (
	"fmt"
	"net/http"
	"strings"

	"shoal/internal/harvest"
)

// The placeholders. {ids} is for a request for many items; the URL of one of them has only its own
// id there.
const (
	placeholder = "{id}"
	ofMany      = "{ids}"
)

// template turns ids into URLs.
type template struct {
	parts []string // the text around each placeholder
	fixed int      // bytes of a canonical URL that are not the ids'
}

// parseTemplate reads a --url; nil for an empty one. The placeholder may not be in the host, else
// the ids would choose the host.
func parseTemplate(text string) (*template, error) {
	if text == "" {
		return nil, nil
	}
	text = strings.ReplaceAll(text, ofMany, placeholder)
	if !strings.Contains(text, placeholder) {
		return nil, fmt.Errorf("--url %s: it needs {id} where the ids go, such as https://api.example/v1/items/{id}", harvest.Quote(text))
	}
	text, _, _ = strings.Cut(text, "#")
	t := &template{parts: strings.Split(text, placeholder)}
	if strings.ContainsAny(strings.Join(t.parts, ""), "{}") {
		return nil, fmt.Errorf("--url %s: {id} is the only placeholder; write other braces as %%7B and %%7D", harvest.Quote(text))
	}
	scheme, rest, _ := strings.Cut(t.parts[0], "://")
	if len(t.parts) < 2 || scheme == "" || !strings.ContainsAny(rest, "/?") {
		return nil, fmt.Errorf("--url %s: {id} must be in the path or the query, such as https://api.example/v1/items/{id}", harvest.Quote(text))
	}
	probe, err := harvest.CanonicalURL(strings.Join(t.parts, "id"))
	if err != nil {
		return nil, fmt.Errorf("--url: %w", err)
	}
	t.fixed = len(probe) - (len(t.parts)-1)*len("id")
	return t, nil
}

// item refuses an id that would not survive in the URL as it is: dots only are another place in the
// path.
func (t *template) item(id, method string, body []byte) (harvest.Item, error) {
	escaped := harvest.Escape(id)
	item, err := harvest.NewItem(strings.Join(t.parts, escaped), id, method, body)
	if err == nil && len(item.URL) != t.fixed+(len(t.parts)-1)*len(escaped) {
		return harvest.Item{}, refuse(reasonID, "id %s would change the meaning of --url around it", harvest.Quote(id))
	}
	return item, err
}

// Items returns a function that makes items of names: of ids if text is a template, as in
// Config.Template, else of URLs.
func Items(text string) (func(name string) (harvest.Item, error), error) {
	t, err := parseTemplate(text)
	if err != nil {
		return nil, err
	}
	return func(name string) (harvest.Item, error) {
		if t == nil {
			return harvest.NewItem(name, "", http.MethodGet, nil)
		}
		if err := checkID(name); err != nil {
			return harvest.Item{}, err
		}
		return t.item(name, http.MethodGet, nil)
	}, nil
}
