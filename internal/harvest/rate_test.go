package harvest

import (
	"math"
	"testing"
)

func TestParseRate(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]float64{"50/s": 50, "200/min": 200.0 / 60, "5000/h": 5000.0 / 3600, "50": 50, "0.1/s": 0.1, " 3 / s ": 3} {
		if got, err := ParseRate(text); err != nil || math.Abs(got.PerSecond-want) > 1e-12 {
			t.Errorf("ParseRate(%q) = %v, %v, want %v", text, got.PerSecond, err, want)
		}
	}
	for _, text := range []string{"", "/s", "0/s", "-1", "1/0", "50/s/s", "1e9/s", "NaN", "Inf", "fifty", "50s"} {
		if got, err := ParseRate(text); err == nil {
			t.Errorf("ParseRate(%q) = %v, want an error", text, got)
		}
	}
}
