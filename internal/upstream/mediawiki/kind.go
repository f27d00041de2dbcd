package mediawiki

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"regexp"
	"strings"

	"shoal/internal/afd"
	"shoal/internal/harvest"
	"shoal/internal/upstream"
)

// Name is what --upstream calls this kind.
const Name = "mediawiki"

const (
	// scheme begins the name of a corpus that a wiki lists.
	scheme = Name + ":"
	// pageIDs begins that of a file of page ids.
	pageIDs = "pageids:"
	// afdSpec is the --extract that makes records of discussions about deletion.
	afdSpec = "afd"
	// botPassword is the kind of credential that Special:BotPasswords gives: a login, and cookies
	// from then on.
	botPassword = "botpassword"
	// botProfile is the profile of those who have apihighlimits.
	botProfile = "wikimedia-bot"
	// maxByRequest is how many pages are few enough to be asked for rather than read from a dump.
	maxByRequest = 1_000_000
)

// Kind returns the row of this kind.
func Kind() upstream.Kind {
	return upstream.Kind{
		Name: Name, Noun: "wiki", API: "https://wiki.example/w/api.php", Look: "Main Page", Auth: botPassword,
		Help: upstream.Help{
			Corpus:  "titles, pageids:FILE, a page.sql.gz dump or mediawiki:?prefix=…&namespace=…",
			API:     "where its api.php is, such as https://en.wikipedia.org/w/api.php",
			Extract: "afd, for deletion discussions",
		},
		Listing: upstream.Listing{Scheme: scheme, Example: scheme + "?prefix=…&namespace=…", Host: listingHost},
		Address: checkAddress, Check: check, Compile: compile, Open: open, Lines: lines, Rekey: rekey, Dump: isDump,
		Extractor: extractor, PerRequest: perRequest, Advise: advise,
	}
}

func checkAddress(api string) error {
	if strings.Contains(api, "?") {
		return errors.New("give only the address of api.php, such as https://en.wikipedia.org/w/api.php; titles go to --corpus")
	}
	return nil
}

// check refuses what does not go together with a wiki.
func check(s upstream.Settings) error {
	switch {
	case s.URL != "":
		return errors.New("--url belongs to the plain upstream: a wiki is named by --api https://wiki.example/w/api.php, and its pages by --corpus")
	case s.Extract != "" && s.Extract != afdSpec:
		return fmt.Errorf("--extract %s: from a wiki, afd is the one kind of record: discussions about deletion", harvest.Quote(s.Extract))
	case s.Body == "raw":
		return errors.New("--body raw: a wiki's pages are kept as JSON (json), or not at all (none)")
	case s.Check+s.Wait != "":
		return errors.New("--check and --wait belong to the plain upstream: a wiki reports in its own way what is wrong and how long to wait")
	}
	return nil
}

// compile has nothing to compile, and looks at the address. The run may know the wiki.
func compile(s upstream.Settings) error {
	if s.API == "" {
		return nil
	}
	_, err := open(s, upstream.Tools{})
	return err
}

func open(s upstream.Settings, _ upstream.Tools) (upstream.Open, error) {
	c := Config{API: s.API, MaxBody: int(s.MaxBody), Body: s.Body == "json"}
	if s.Auth != "" {
		c.Assert = "user"
	}
	if s.Extract == afdSpec {
		c.Records = discussion
	}
	u, err := New(c)
	if err != nil {
		return upstream.Open{}, err
	}
	return upstream.Open{Upstream: u, MaxItems: highLimit, Continues: true, Lister: u.lister, Session: u}, nil
}

// lines are titles, page ids, or the rows of a dump.
func lines(s upstream.Settings) (upstream.Lines, error) {
	address, query, _ := strings.Cut(s.Corpus, "?")
	path, ids := strings.CutPrefix(s.Corpus, pageIDs)
	switch {
	case ids:
		return upstream.Lines{URI: path, Line: func(line string) (harvest.Item, error) { return PageID(s.API, line) }}, nil
	case isDump(address):
		listing, err := ParseListing(scheme + "?" + query)
		if err != nil {
			return upstream.Lines{}, fmt.Errorf("--corpus %s: %w", harvest.Quote(s.Corpus), err)
		}
		return upstream.Lines{
			URI:  address,
			Text: func(in io.Reader) io.Reader { return DumpLines(in, listing) },
			Line: func(line string) (harvest.Item, error) { return DumpItem(s.API, line) },
		}, nil
	}
	return upstream.Lines{URI: s.Corpus, Line: func(line string) (harvest.Item, error) { return Title(s.API, line) }}, nil
}

var dumpName = regexp.MustCompile(`page\.sql(\.gz|\.zst)?$`)

// isDump reports whether an address, without its query, is that of a dump of a wiki's page table.
func isDump(address string) bool { return dumpName.MatchString(address) }

// rekey gives the titles of an older run the keys that it has. A run that is not opened yet has no
// name.
func rekey(run harvest.Run, s upstream.Settings, entries iter.Seq2[harvest.Entry, error]) iter.Seq2[harvest.Entry, error] {
	if run.Name == "" || run.Titles != "" {
		return entries
	}
	return Capitals(s.API, entries)
}

func listingHost(s upstream.Settings) (string, error) {
	if _, err := ParseListing(s.Corpus); err != nil {
		return "", fmt.Errorf("--corpus %s: %w", s.Corpus, err)
	}
	return harvest.HostOf(s.API), nil
}

func perRequest(s upstream.Settings) int {
	if s.Profile == botProfile {
		return highLimit
	}
	return usualLimit
}

// advise is also for those who harvest a wiki as if it were any API.
func advise(s upstream.Settings, host string, items int64) (advice []string) {
	if s.Kind != Name && strings.Contains(s.URL+host, "wiki") || strings.Contains(s.URL, "api.php") {
		advice = append(advice, fmt.Sprintf("one item per request: a wiki gives 50 pages to one request, with --api https://%s/w/api.php and a corpus of titles", host))
	}
	if s.Kind == Name && items > maxByRequest {
		advice = append(advice, fmt.Sprintf("%d pages: reading a dump of the wiki is cheaper for everybody than asking for so many", items))
	}
	return advice
}

// discussion makes the records of the text of a discussion about deletion.
func discussion(p Text) ([]harvest.Record, error) {
	return afd.ParseRows(afd.Page{Title: p.Title, PageID: p.PageID, RevID: p.RevID, Text: p.Content, Grow: p.Grow})
}

func extractor(run harvest.Run, spec string, _ upstream.Tools) (func(body []byte) ([]harvest.Record, error), error) {
	if spec != afdSpec {
		return nil, fmt.Errorf("--extract %s: run %s is of a wiki, where afd is the one kind of record", harvest.Quote(spec), run.Name)
	}
	return storedRecords, nil
}

// storedRecords makes the records of a stored page.
func storedRecords(body []byte) ([]harvest.Record, error) {
	var page struct {
		PageID  int64  `json:"pageid"`
		Title   string `json:"title"`
		RevID   int64  `json:"revid"`
		Content string `json:"content"`
	}
	if err := json.Unmarshal(body, &page); err != nil {
		return nil, fmt.Errorf("read a stored page: %w", err)
	}
	return discussion(Text{Title: page.Title, PageID: page.PageID, RevID: page.RevID, Content: page.Content})
}
