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

// Minutes adds up what the workers sent in each minute; the minutes come in order of time.
type Minutes []harvest.Minute

// Add adds what one worker sent.
func (all *Minutes) Add(m harvest.Minute) {
	if n := len(*all); n == 0 || (*all)[n-1].Unix != m.Unix {
		*all = append(*all, harvest.Minute{Unix: m.Unix})
	}
	sum := &(*all)[len(*all)-1]
	for i, sent := range m.Seconds {
		sum.Seconds[i] += sent
	}
}

// AddRow adds the row of one worker.
func (all *Minutes) AddRow(minute int64, seconds []byte) error {
	m := harvest.Minute{Unix: minute}
	if err := json.Unmarshal(seconds, &m.Seconds); err != nil {
		return fmt.Errorf("minute %d: %w", minute, err)
	}
	all.Add(m)
	return nil
}
