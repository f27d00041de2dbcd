package status

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"shoal/internal/harvest"
)

// The last line of --progress json has how the process ended, and seconds that a person can read.
func TestTheLastLineOfJSONSaysHowItEnded(t *testing.T) {
	t.Parallel()
	var lines bytes.Buffer
	began := time.Unix(1_000_000, 0)
	get := func() harvest.Progress {
		return harvest.Progress{Run: "q", Started: began, Now: began.Add(1234567 * time.Microsecond), Budget: 50, Lowered: 48}
	}
	m := StartMeter(get, MeterOptions{Mode: JSON, Screen: NewScreen(&bytes.Buffer{}), Lines: &lines})
	m.End(End{Reason: "the upstream refuses us", Exit: 4})
	m.Stop()
	all := strings.Split(strings.TrimSpace(lines.String()), "\n")
	var last Snapshot
	if err := json.Unmarshal([]byte(all[len(all)-1]), &last); err != nil {
		t.Fatal(err)
	}
	if !last.Final || last.Reason == nil || *last.Reason != "the upstream refuses us" || last.Exit == nil || *last.Exit != 4 || last.Lowered != 48 || last.Elapsed != 1.235 {
		t.Errorf("the last line = %s, want final, with the reason, exit code 4, lowered to 48 after 1.235 s", all[len(all)-1])
	}
}
