package config

import (
	"strings"

	"shoal/internal/harvest"
)

// quoteName returns a foreign name, fit for a sentence.
func quoteName(name string) string { return harvest.Quote(name) }

// suggest returns " (did you mean rate?)" for the nearest of the known names, or empty if none is
// near.
func suggest(name string, known []string) string {
	name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
	best, least := "", 1+max(2, len(name)/3)
	for _, k := range known {
		if d := distance(name, strings.ReplaceAll(strings.ToLower(k), "_", "-")); d < least {
			best, least = k, d
		}
	}
	if best == "" {
		return ""
	}
	return " (did you mean " + best + "?)"
}

// distance returns how many letters must be added, dropped or changed to turn a into b
// (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			changed := diagonal
			if a[i] != b[j] {
				changed++
			}
			diagonal = row[j+1]
			row[j+1] = min(changed, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
