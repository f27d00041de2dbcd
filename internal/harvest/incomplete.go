package harvest

import "errors"

// ErrIncomplete is matched where the corpus is damaged, cannot be read to its end, or has items that have not ended.
var ErrIncomplete = errors.New("incomplete")
