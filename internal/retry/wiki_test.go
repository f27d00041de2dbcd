package retry

import (
	"testing"
	"time"

	"shoal/internal/harvest"
)

// Errors that a wiki reports within a 200, and an answer that came slowly.
func TestDecideInsideOfASuccess(t *testing.T) {
	t.Parallel()
	anonymous := Policy{Retries: 5, MinPause: 5 * s, Slow: s, SlowPause: 5 * s}
	for _, tt := range []struct {
		name  string
		facts Facts
		verb  Verb
		pause time.Duration
		renew bool
		class Class
	}{
		{"quick", Facts{Status: 200, Took: s}, Accept, 0, false, ClassAccepted},
		{"slow", Facts{Status: 200, Took: 1100 * time.Millisecond}, Accept, 5 * s, false, ClassAccepted},
		{"lagged", Facts{Status: 200, Fault: harvest.FaultLagged, Reason: "maxlag", Wait: 7 * s, Incidents: 1}, Pause, 7 * s, false, ClassNone},
		{"a request that is wrong", Facts{Status: 200, Fault: harvest.FaultFatal, Reason: "badvalue", Items: 50}, Abort, 0, false, ClassRefused},
		{"not logged in", Facts{Status: 200, Fault: harvest.FaultLogin, Items: 50, Tries: 1}, Again, 0, true, ClassNone},
		{"still not logged in", Facts{Status: 200, Fault: harvest.FaultLogin, Items: 50, Tries: 6, Renewed: true}, Abort, 0, false, ClassRefused},
		{"a pack that fails twice", Facts{Status: 200, Fault: harvest.FaultUndecodable, Items: 50, Tries: 2}, Split, 0, false, ClassNone},
	} {
		d := Decide(tt.facts, anonymous)
		if d.Verb != tt.verb || d.Pause != tt.pause || d.Renew != tt.renew || d.Class != tt.class {
			t.Errorf("%s: Decide() = %+v, want %s, pause %s, renew %t, class %d", tt.name, d, tt.verb, tt.pause, tt.renew, tt.class)
		}
	}
}
