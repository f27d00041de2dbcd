package store

import (
	"encoding/json"
	"fmt"

	"shoal/internal/harvest"
)

// ErrStep: somebody else has taken this step of the chain. Read the chain again.
var ErrStep = fmt.Errorf("%w: another process walks this chain, its step is taken", ErrBusy)

// Chain is where an enumeration or a listing goes on.
type Chain struct {
	Seed string // what is enumerated
	Step int64  // how many steps are committed
	Next string // token of the next one, empty at the start
	Done bool   // no step is left
}

// CorpusRow is one row of the corpus table: an item and its place, from 1.
type CorpusRow struct {
	Seq  int64
	Item harvest.Item // Key, URL, ID and Size
}

// hint is what the corpus table knows of an item besides its name.
type hint struct {
	Size int64 `json:"size,omitempty"`
}

// hintOf is NULL where there is nothing to say.
func hintOf(item harvest.Item) any {
	if item.Size == 0 {
		return nil
	}
	text, _ := json.Marshal(hint{Size: item.Size}) // numbers can always be marshalled
	return string(text)
}

func sizeOf(text *string) int64 {
	var h hint
	if text == nil || json.Unmarshal([]byte(*text), &h) != nil {
		return 0
	}
	return h.Size
}

func stepping(run, seed string, step int64) string {
	return fmt.Sprintf("take step %d of %s in run %s", step, seed, run)
}
