package tables

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"shoal/internal/harvest"
)

// RunTables hold rows of runs, besides pages and records; that of the run itself goes last.
var RunTables = []string{"corpus", "chains", "extracts", "extracted", "former_extracts", "work", "sent", "silences", "retried", "suspects", "shards", "inputs", "runs"}

// Words are outcomes as a column has them.
func Words(outcomes []harvest.Outcome) []string {
	all := make([]string, len(outcomes))
	for i, o := range outcomes {
		all[i] = string(o)
	}
	return all
}

// BodyBytes is how many bytes of body the page's row holds before the server packs it.
func BodyBytes(p *harvest.Page) int64 { return int64(len(p.Body) + len(p.Raw)) }

// OrNull is NULL for an empty text.
func OrNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// OrNullBytes returns NULL for no bytes, empty ones included: they would not be JSON, and not every
// driver distinguishes an empty blob from none.
func OrNullBytes(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	return b
}

// Fingerprint returns what a mirror of a run's keys is marked with: 8 hex digits of the generation
// of the run and of what else changes when the store is another than before.
func Fingerprint(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, " ")))
	return hex.EncodeToString(sum[:4])
}

// PageColumns and RecordColumns are the order in which rows travel.
var (
	PageColumns = []string{"run", "key", "url", "id", "outcome", "status", "reason", "detail", "attempts", "revision",
		"media_type", "headers", "fetched_at", "body", "raw"}
	RecordColumns = []string{"run", "key", "ordinal", "kind", "data"}
)

// OrNullStatus is NULL where there was no answer.
func OrNullStatus(status int) any {
	if status == 0 {
		return nil
	}
	return status
}

// AreIn reports for each key whether it was found.
func AreIn(found map[harvest.Key]bool, keys []harvest.Key) []bool {
	known := make([]bool, len(keys))
	for i, key := range keys {
		known[i] = found[key]
	}
	return known
}
