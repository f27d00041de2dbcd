package store

import (
	"encoding/json"
	"fmt"

	"shoal/internal/harvest"
)

// ErrStep: somebody else has taken this step of the chain. Read the chain again.
var ErrStep = fmt.Errorf("%w: another process walks this chain, its step is taken", ErrBusy)

// hint is what the corpus table knows of an item besides its name, or why a row is no item; its url is then the text of
// the rejection.
type hint struct {
	Size     int64  `json:"size,omitempty"`
	Method   string `json:"method,omitempty"`
	Body     []byte `json:"body,omitempty"` // base64
	Rejected string `json:"rejected,omitempty"`
}

// text is NULL where there is nothing to say.
func (h hint) text() any {
	if h.Size == 0 && h.Method == "" && len(h.Body) == 0 && h.Rejected == "" {
		return nil
	}
	text, _ := json.Marshal(h) // numbers and strings can always be marshalled
	return string(text)
}

// corpusRow is a row of the corpus table.
type corpusRow struct {
	seq     int64
	key     harvest.Key
	url, id string
	hint    *string
}

// columns are what an entry is stored as, from the key on.
func columns(e harvest.Entry) (key harvest.Key, url string, id, hints any) {
	if r := e.Rejected; r != nil {
		return r.Key, r.Text, nil, hint{Rejected: r.Reason}.text()
	}
	item := &e.Item
	return item.Key, item.URL, orNull(item.ID), hint{Size: item.Size, Method: item.Method, Body: item.Body}.text()
}

// entry is what the row was made of.
func (r corpusRow) entry() (harvest.Entry, error) {
	var h hint
	if r.hint != nil {
		if err := json.Unmarshal([]byte(*r.hint), &h); err != nil {
			return harvest.Entry{}, fmt.Errorf("hint of row %d: %w", r.seq, err)
		}
	}
	if h.Rejected != "" {
		return harvest.Entry{Rejected: &harvest.Rejection{Line: r.seq, Reason: h.Rejected, Text: r.url, Key: r.key}}, nil
	}
	return harvest.Entry{Item: harvest.Item{Key: r.key, URL: r.url, ID: r.id, Method: h.Method, Body: h.Body, Line: r.seq, Size: h.Size}}, nil
}

// moveChain is the statement that moves a chain to its next step, if that is what follows. A chain that started again and
// has come to its end earlier than before has ended, too. name are the columns of the chain's name, which are unique.
// Parameters: run, seed, step, next, done, trail.
func moveChain(schema, name, now string) string {
	return fmt.Sprintf(`INSERT INTO %[1]schains AS c (run, seed, step, next, done_at, trail)
		SELECT CAST($1 AS text), CAST($2 AS text), CAST($3 AS bigint), nullif(CAST($4 AS text), ''), CASE WHEN CAST($5 AS boolean) THEN %[3]s END, nullif(CAST($6 AS text), '')
		WHERE CAST($3 AS bigint) = 1 OR EXISTS (SELECT 1 FROM %[1]schains b WHERE %[4]s)
		ON CONFLICT (%[2]s) DO UPDATE SET step = CASE WHEN c.step > excluded.step THEN c.step ELSE excluded.step END,
			next = excluded.next, done_at = excluded.done_at, trail = excluded.trail
		WHERE c.done_at IS NULL AND (c.step = excluded.step - 1 OR excluded.done_at IS NOT NULL AND c.step >= excluded.step)`,
		schema, name, now, chainNamed(name))
}

// The columns that name a chain. A seed may be longer than what PostgreSQL's indexes take, so there it goes by its hash.
const (
	chainName       = "run, seed"
	chainNameHashed = "run, seed_hash"
)

// chainNamed is the condition for the chain of run $1 and seed $2.
func chainNamed(name string) string {
	condition := "run = CAST($1 AS text) AND seed = CAST($2 AS text)"
	if name == chainNameHashed {
		condition += ` AND seed_hash = sha256(replace(CAST($2 AS text), '\', '\\')::bytea)`
	}
	return condition
}

func stepping(run, seed string, step int64) string {
	return fmt.Sprintf("take step %d of %s in run %s", step, seed, run)
}
