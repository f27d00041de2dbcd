package corpus

import (
	"fmt"
	"strings"

	"shoal/internal/harvest"
)

const placeholder = "{id}"

// template turns ids into URLs.
type template struct {
	parts   []string // what stands around each placeholder
	slashes int      // in a URL made of it
}

// parseTemplate reads a --url; nil for an empty one. The placeholder may not
// stand in the host, else the ids would choose whom we ask.
func parseTemplate(text string) (*template, error) {
	if text == "" {
		return nil, nil
	}
	if !strings.Contains(text, placeholder) {
		return nil, fmt.Errorf("--url %s: it needs {id} where the ids go, such as https://api.example/v1/items/{id}", harvest.Quote(text))
	}
	text, _, _ = strings.Cut(text, "#")
	t := &template{parts: strings.Split(text, placeholder)}
	fixed := strings.Join(t.parts, "")
	if open := strings.IndexAny(fixed, "{}"); open >= 0 {
		return nil, fmt.Errorf("--url %s: {id} is the only placeholder; write other braces as %%7B and %%7D", harvest.Quote(text))
	}
	scheme, rest, _ := strings.Cut(t.parts[0], "://")
	if len(t.parts) < 2 || scheme == "" || !strings.ContainsAny(rest, "/?") {
		return nil, fmt.Errorf("--url %s: {id} must stand in the path or the query, such as https://api.example/v1/items/{id}", harvest.Quote(text))
	}
	probe, err := harvest.CanonicalURL(strings.Join(t.parts, "id"))
	if err != nil {
		return nil, fmt.Errorf("--url: %w", err)
	}
	t.slashes = strings.Count(probe, "/")
	return t, nil
}

func (t *template) item(id, method string, body []byte) (harvest.Item, error) {
	item, err := harvest.NewItem(strings.Join(t.parts, harvest.Escape(id)), id, method, body)
	if err == nil && strings.Count(item.URL, "/") != t.slashes {
		return harvest.Item{}, refuse(reasonID, "id %s stands for another place in the path of --url", harvest.Quote(id))
	}
	return item, err
}
