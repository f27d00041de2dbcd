package corpus

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"

	"shoal/internal/harvest"
)

// jsonLine is a line that starts with a brace.
type jsonLine struct {
	URL    string          `json:"url"`
	ID     json.RawMessage `json:"id"`     // a string or a number
	Method string          `json:"method"` // GET if empty
	Body   json.RawMessage `json:"body"`   // a string is sent as its text, any other value as compact JSON
}

func (s *Source) jsonItem(line []byte) (harvest.Item, error) {
	read, err := decodeLine(line)
	if err != nil {
		return harvest.Item{}, err
	}
	id, err := textOf(read.ID)
	if err != nil {
		return harvest.Item{}, err
	}
	body, err := bodyOf(read.Body)
	if err != nil {
		return harvest.Item{}, err
	}
	method, err := s.method(read.Method, len(body) > 0)
	if err != nil {
		return harvest.Item{}, err
	}
	switch {
	case read.URL != "":
		if err := checkID(id); err != nil {
			return harvest.Item{}, err
		}
		return harvest.NewItem(read.URL, id, method, body)
	case id == "":
		return harvest.Item{}, refuse(reasonJSON, "neither \"url\" nor \"id\" in %s", harvest.Quote(string(line)))
	case s.template == nil:
		return harvest.Item{}, refuse(reasonJSON, "no \"url\" in %s; %s", harvest.Quote(string(line)), addTemplate)
	}
	return s.idItem(id, method, body)
}

func decodeLine(line []byte) (read jsonLine, err error) {
	if !utf8.Valid(line) {
		return read, refuse(reasonJSON, "%s is not UTF-8", harvest.Quote(string(line)))
	}
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&read); err != nil {
		text := strings.TrimPrefix(err.Error(), "json: ")
		if errors.Is(err, io.ErrUnexpectedEOF) {
			text = "the line ends inside the object"
		}
		return read, refuse(reasonJSON, "%s: %s; a line is {\"url\":…,\"id\":…,\"method\":…,\"body\":…}", harvest.Quote(string(line)), text)
	}
	if len(trim(line[decoder.InputOffset():])) > 0 {
		return read, refuse(reasonJSON, "%s: more than one value on the line", harvest.Quote(string(line)))
	}
	return read, nil
}

// textOf reads an id. A number keeps its digits as they are written.
func textOf(value json.RawMessage) (text string, err error) {
	switch {
	case len(value) == 0 || string(value) == "null":
		return "", nil
	case value[0] == '"':
		err = json.Unmarshal(value, &text)
		return text, err
	case value[0] == '-' || (value[0] >= '0' && value[0] <= '9'):
		return string(value), nil
	}
	return "", refuse(reasonID, "id %s is neither a string nor a number", harvest.Quote(string(value)))
}

func bodyOf(value json.RawMessage) ([]byte, error) {
	switch {
	case len(value) == 0 || string(value) == "null":
		return nil, nil
	case value[0] == '"':
		var text string
		err := json.Unmarshal(value, &text)
		return []byte(text), err
	}
	var compact bytes.Buffer
	err := json.Compact(&compact, value)
	return compact.Bytes(), err
}

// method refuses what could change something at the upstream: a harvest repeats requests whenever
// it is not sure.
func (s *Source) method(name string, hasBody bool) (string, error) {
	name = strings.ToUpper(name)
	switch name {
	case "", http.MethodGet:
		if hasBody {
			return "", refuse(reasonBody, "a body needs \"method\":\"POST\" and --post-is-read")
		}
		return name, nil
	case http.MethodPost:
		if !s.post {
			return "", refuse(reasonMethod, "POST may change something, and requests are repeated when in doubt; with --post-is-read you confirm that here it only reads")
		}
		return name, nil
	}
	return "", refuse(reasonMethod, "method %s cannot be harvested; GET can, and POST with --post-is-read", harvest.Quote(name))
}
