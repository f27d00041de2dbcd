package harvest

import (
	"fmt"
	"time"
)

// Outcome is how an item ended in a run.
type Outcome string

// The outcomes. Each item of a drained run has exactly one.
const (
	Landed  Outcome = "landed"  // its page is in the store
	Missing Outcome = "missing" // the upstream does not have such an item
	Skipped Outcome = "skipped" // it cannot be kept; Reason is why
	Dead    Outcome = "dead"    // given up after the retries
)

// Outcomes lists the outcomes in the order of tables and summaries.
func Outcomes() []Outcome { return []Outcome{Landed, Missing, Skipped, Dead} }

// ParseOutcome reads one of the four words.
func ParseOutcome(s string) (Outcome, error) {
	for _, o := range Outcomes() {
		if s == string(o) {
			return o, nil
		}
	}
	return "", fmt.Errorf("outcome %q: expected landed, missing, skipped or dead", s)
}

// MaxDetail is how many bytes of the last failing answer a page keeps.
const MaxDetail = 2 << 10

// Page is what came back for one item: one row of the store. All text is valid UTF-8 without NUL;
// Body, Headers and the records' Data are JSON that PostgreSQL's jsonb accepts.
type Page struct {
	Key       Key
	URL       string
	ID        string
	Outcome   Outcome
	Status    int    // of the last answer; 0 if there was none
	Reason    string // a short word: why it did not land, or what was fixed in it
	Detail    string // up to MaxDetail bytes of the last failing answer
	Attempts  int
	Revision  string
	MediaType string // Content-Type of Raw
	Headers   []byte // JSON object of the kept headers, nil for none
	FetchedAt time.Time
	Body      []byte // JSON, nil for none
	Raw       []byte // the answer's bytes, nil for none
	Records   []Record
	Chain     *Chain // of the listing that this page is a step of: the chain moves there together with the page, or not at all; else nil

	Answer *Answer // holds the memory of Body and Raw until the page has landed; may be nil
}

// Record is one row extracted from a page.
type Record struct {
	Ordinal int // from 0 in the order of extraction
	Kind    string
	Data    []byte // JSON
}

// ExtractedKind is the kind of every record that an expression yields.
const ExtractedKind = "record"

// Size returns about how many bytes the page takes in a batch.
func (p *Page) Size() int {
	n := 256 + len(p.URL) + len(p.ID) + len(p.Detail) + len(p.Headers) + len(p.Body) + len(p.Raw)
	for i := range p.Records {
		n += 64 + len(p.Records[i].Data)
	}
	return n
}

// Refuse turns the page into the row of an item whose content the store refuses: skipped, with the
// reason, and without body, headers, detail or records.
func (p *Page) Refuse(reason string) {
	p.Outcome, p.Reason = Skipped, reason
	p.Body, p.Raw, p.Headers, p.Detail, p.Records = nil, nil, nil, "", nil
}
