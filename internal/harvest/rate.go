package harvest

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Rate is a number of requests per time.
type Rate struct {
	PerSecond float64
	Text      string // as typed, such as 200/min
}

// String is the rate as it was typed.
func (r Rate) String() string { return r.Text }

// maxRate is far above what one upstream takes and keeps the pace's arithmetic in nanoseconds
// exact.
const maxRate = 100_000

// ParseRate reads 50/s, 200/min, 5000/h, or a bare number per second.
func ParseRate(text string) (Rate, error) {
	number, unit, found := strings.Cut(strings.TrimSpace(text), "/")
	seconds := 1.0
	if found {
		switch strings.TrimSpace(unit) {
		case "s":
		case "min":
			seconds = 60
		case "h":
			seconds = 3600
		default:
			return Rate{}, errors.New("write it as 50/s, 200/min or 5000/h")
		}
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	switch {
	case err != nil || math.IsNaN(n):
		return Rate{}, errors.New("write it as 50/s, 200/min or 5000/h")
	case n <= 0:
		return Rate{}, errors.New("a rate must be above 0; to stop a running harvest, interrupt it: a rerun resumes it")
	case n/seconds > maxRate:
		return Rate{}, fmt.Errorf("more than %d/s is beyond what one upstream takes", maxRate)
	}
	return Rate{PerSecond: n / seconds, Text: strings.TrimSpace(text)}, nil
}
