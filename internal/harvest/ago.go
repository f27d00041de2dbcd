package harvest

import (
	"fmt"
	"time"
)

// Ago writes a span of time in words, such as "3 days", in the largest unit that a person would
// use.
func Ago(d time.Duration) string {
	n, unit := int(d.Hours()/24), "day"
	switch {
	case d < 2*time.Minute:
		n, unit = int(d.Seconds()), "second"
	case d < 2*time.Hour:
		n, unit = int(d.Minutes()), "minute"
	case d < 48*time.Hour:
		n, unit = int(d.Hours()), "hour"
	}
	if n != 1 {
		unit += "s"
	}
	return fmt.Sprintf("%d %s", n, unit)
}
