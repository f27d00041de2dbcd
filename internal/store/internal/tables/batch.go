package tables

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"shoal/internal/harvest"
)

// Reasons of pages that the store refuses.
const (
	ReasonBadText   = "bad_text"   // NUL or invalid UTF-8
	ReasonBadJSON   = "bad_json"   // a body, header or record that is not JSON
	ReasonBadNumber = "bad_number" // a number beyond what the store holds
	reasonBadRecord = "bad_record" // two records with one ordinal, or one out of range
	ReasonTooMuch   = "too_complex"
	ReasonRefused   = "store_refused"
)

// Batch copies the pages that are to land: each key once, the first wins; sorted by key, so that
// two transactions that meet wait for each other in one order instead of for ever, and the index is
// written from left to right; each acceptable to text columns. The caller's pages stay as they are.
func Batch(pages []harvest.Page) []harvest.Page {
	rows := slices.Clone(pages)
	slices.SortStableFunc(rows, func(a, b harvest.Page) int { return a.Key.Compare(b.Key) })
	rows = slices.CompactFunc(rows, func(a, b harvest.Page) bool { return a.Key == b.Key })
	for i := range rows {
		soundPage(&rows[i])
	}
	return rows
}

// soundPage refuses a page that no store can hold, and makes sure that the rest of it can be held.
func soundPage(p *harvest.Page) {
	for _, text := range []*string{&p.URL, &p.ID, &p.Reason, &p.Detail, &p.Revision, &p.MediaType} {
		if soundText(*text) {
			continue
		}
		*text = strings.ReplaceAll(strings.ToValidUTF8(*text, "\uFFFD"), "\x00", "\uFFFD")
		p.Refuse(ReasonBadText)
	}
	if !soundBytes(p.Body) || !soundBytes(p.Headers) {
		p.Refuse(ReasonBadText)
	}
	if reason := unsoundRecords(p.Records); reason != "" {
		p.Refuse(reason)
	}
	p.Status, p.Attempts = clampInt32(p.Status), clampInt32(p.Attempts)
}

// RefuseInvalidJSON makes the check that a column of JSON makes, for a store whose columns do not.
func RefuseInvalidJSON(p *harvest.Page) {
	sound := (len(p.Body) == 0 || json.Valid(p.Body)) && (len(p.Headers) == 0 || json.Valid(p.Headers))
	for i := range p.Records {
		sound = sound && json.Valid(p.Records[i].Data)
	}
	if !sound {
		p.Refuse(ReasonBadJSON)
	}
}

func unsoundRecords(records []harvest.Record) string {
	seen := make(map[int]struct{}, len(records))
	for i := range records {
		r := &records[i]
		if !soundText(r.Kind) || !soundBytes(r.Data) {
			return ReasonBadText
		}
		if len(r.Data) == 0 {
			return ReasonBadJSON
		}
		if _, twice := seen[r.Ordinal]; twice || r.Ordinal != clampInt32(r.Ordinal) {
			return reasonBadRecord
		}
		seen[r.Ordinal] = struct{}{}
	}
	return ""
}

func soundText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }

func soundBytes(b []byte) bool { return utf8.Valid(b) && bytes.IndexByte(b, 0) < 0 }

func clampInt32(n int) int { return min(max(n, math.MinInt32), math.MaxInt32) }
