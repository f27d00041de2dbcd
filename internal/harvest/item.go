package harvest

import (
	"fmt"
	"net/http"

	"github.com/zeebo/xxh3"
)

// Item is one thing to harvest.
type Item struct {
	Key    Key
	URL    string // canonical; holds no credential
	ID     string // what the corpus calls it; may be empty
	Method string // upper case; empty means GET
	Body   []byte // sent with Method; nil for GET
	Line   int64  // its line in the corpus, from 1
	Size   int64  // bytes that its page is expected to have; 0 when unknown
}

// NewItem makes an item of a URL as a corpus writes it. Method and body are empty unless a corpus
// of JSON lines sets them. The error wraps [ErrURL].
func NewItem(rawURL, id, method string, body []byte) (Item, error) {
	canonical, err := CanonicalURL(rawURL)
	if err != nil {
		return Item{}, err
	}
	item := Item{URL: canonical, ID: id, Method: method, Body: body}
	if method == http.MethodGet {
		item.Method = ""
	}
	item.Key = KeyOf(item.Canonical())
	return item, nil
}

// Canonical returns the text whose hash is the item's key: only the canonical URL for a GET, else
// "METHOD URL DIGEST" with the body's 128-bit XXH3 in hex.
func (i Item) Canonical() string {
	if i.Method == "" && len(i.Body) == 0 {
		return i.URL
	}
	return fmt.Sprintf("%s %s %x", i.Verb(), i.URL, xxh3.Hash128(i.Body).Bytes())
}

// Verb returns the HTTP method of the item's request.
func (i Item) Verb() string {
	if i.Method == "" {
		return http.MethodGet
	}
	return i.Method
}
