package observe

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"os"
	"strings"
	"time"

	"shoal/cmd/internal/adapt"
	"shoal/internal/config"
	"shoal/internal/corpus"
	"shoal/internal/doctor"
	"shoal/internal/harvest"
	"shoal/internal/listing"
	"shoal/internal/runs"
	"shoal/internal/store"
	"shoal/internal/store/stores"
	"shoal/internal/upstream"
)

// target is the upstream that would be harvested, as far as the settings lead to it.
type target struct {
	set     config.Worker    // settled for the host, where that is possible
	host    string           // empty if it is not known
	origin  string           // scheme and host
	request *harvest.Request // for the first item, or what the kind has for a first look
	found   string           // what is known of the corpus
	why     string           // why the corpus is not looked at, or has no item to ask for
	err     error            // what is wrong with the corpus
}

// find finds the upstream by the corpus, by --api or --url, or by the run of the store.
func (p *physician) find(ctx context.Context) target {
	t := target{set: p.Worker}
	first := ""
	var item *harvest.Item
	switch uri := t.set.Corpus; {
	case uri == "" || uri == harvest.StoreCorpus:
		p.findRun(ctx, &t)
	case t.set.Kind().NeedsAPI(t.set.UpstreamSettings()):
		t.err = t.set.CheckAPI()
	case t.set.Kinds().IsListing(uri):
		first, item, t.err = t.listed()
	case uri == "-":
		t.why = "standard input is not read to look"
	case corpus.Remote(uri):
		t.why = "it is not downloaded to look"
	default:
		first, item, t.err = t.read(ctx)
	}
	if first == "" {
		first = strings.TrimPrefix(t.set.API+t.set.URL, " ")
	}
	if t.origin == "" {
		t.origin = originOf(first)
	}
	if t.origin == "" {
		return t
	}
	t.host = harvest.HostOf(t.origin + "/")
	if settled, err := t.set.About(t.host); err == nil {
		t.set = settled
	}
	t.ask(item)
	return t
}

// originOf returns scheme and host of a URL, or of a template for URLs.
func originOf(address string) string {
	scheme, rest, ok := strings.Cut(address, "://")
	host, _, _ := strings.Cut(rest, "/")
	host, _, _ = strings.Cut(host, "?")
	u, err := url.Parse(scheme + "://" + host)
	if !ok || err != nil || u.Host == "" {
		return ""
	}
	return strings.ToLower(u.Scheme + "://" + u.Host)
}

// read reads a file to its first item.
func (t *target) read(ctx context.Context) (first string, item *harvest.Item, err error) {
	cfg, err := adapt.CorpusConfig(t.set, new(harvest.Run))
	if err != nil {
		return "", nil, err
	}
	if info, err := os.Stat(cfg.URI); err == nil && !info.Mode().IsRegular() && !info.IsDir() {
		t.why = "it is not a file that can be read twice"
		return "", nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, firstRead)
	defer cancel()
	opened, err := corpus.Open(ctx, cfg)
	if err != nil {
		return "", nil, corpus.Mistake(ctx, err)
	}
	defer func() { err = errors.Join(err, opened.Close()) }()
	for entry, err := range opened.Entries() {
		if err == nil && entry.Rejected == nil {
			item = &entry.Item
			break
		}
		if err != nil {
			return "", nil, err
		}
	}
	t.found = fmt.Sprintf("%s, whose first item is on %s", cfg.URI, opened.Host())
	return opened.First(), item, nil
}

// listed finds where a listing is.
func (t *target) listed() (first string, item *harvest.Item, err error) {
	host, _, err := t.set.ListingHost()
	if err != nil {
		return "", nil, err
	}
	t.found = fmt.Sprintf("what %s lists", host)
	first = t.set.TableOrigin(host)
	kind, _ := t.set.Kinds().Lists(t.set.Corpus)
	if _, chained := t.set.Kinds().Chained(t.set.Corpus); !chained {
		return first, nil, nil
	}
	seeds, err := kind.Listing.Chains(t.set.Corpus, time.Now())
	if err != nil {
		return "", nil, err
	}
	open, err := kind.Open(t.set.UpstreamSettings(), upstream.Tools{})
	if err != nil {
		return "", nil, config.Usagef("%v", err)
	}
	entry, err := firstOf(listing.FirstSteps(listing.Checked{API: open.Lister(harvest.Run{Inputs: harvest.Inputs{Corpus: t.set.Corpus}})}, seeds))
	return first, &entry.Item, err
}

func firstOf(entries iter.Seq2[harvest.Entry, error]) (harvest.Entry, error) {
	for entry, err := range entries {
		return entry, err
	}
	return harvest.Entry{}, listing.ErrEmpty
}

// ask makes the request for the item, or for what the kind has for a first look.
func (t *target) ask(item *harvest.Item) {
	kind := t.set.Kind()
	if t.why == "" {
		t.why = "the settings name no item to ask for: add --corpus"
	}
	open, err := kind.Open(t.set.UpstreamSettings(), upstream.Tools{})
	if err != nil {
		t.why = "the expressions do not compile"
		return
	}
	if item == nil && kind.Look != "" && kind.Lines != nil {
		s := t.set.UpstreamSettings()
		s.Corpus = "-"
		if lines, err := kind.Lines(s); err == nil {
			if made, err := lines.Line(kind.Look); err == nil {
				item = &made
			}
		}
	}
	if item == nil {
		return
	}
	if t.request, err = open.Request([]harvest.Item{*item}); err != nil {
		t.request, t.why = nil, harvest.ErrorText(err)
	}
}

// describe puts what was found into the settings.
func (t *target) describe(s *doctor.Settings) {
	set := t.set
	s.Expressions = func(context.Context) error { return set.Kind().Compiles(set.UpstreamSettings()) }
	s.Corpus = func(context.Context) (found, why string, err error) { return t.found, t.why, t.err }
	if t.host == "" {
		return
	}
	s.Agent, s.Rate = set.Agent(), set.Rate.String()
	s.Contact = func() error { return set.CheckContact(t.host) }
	s.Site = func() error {
		_, err := set.Settle(t.host, t.origin+"/", true)
		return err
	}
}

// findRun finds the upstream of the run that a worker without a corpus continues.
func (p *physician) findRun(ctx context.Context, t *target) {
	t.why = "none is named: add --corpus FILE"
	db, err := p.open(ctx)
	if err != nil {
		return
	}
	defer func() { _ = db.Close() }()
	run, err := runs.Pick(ctx, db, t.set.Run, time.Now())
	if err != nil {
		return
	}
	t.found = fmt.Sprintf("that of run %s", run.Name)
	if t.origin = originOf(run.API); t.origin == "" && run.Host != "" {
		t.origin = "https://" + run.Host
	}
	t.set.Upstream = run.Upstream
	if kind, ok := t.set.Kinds().Find(run.Upstream); ok && kind.API != "" {
		t.set.API = run.API
	}
}

// open opens the store to read, if it may hold runs.
func (p *physician) open(ctx context.Context) (*store.Store, error) {
	if !stores.MayExist(p.Worker.Store) {
		return nil, store.ErrNoTables
	}
	ctx, cancel := context.WithTimeout(ctx, firstRead)
	defer cancel()
	return stores.Open(ctx, p.Worker.Store, store.Options{Application: "shoal doctor", ReadOnly: true, Existing: true})
}
