package harvest

import (
	"testing"
	"time"
)

func TestAgo(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		span time.Duration
		want string
	}{
		{0, "0 seconds"}, {time.Second, "1 second"}, {119 * time.Second, "119 seconds"}, {2 * time.Minute, "2 minutes"},
		{119 * time.Minute, "119 minutes"}, {2 * time.Hour, "2 hours"}, {47 * time.Hour, "47 hours"}, {48 * time.Hour, "2 days"},
	} {
		if got := Ago(test.span); got != test.want {
			t.Errorf("Ago(%s) = %q, want %q", test.span, got, test.want)
		}
	}
}
