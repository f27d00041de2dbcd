package plain

import (
	"fmt"
	"strings"
	"time"

	"shoal/internal/harvest"
	"shoal/internal/upstream"
)

// Name is what --upstream calls this kind.
const Name = "plain"

// Kind returns the row of this kind.
func Kind() upstream.Kind {
	return upstream.Kind{
		Name: Name, Noun: "API",
		Help: upstream.Help{
			Corpus:  "list:URL for what the API lists, with --next",
			Extract: "a jq expression that yields them",
		},
		Listing: upstream.Listing{
			Scheme: ListScheme, Example: "list:https://api.example/items", Chained: true, Host: listingHost, Seeds: ParseListing,
		},
		Compile: compileAll, Open: open, Extractor: extractor, PerRequest: perRequest, Packs: packs,
	}
}

// compileAll compiles the expressions. The run may know the template.
func compileAll(s upstream.Settings) error {
	if s.URL == "" && s.Split != "" {
		s.URL = "https://api.example/?ids=" + IDs
	}
	_, err := open(s, upstream.Tools{})
	return err
}

func open(s upstream.Settings, tools upstream.Tools) (upstream.Open, error) {
	u, err := New(Config{
		Body: s.Body, Extract: s.Extract, Check: s.Check, Wait: s.Wait,
		KeepHeaders: s.KeepHeaders, PostIsRead: s.PostIsRead, MaxBody: int(s.MaxBody), Next: s.Next, Items: s.Items,
		Template: s.URL, Pack: Packed(s), Split: s.Split, ID: s.ID, Absent: s.Absent,
		Credential: s.AuthParam, MaxYield: tools.MaxYield, Aside: tools.Aside,
	})
	if err != nil {
		return upstream.Open{}, err
	}
	return upstream.Open{Upstream: u, MaxItems: u.MaxItems(), Lister: func(harvest.Run) upstream.Lister { return u }}, nil
}

// Packed returns how many items a request holds by a template with [IDs]; 0 where one request asks
// for one item.
func Packed(s upstream.Settings) int {
	if packs(s.URL) {
		return s.Pack
	}
	return 0
}

func packs(template string) bool { return strings.Contains(template, IDs) }

func perRequest(s upstream.Settings) int { return max(1, Packed(s)) }

// listingHost returns the host of a listing, which is that of its items too.
func listingHost(s upstream.Settings) (string, error) {
	seeds, err := ParseListing(s.Corpus, time.Now()) // the instant is known when the run is
	if err != nil {
		return "", fmt.Errorf("--corpus %w", err)
	}
	host := harvest.HostOf(seeds[0])
	if of := harvest.HostOf(s.URL); s.URL != "" && of != host {
		return "", fmt.Errorf("--corpus lists what is on %s, and --url is on %s: one run is about one host", host, of)
	}
	return host, nil
}

func extractor(_ harvest.Run, spec string, tools upstream.Tools) (func(body []byte) ([]harvest.Record, error), error) {
	u, err := New(Config{Extract: spec, Aside: tools.Aside})
	if err != nil {
		return nil, err
	}
	return u.Records, nil
}
