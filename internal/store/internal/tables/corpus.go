package tables

import (
	"encoding/json"
	"fmt"

	"shoal/internal/harvest"
)

// hint is what the corpus table has of an item besides its name, or why a row is not an item; its
// url is then the text of the rejection.
type hint struct {
	Size     int64  `json:"size,omitempty"`
	Method   string `json:"method,omitempty"`
	Body     []byte `json:"body,omitempty"` // base64
	Rejected string `json:"rejected,omitempty"`
}

// text returns NULL if there is nothing to store.
func (h hint) text() any {
	if h.Size == 0 && h.Method == "" && len(h.Body) == 0 && h.Rejected == "" {
		return nil
	}
	text, _ := json.Marshal(h) // numbers and strings can always be marshalled
	return string(text)
}

// CorpusRow is a row of the corpus table.
type CorpusRow struct {
	Seq     int64
	Key     harvest.Key
	URL, ID string
	Hint    *string
}

// EntryColumns are what an entry is stored as, from the key on.
func EntryColumns(e harvest.Entry) (key harvest.Key, url string, id, hints any) {
	if r := e.Rejected; r != nil {
		return r.Key, r.Text, nil, hint{Rejected: r.Reason}.text()
	}
	item := &e.Item
	return item.Key, item.URL, OrNull(item.ID), hint{Size: item.Size, Method: item.Method, Body: item.Body}.text()
}

// Entry returns what the row was made of.
func (r CorpusRow) Entry() (harvest.Entry, error) {
	var h hint
	if r.Hint != nil {
		if err := json.Unmarshal([]byte(*r.Hint), &h); err != nil {
			return harvest.Entry{}, fmt.Errorf("hint of row %d: %w", r.Seq, err)
		}
	}
	if h.Rejected != "" {
		return harvest.Entry{Rejected: &harvest.Rejection{Line: r.Seq, Reason: h.Rejected, Text: r.URL, Key: r.Key}}, nil
	}
	return harvest.Entry{Item: harvest.Item{Key: r.Key, URL: r.URL, ID: r.ID, Method: h.Method, Body: h.Body, Line: r.Seq, Size: h.Size}}, nil
}
