package store

import (
	"encoding/json"
	"fmt"

	"shoal/internal/harvest"
)

// ErrStep: somebody else has taken this step of the chain. Read the chain again.
var ErrStep = fmt.Errorf("%w: another process walks this chain, its step is taken", ErrBusy)

// hint is what the corpus table knows of an item besides its name.
type hint struct {
	Size   int64  `json:"size,omitempty"`
	Method string `json:"method,omitempty"`
	Body   []byte `json:"body,omitempty"` // base64
}

// hintOf is NULL where there is nothing to say.
func hintOf(item harvest.Item) any {
	h := hint{Size: item.Size, Method: item.Method, Body: item.Body}
	if h.Size == 0 && h.Method == "" && len(h.Body) == 0 {
		return nil
	}
	text, _ := json.Marshal(h) // numbers and strings can always be marshalled
	return string(text)
}

// rowOf makes an item of a row of the corpus table.
func rowOf(seq int64, key harvest.Key, url, id string, text *string) (harvest.Item, error) {
	var h hint
	if text != nil {
		if err := json.Unmarshal([]byte(*text), &h); err != nil {
			return harvest.Item{}, fmt.Errorf("hint of row %d: %w", seq, err)
		}
	}
	return harvest.Item{Key: key, URL: url, ID: id, Method: h.Method, Body: h.Body, Line: seq, Size: h.Size}, nil
}

// moveChain is the statement that moves a chain to its next step, if that is what follows. Parameters: run, seed, step,
// next, done.
func moveChain(schema, now string) string {
	return fmt.Sprintf(`INSERT INTO %[1]schains AS c (run, seed, step, next, done_at) VALUES ($1, $2, $3, nullif($4, ''), CASE WHEN $5 THEN %[2]s END)
		ON CONFLICT (run, seed) DO UPDATE SET step = excluded.step, next = excluded.next, done_at = excluded.done_at
		WHERE c.step = excluded.step - 1 AND c.done_at IS NULL`, schema, now)
}

func stepping(run, seed string, step int64) string {
	return fmt.Sprintf("take step %d of %s in run %s", step, seed, run)
}
