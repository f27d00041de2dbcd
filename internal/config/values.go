package config

import (
	"errors"
	"fmt"
	"math"
	"shoal/internal/harvest"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// Rate is [harvest.Rate].
type Rate = harvest.Rate

// ParseRate is [harvest.ParseRate].
func ParseRate(text string) (Rate, error) { return harvest.ParseRate(text) }

// Allowance is how many items may end in some way before the run counts as failed.
type Allowance struct {
	Unlimited bool
	Percent   bool // N is a percentage
	N         float64
}

// ParseAllowance reads a number of items, a percentage such as 1%, or none for no limit.
func ParseAllowance(text string) (Allowance, error) {
	text = strings.TrimSpace(text)
	if text == "none" {
		return Allowance{Unlimited: true}, nil
	}
	number, percent := strings.CutSuffix(text, "%")
	n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	whole := percent || n == math.Trunc(n)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) || n < 0 || !whole || (percent && n > 100) {
		return Allowance{}, errors.New("write a number of items such as 20, a percentage such as 1%, or none for no limit")
	}
	return Allowance{Percent: percent, N: n}, nil
}

// Exceeded reports whether n of total items are more than allowed.
func (a Allowance) Exceeded(n, total int64) bool {
	switch {
	case a.Unlimited:
		return false
	case a.Percent:
		return float64(n)*100 > a.N*float64(total)
	default:
		return float64(n) > a.N
	}
}

// String returns the form that [ParseAllowance] reads.
func (a Allowance) String() string {
	switch {
	case a.Unlimited:
		return "none"
	case a.Percent:
		return strconv.FormatFloat(a.N, 'f', -1, 64) + "%"
	default:
		return strconv.FormatFloat(a.N, 'f', -1, 64)
	}
}

func parseSize(text string) (int64, error) {
	n, err := humanize.ParseBytes(text)
	if err != nil || n > math.MaxInt64 {
		return 0, errors.New("write a size such as 16MiB, 512KiB or a number of bytes")
	}
	if n == 0 {
		return 0, errors.New("a size must be above 0")
	}
	return int64(n), nil
}

func parseDuration(text string) (time.Duration, error) {
	if text == "0" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, errors.New("write a time with its unit, such as 30s, 15m or 1h30m")
	}
	if d < 0 {
		return 0, errors.New("a time cannot be negative")
	}
	return d, nil
}

func parseFraction(text string) (float64, error) {
	number, percent := strings.CutSuffix(strings.TrimSpace(text), "%")
	n, err := strconv.ParseFloat(number, 64)
	if percent {
		n /= 100
	}
	if err != nil || math.IsNaN(n) || n < 0 || n > 0.5 {
		return 0, errors.New("write a percentage from 0% to 50%")
	}
	return n, nil
}

func parseCount(text string, least, most int) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("write a whole number from %d to %d", least, most)
	}
	if n < least || n > most {
		return 0, fmt.Errorf("must be from %d to %d", least, most)
	}
	return n, nil
}

func parseBool(text string) (bool, error) {
	switch strings.ToLower(text) {
	case "true", "1", "yes", "on":
		return true, nil
	case "false", "0", "no", "off", "":
		return false, nil
	}
	return false, errors.New("write true or false")
}
