package tables

import (
	"encoding/json"
	"fmt"

	"shoal/internal/harvest"
)

// MarshalMinute is a minute's row.
func MarshalMinute(m harvest.Minute) string {
	text, _ := json.Marshal(m.Seconds) // numbers can always be marshalled
	return string(text)
}

// Minutes adds up rows that come in order of time.
type Minutes []harvest.Minute

// Add adds one row.
func (all *Minutes) Add(minute int64, seconds []byte) error {
	m := harvest.Minute{Unix: minute}
	if err := json.Unmarshal(seconds, &m.Seconds); err != nil {
		return fmt.Errorf("minute %d: %w", minute, err)
	}
	if n := len(*all); n > 0 && (*all)[n-1].Unix == minute {
		for i, sent := range m.Seconds {
			(*all)[n-1].Seconds[i] += sent
		}
		return nil
	}
	*all = append(*all, m)
	return nil
}
