package wire

import (
	"context"
	"fmt"
	"io"
	"iter"
	"regexp"
	"strings"

	"shoal/internal/config"
	"shoal/internal/corpus"
	"shoal/internal/exchange"
	"shoal/internal/harvest"
	"shoal/internal/listing"
	"shoal/internal/upstream/mediawiki"
	"shoal/internal/worker"
)

const (
	wikiScheme = "mediawiki:"
	pageIDs    = "pageids:"
)

var dumpName = regexp.MustCompile(`page\.sql(\.gz|\.zst)?$`)

// isDump tells whether an address, without its query, is that of a dump of a wiki's page table.
func isDump(address string) bool { return dumpName.MatchString(address) }

// wikiLines says what the lines of a wiki's corpus are: titles, page ids, or rows of a dump.
func (h *Harvester) wikiLines(cfg *corpus.Config) error {
	if h.set.Upstream != config.Mediawiki {
		return nil
	}
	api := h.set.API
	cfg.Hosts = nil
	address, query, _ := strings.Cut(cfg.URI, "?")
	path, ids := strings.CutPrefix(cfg.URI, pageIDs)
	switch {
	case ids:
		cfg.URI = path
		cfg.Line = func(line string) (harvest.Item, error) { return mediawiki.PageID(api, line) }
	case isDump(address):
		listing, err := mediawiki.ParseListing(wikiScheme + "?" + query)
		if err != nil {
			return config.Usagef("--corpus %s: %v", harvest.Quote(cfg.URI), err)
		}
		cfg.URI = address
		cfg.Text = func(in io.Reader) io.Reader { return mediawiki.DumpLines(in, listing) }
		cfg.Line = func(line string) (harvest.Item, error) { return mediawiki.DumpItem(api, line) }
	default:
		cfg.Line = func(line string) (harvest.Item, error) { return mediawiki.Title(api, line) }
	}
	return nil
}

// keyed is a wiki's corpus with keys as the run makes them.
func (h *Harvester) keyed(corpus source) source {
	if h.set.Upstream != config.Mediawiki {
		return corpus
	}
	return titles{source: corpus, h: h}
}

type titles struct {
	source

	h *Harvester
}

// Entries implements worker.Corpus. The run is known by now, which it was not when the corpus was opened.
func (t titles) Entries() iter.Seq2[harvest.Entry, error] {
	entries := t.source.Entries()
	if t.h.run.Name == "" || t.h.run.Titles != "" {
		return entries
	}
	return mediawiki.Capitals(t.h.set.API, entries)
}

// introduceOurselves logs in where that takes a login, and asks a wiki that knows us how much we may ask for at once.
func (h *Harvester) introduceOurselves(ctx context.Context) error {
	if h.kind.wiki == nil || h.set.Auth.Kind == "" {
		return nil
	}
	if h.set.Auth.Kind == config.BotPassword {
		if err := h.login(ctx); err != nil {
			return err
		}
	}
	totals, err := h.totals(ctx)
	if err != nil {
		return err
	}
	caller := h.caller()
	caller.Proven = totals.Landed > 0
	_, err = caller.Call(ctx, h.kind.wiki.UserInfoRequest(), func(answer *harvest.Answer) harvest.Reading {
		limit, name, read := h.kind.wiki.ReadUserInfo(answer)
		if read.Fault == harvest.FaultNone {
			h.kind.wiki.SetLimit(limit)
			h.Say(fmt.Sprintf("the wiki knows us as %s: %d pages to a request", harvest.Quote(name), limit))
		}
		return read
	})
	return err
}

// login gets the session of a bot password: a token, then the session for it, each with a permit of its own.
func (h *Harvester) login(ctx context.Context) error {
	wiki := h.kind.wiki
	caller := h.caller()
	caller.Client.Fetch = fetching{client: h.client}
	caller.Proven = h.worker != nil // it has begun to harvest
	h.client.Forget()
	var token string
	_, err := caller.Call(ctx, wiki.LoginTokenRequest(), func(answer *harvest.Answer) (read harvest.Reading) {
		token, read = wiki.ReadLoginToken(answer)
		return read
	})
	if err != nil {
		return fmt.Errorf("log in: %w", err)
	}
	password, err := h.client.Secret()
	if err != nil {
		return fmt.Errorf("%w: log in: %w", worker.ErrRefused, err)
	}
	caller.Client.Policy.Retries = 0 // a refusal stands: wikis lock out who tries again and again
	_, err = caller.Call(ctx, wiki.LoginRequest(token, h.set.Auth.User, password), wiki.ReadLogin)
	if err != nil {
		return fmt.Errorf("log in as %s: %w", harvest.Quote(h.set.Auth.User), err)
	}
	return nil
}

// exchanges makes single attempts within the budget.
func (h *Harvester) exchanges() *exchange.Client {
	return &exchange.Client{Pace: pacing{h.pacer}, Fetch: h.fetching(), Policy: retryPolicy(h.set), Counters: h.tally}
}

// caller makes single requests within the budget.
func (h *Harvester) caller() exchange.Caller {
	return exchange.Caller{
		Client: h.exchanges(), Patience: h.set.Patience, MaxSilence: h.set.MaxSilence,
		Waiting: func(sentence string) { h.Say("the upstream: " + h.client.Mask(sentence)) },
	}
}

// witnesses are pages of the run that landed; nil where there is no store.
func (h *Harvester) witnesses() *exchange.Witnesses {
	if h.truth == nil {
		return nil
	}
	return exchange.NewWitnesses(func(ctx context.Context) []harvest.Item {
		items, err := h.truth.Landed(ctx, h.run.Name, 5)
		if err != nil && ctx.Err() == nil {
			h.Log.Warn("the store does not say what has landed", "error", err)
		}
		return items
	})
}

func (h *Harvester) fetching() fetching {
	f := fetching{client: h.client}
	if h.set.Auth.Kind == config.BotPassword {
		f.login = h.login
	}
	return f
}

// wikiLister enumerates the run's corpus from its wiki, whose logs of a day repeat the discussions of that day.
func (h *Harvester) wikiLister() listing.Lister {
	parse := mediawiki.ParseListing
	if h.run.Titles == "" {
		parse = mediawiki.FormerListing
	}
	what, _ := parse(h.run.Corpus) // openTable has read it
	l := listing.Wiki{Titles: wikiTitles{h.kind.wiki, what}, Caller: h.caller(), Guard: listing.NewGuard(h.suspicion, h.again, h.Log)}
	if h.run.Extract == config.Afd {
		l.Skip = "Articles for deletion/Log/"
	}
	return l
}

// wikiTitles gives a walk one listing of a wiki.
type wikiTitles struct {
	wiki *mediawiki.Upstream
	what mediawiki.Listing
}

// ListRequest implements listing.Titles.
func (t wikiTitles) ListRequest(next string) *harvest.Request {
	return t.wiki.ListRequest(t.what, next)
}

// ReadList implements listing.Titles.
func (t wikiTitles) ReadList(answer *harvest.Answer) (entries []harvest.Entry, then string, read harvest.Reading) {
	listed, then, read := t.wiki.ReadList(answer)
	for _, page := range listed {
		entries = append(entries, harvest.Entry{Item: page.Item})
	}
	return entries, then, read
}
