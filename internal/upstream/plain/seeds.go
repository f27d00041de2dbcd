package plain

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/upstream"
)

// ListScheme begins the name of a corpus that the upstream lists.
const ListScheme = "list:"

const (
	cursorMark = "{cursor}" // the place of a cursor that is not a URL
	sinceMark  = "{since}"  // an instant
	maxSeeds   = 100_000
)

// ParseListing reads list:URL. A range in braces, {2026-09-01..2026-09-05} by day or {1..40}, makes
// a seed of each of its members, both ends included; several ranges multiply. {since} becomes the
// given instant; without one it is refused. Each seed is the first step of a chain and keeps
// {cursor}.
func ParseListing(uri string, since time.Time) (seeds []string, err error) {
	text, ok := strings.CutPrefix(uri, ListScheme)
	if !ok || text == "" {
		return nil, fmt.Errorf("%s %w: write list:https://api.example/items?limit=100", harvest.Quote(uri), upstream.ErrListing)
	}
	if strings.Contains(text, sinceMark) {
		if since.IsZero() {
			return nil, fmt.Errorf("%s %w: {since} is when the run before was opened, and there is none", harvest.Quote(uri), upstream.ErrListing)
		}
		text = strings.ReplaceAll(text, sinceMark, harvest.Escape(since.UTC().Format(time.RFC3339)))
	}
	if seeds, err = expand(text); err != nil {
		return nil, err
	}
	probe, _, _ := firstStep(seeds[0])
	if strings.Count(text, cursorMark) > 1 {
		return nil, fmt.Errorf("%s %w: {cursor} stands once, as the value of a parameter", harvest.Quote(uri), upstream.ErrListing)
	}
	if _, err := harvest.CanonicalURL(probe); err != nil {
		return nil, fmt.Errorf("%s %w: %w", harvest.Quote(uri), upstream.ErrListing, err)
	}
	if strings.Contains(harvest.HostOf(probe), "{") || strings.ContainsAny(probe, "{}") {
		return nil, fmt.Errorf("%s %w: braces hold a range such as {1..40} or {2026-09-01..2026-09-05}, {since}, or {cursor} as the value of a parameter", harvest.Quote(uri), upstream.ErrListing)
	}
	return seeds, nil
}

var ranges = regexp.MustCompile(`\{([0-9-]+)\.\.([0-9-]+)\}`)

// expand replaces the first range by each of its members, and so on.
func expand(text string) ([]string, error) {
	at := ranges.FindStringSubmatchIndex(text)
	if at == nil {
		return []string{text}, nil
	}
	members, err := membersOf(text[at[2]:at[3]], text[at[4]:at[5]])
	if err != nil {
		return nil, err
	}
	rest, err := expand(text[at[1]:])
	if err != nil {
		return nil, err
	}
	if len(members)*len(rest) > maxSeeds {
		return nil, fmt.Errorf("%s %w: its ranges make more than %d seeds", harvest.Quote(text), upstream.ErrListing, maxSeeds)
	}
	var all []string
	for _, member := range members {
		for _, tail := range rest {
			all = append(all, text[:at[0]]+member+tail)
		}
	}
	return all, nil
}

// membersOf returns the members of a range, of days or of whole numbers.
func membersOf(from, to string) (members []string, err error) {
	refuse := fmt.Errorf("{%s..%s} %w: a range goes up, from one day (2026-09-01) or whole number to another, in at most %d members", from, to, upstream.ErrListing, maxSeeds)
	first, err1 := time.Parse(time.DateOnly, from)
	last, err2 := time.Parse(time.DateOnly, to)
	if err1 == nil && err2 == nil {
		for day := first; !day.After(last); day = day.AddDate(0, 0, 1) {
			if members = append(members, day.Format(time.DateOnly)); len(members) > maxSeeds {
				return nil, refuse
			}
		}
	} else {
		low, err1 := strconv.Atoi(from)
		high, err2 := strconv.Atoi(to)
		if err1 != nil || err2 != nil || low < 0 || high-low >= maxSeeds {
			return nil, refuse
		}
		width := 0
		if strings.HasPrefix(from, "0") && len(from) > 1 {
			width = len(from)
		}
		for n := low; n <= high; n++ {
			members = append(members, fmt.Sprintf("%0*d", width, n))
		}
	}
	if len(members) == 0 {
		return nil, refuse
	}
	return members, nil
}

// firstStep returns the seed without the parameter that holds the cursor, and that parameter's
// name.
func firstStep(seed string) (url, parameter string, err error) {
	if !strings.Contains(seed, cursorMark) {
		return seed, "", nil
	}
	address, query, _ := strings.Cut(seed, "?")
	var kept []string
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		if value == cursorMark {
			parameter = name
			continue
		}
		kept = append(kept, pair)
	}
	if len(kept) > 0 {
		address += "?" + strings.Join(kept, "&")
	}
	if parameter == "" || strings.Contains(address, cursorMark) {
		return address, "", fmt.Errorf("%s %w: {cursor} is the whole value of one parameter, such as &cursor={cursor}", harvest.Quote(seed), upstream.ErrListing)
	}
	return address, parameter, nil
}
