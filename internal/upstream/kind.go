package upstream

import (
	"iter"
	"slices"
	"strings"
	"time"

	"shoal/internal/harvest"
)

// Kind is a kind of API: one row of the table. Open and PerRequest are needed; another function
// that is nil means that there is nothing of that sort.
type Kind struct {
	Name string // as --upstream and the stored runs call it
	Noun string // what one such API is in a sentence, such as wiki
	API  string // an --api that names one, for messages; empty: --url or the corpus does
	Look string // a line of a corpus that every such API has an item for, for a first look; empty: there is none
	Auth string // the kind of credential that only it takes, and that needs a login; empty: none

	Help    Help    // what it adds to the help of flags that each kind reads in its own way
	Listing Listing // how a corpus is listed

	// Address returns what is wrong with an --api, which is a canonical URL.
	Address func(api string) error
	// Check returns what does not go together, or is of no use, in settings of this kind.
	Check func(s Settings) error
	// Compile returns what is wrong with the expressions, before anything is opened. What the
	// stored run may know can be missing.
	Compile func(s Settings) error
	// Open makes the upstream.
	Open func(s Settings, tools Tools) (Open, error)
	// Lines reads a corpus that is a file, an address or standard input; nil: its lines are URLs,
	// or ids for --url, or JSON.
	Lines func(s Settings) (Lines, error)
	// Rekey makes the keys of a corpus those that the run was opened with; nil: they are.
	Rekey func(run harvest.Run, s Settings, entries iter.Seq2[harvest.Entry, error]) iter.Seq2[harvest.Entry, error]
	// Dump reports whether a corpus at an address, given without its query, is a dump of such an
	// API. Its query names the part of it that is meant.
	Dump func(address string) bool
	// Extractor returns what makes records of a stored body by spec, which is an --extract.
	Extractor func(run harvest.Run, spec string, tools Tools) (func(body []byte) ([]harvest.Record, error), error)
	// PerRequest returns how many items a request holds at most, as far as it is known before the
	// API is asked.
	PerRequest func(s Settings) int
	// Packs reports whether a request by the template asks for many items, whose answer Split and
	// ID take apart; nil: they have no meaning.
	Packs func(template string) bool
	// Advise returns what would be done better otherwise, for settings of any kind.
	Advise func(s Settings, host string, items int64) []string
}

// Help is what the flags of these names mean to a kind, in a few words; empty: nothing of its own.
type Help struct{ Corpus, API, Extract string }

// Listing is how a kind has its API list a corpus.
type Listing struct {
	Scheme  string // begins the name of such a corpus, such as list: — empty: nothing is listed
	Example string // such a corpus, for messages

	// Chained: what follows the scheme is the address of the listing, and --next finds in each
	// answer where it continues. Its answers may be the pages. Else the kind knows by itself how it
	// continues, and which items an answer names.
	Chained bool

	// Host returns the host of the listing, and what is wrong with it. It is needed where there is
	// a scheme.
	Host func(s Settings) (string, error)
	// Seeds returns the first step of each chain; since is the instant that the corpus may name.
	// nil: the corpus is the one seed.
	Seeds func(corpus string, since time.Time) ([]string, error)
}

// ErrListing is wrapped by the errors of a seed that is not the first step of a listing.
var ErrListing = harvest.ErrListing

// Into how many shards a run is cut where the operator did not choose. Where a request holds many
// items, each shard ends with a request that is not full: few shards keep requests full.
const (
	manyShards = 64
	fewShards  = 8
)

// Chains returns the first step of each chain of the corpus; since is the instant that it may name.
func (l Listing) Chains(corpus string, since time.Time) ([]string, error) {
	if l.Seeds == nil {
		return []string{corpus}, nil
	}
	seeds, err := l.Seeds(corpus, since)
	if err != nil {
		return nil, harvest.Usagef("--corpus %v", err)
	}
	return seeds, nil
}

// Compiles returns what is wrong with the expressions of s; nil where the kind has none.
func (k Kind) Compiles(s Settings) error {
	if k.Compile == nil {
		return nil
	}
	if err := k.Compile(s); err != nil {
		return harvest.Usagef("%v", err)
	}
	return nil
}

// Rekeyed returns the entries with keys as the run has them.
func (k Kind) Rekeyed(run harvest.Run, s Settings, entries iter.Seq2[harvest.Entry, error]) iter.Seq2[harvest.Entry, error] {
	if k.Rekey == nil {
		return entries
	}
	return k.Rekey(run, s, entries)
}

// Shards returns into how many parts a run is cut where the operator did not choose.
func (k Kind) Shards(s Settings) int {
	if k.PerRequest(s) > 1 {
		return fewShards
	}
	return manyShards
}

// NeedsAPI reports whether the kind is named by --api, and s does not name it.
func (k Kind) NeedsAPI(s Settings) bool { return k.API != "" && s.API == "" }

// LogsIn reports whether a credential needs a login at this kind of API.
func (k Kind) LogsIn(auth string) bool { return k.Auth != "" && k.Auth == auth }

// Table is the kinds that a program knows. The first of them is the usual one.
type Table []Kind

// Find returns the kind of that name.
func (t Table) Find(name string) (Kind, bool) {
	return t.first(func(k Kind) bool { return k.Name == name })
}

// ByAPI returns the kind that is meant where --api is given and --upstream is not.
func (t Table) ByAPI() (Kind, bool) {
	return t.first(func(k Kind) bool { return k.API != "" })
}

// ByAuth returns the one kind that takes a kind of credential.
func (t Table) ByAuth(auth string) (Kind, bool) {
	return t.first(func(k Kind) bool { return k.LogsIn(auth) })
}

// Lists returns the kind whose API lists the corpus; false where the corpus is not a listing.
func (t Table) Lists(corpus string) (Kind, bool) {
	return t.first(func(k Kind) bool { return k.Listing.Scheme != "" && strings.HasPrefix(corpus, k.Listing.Scheme) })
}

// Chained reports whether a corpus is a listing at an address of its own, in which --next finds
// where it continues. address is that address.
func (t Table) Chained(corpus string) (address string, ok bool) {
	kind, ok := t.Lists(corpus)
	if !ok || !kind.Listing.Chained {
		return "", false
	}
	return strings.TrimPrefix(corpus, kind.Listing.Scheme), true
}

// IsListing reports whether a corpus is what an upstream lists.
func (t Table) IsListing(corpus string) bool {
	_, ok := t.Lists(corpus)
	return ok
}

// ListsPages reports whether the answers of a listing are the pages themselves: no expression finds
// items in them.
func (t Table) ListsPages(corpus, items string) bool {
	_, chained := t.Chained(corpus)
	return chained && items == ""
}

// Relevant returns a run without the inputs that have no meaning for its corpus and its API, though
// a profile may give them.
func (t Table) Relevant(run harvest.Run) harvest.Run {
	if _, chained := t.Chained(run.Corpus); !chained {
		run.Next, run.Items = "", ""
	}
	if kind, _ := t.Find(run.Upstream); kind.Packs == nil || !kind.Packs(run.API) {
		run.Split, run.ID, run.Absent, run.Pack = "", "", "", 0
	}
	return run
}

// Seeds returns the first step of each chain of a corpus, which is its one seed where it is not a
// listing. since returns the instant that the corpus may name; it is called only for a listing that
// may.
func (t Table) Seeds(corpus string, since func() (time.Time, error)) ([]string, error) {
	kind, _ := t.Lists(corpus)
	if kind.Listing.Seeds == nil {
		return kind.Listing.Chains(corpus, time.Time{})
	}
	at, err := since()
	if err != nil {
		return nil, err
	}
	return kind.Listing.Chains(corpus, at)
}

// SameListing reports whether two corpora are one chained listing: by the address without its
// query, where {since} comes and goes.
func (t Table) SameListing(a, b string) bool {
	a, _, _ = strings.Cut(a, "?")
	b, _, _ = strings.Cut(b, "?")
	_, chained := t.Chained(a)
	return chained && a == b
}

// Filters reports whether the query of a corpus' address names the part of it that is meant. Any
// other may be a signature.
func (t Table) Filters(corpus string) bool {
	address, _, _ := strings.Cut(corpus, "?")
	_, dump := t.first(func(k Kind) bool { return k.Dump != nil && k.Dump(address) })
	_, listing := t.Lists(corpus)
	return dump || listing
}

// ExtractorOf returns what makes records of the run's stored bodies by spec.
func (t Table) ExtractorOf(run harvest.Run, spec string, tools Tools) (func(body []byte) ([]harvest.Record, error), error) {
	kind, ok := t.Find(run.Upstream)
	switch {
	case !ok: // another version of the program has opened it
		return nil, harvest.Usagef("run %s is of the upstream %s, and this version knows %s", run.Name, harvest.Quote(run.Upstream), strings.Join(t.Names(), ", "))
	case kind.Extractor == nil:
		return nil, harvest.Usagef("--extract %s: run %s is of the upstream %s, which makes no records", harvest.Quote(spec), run.Name, run.Upstream)
	}
	extract, err := kind.Extractor(run, spec, tools)
	if err != nil {
		return nil, harvest.Usagef("%v", err)
	}
	return extract, nil
}

// Advise returns what any of the kinds would have done better for so many items of a host.
func (t Table) Advise(s Settings, host string, items int64) (all []string) {
	for _, k := range t {
		if k.Advise != nil {
			all = append(all, k.Advise(s, host, items)...)
		}
	}
	return all
}

// Names returns the names of the kinds.
func (t Table) Names() (names []string) {
	for _, k := range t {
		names = append(names, k.Name)
	}
	return names
}

func (t Table) first(is func(Kind) bool) (Kind, bool) {
	if at := slices.IndexFunc(t, is); at >= 0 {
		return t[at], true
	}
	return Kind{}, false
}
