package store

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"shoal/internal/harvest"
)

// Reasons of pages that the store refuses.
const (
	reasonBadText   = "bad_text"   // NUL or invalid UTF-8
	reasonBadJSON   = "bad_json"   // a body, header or record that is no JSON
	reasonBadNumber = "bad_number" // a number beyond what the store holds
	reasonBadRecord = "bad_record" // two records with one ordinal, or one out of range
	reasonTooMuch   = "too_complex"
	reasonRefused   = "store_refused"
)

// reasonFor names a refusal by its SQLSTATE.
func reasonFor(code string) string {
	switch {
	case code == "22021", code == "22P05":
		return reasonBadText
	case code == "22P02":
		return reasonBadJSON
	case code == "22003":
		return reasonBadNumber
	case strings.HasPrefix(code, "54"):
		return reasonTooMuch
	}
	return reasonRefused + "_" + code
}

// batch copies the pages that are to land: each key once, the first wins; sorted by key, so that two transactions that
// meet wait for each other in one order instead of for ever, and the index is written from left to right; each one such
// that text columns take it. The caller's pages stay as they are.
func batch(pages []harvest.Page) []harvest.Page {
	rows := slices.Clone(pages)
	slices.SortStableFunc(rows, func(a, b harvest.Page) int { return a.Key.Compare(b.Key) })
	rows = slices.CompactFunc(rows, func(a, b harvest.Page) bool { return a.Key == b.Key })
	for i := range rows {
		soundPage(&rows[i])
	}
	return rows
}

// soundPage refuses a page that no store can hold, and makes sure that what is left of it can be held.
func soundPage(p *harvest.Page) {
	for _, text := range []*string{&p.URL, &p.ID, &p.Reason, &p.Detail, &p.Revision, &p.MediaType} {
		if soundText(*text) {
			continue
		}
		*text = strings.ReplaceAll(strings.ToValidUTF8(*text, "\uFFFD"), "\x00", "\uFFFD")
		p.Refuse(reasonBadText)
	}
	if !soundBytes(p.Body) || !soundBytes(p.Headers) {
		p.Refuse(reasonBadText)
	}
	if reason := unsoundRecords(p.Records); reason != "" {
		p.Refuse(reason)
	}
	p.Status, p.Attempts = clampInt32(p.Status), clampInt32(p.Attempts)
}

func unsoundRecords(records []harvest.Record) string {
	seen := make(map[int]struct{}, len(records))
	for i := range records {
		r := &records[i]
		if !soundText(r.Kind) || !soundBytes(r.Data) {
			return reasonBadText
		}
		if len(r.Data) == 0 {
			return reasonBadJSON
		}
		if _, twice := seen[r.Ordinal]; twice || r.Ordinal != clampInt32(r.Ordinal) {
			return reasonBadRecord
		}
		seen[r.Ordinal] = struct{}{}
	}
	return ""
}

func soundText(s string) bool  { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }
func soundBytes(b []byte) bool { return utf8.Valid(b) && bytes.IndexByte(b, 0) < 0 }

func clampInt32(n int) int { return min(max(n, math.MinInt32), math.MaxInt32) }

// bodyBytes is how many bytes of body the page's row holds before the server packs it.
func bodyBytes(p *harvest.Page) int64 { return int64(len(p.Body) + len(p.Raw)) }

// orNull is NULL for an empty text.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// orNullBytes is NULL for no bytes, empty ones included: they would be no JSON, and not every driver tells an empty blob
// from none.
func orNullBytes(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	return b
}

// landing names the operation in errors.
func landing(own ownership, pages int) string {
	return fmt.Sprintf("land %d pages of shard %s of run %s", pages, own.shard, own.run)
}

// shortID is hex of the first four bytes.
func shortID(sum []byte) string { return hex.EncodeToString(sum[:4]) }
