package wire

import (
	"encoding/json"
	"fmt"
	"strings"

	"shoal/internal/afd"
	"shoal/internal/config"
	"shoal/internal/harvest"
	"shoal/internal/memory"
	"shoal/internal/upstream/mediawiki"
	"shoal/internal/upstream/plain"
	"shoal/internal/worker"
)

// upstream is a kind of API, ready to be used.
type upstream struct {
	worker.Upstream
	wiki *mediawiki.Upstream // nil for plain
	api  *plain.Upstream     // nil for a wiki
	most int                 // items of its largest request
}

// mostPages is how many pages a wiki gives to those who have apihighlimits.
const mostPages = 500

// newUpstream makes the upstream that the settings name, and compiles its expressions.
func newUpstream(set config.Worker, aside plain.Aside) (upstream, error) {
	if set.Upstream == config.Mediawiki {
		wiki, err := newWiki(set)
		return upstream{Upstream: wiki, wiki: wiki, most: mostPages}, err
	}
	api, err := plain.New(plain.Config{
		Body: set.Body, Extract: set.Extract, Check: set.Check, Wait: set.Wait,
		KeepHeaders: set.KeepHeaders, PostIsRead: set.PostIsRead, MaxBody: int(set.MaxBody), Next: set.Next, Items: set.Items,
		Template: set.URL, Pack: packOf(set), Split: set.Split, ID: set.ID, Absent: set.Absent,
		Credential: credentialParam(set.Auth), MaxYield: int(memory.Share(1).Yield), Aside: aside,
	})
	if err != nil {
		return upstream{}, config.Usagef("%v", err)
	}
	return upstream{Upstream: api, api: api, most: api.Most()}, nil
}

// credentialParam is the query parameter that holds the credential, if one does.
func credentialParam(auth config.Auth) string {
	if auth.Kind == "query" {
		return auth.Name
	}
	return ""
}

// packOf is how many items a request holds: those of --pack where the template has room for many.
func packOf(set config.Worker) int {
	if strings.Contains(set.URL, plain.IDs) {
		return set.Pack
	}
	return 0
}

func newWiki(set config.Worker) (*mediawiki.Upstream, error) {
	c := mediawiki.Config{API: set.API, MaxBody: int(set.MaxBody), Body: set.Body == "json"}
	if set.Auth.Kind != "" {
		c.Assert = "user"
	}
	if set.Extract == config.Afd {
		c.Records = func(p mediawiki.Text) ([]harvest.Record, error) {
			return afd.ParseRows(afd.Page{Title: p.Title, PageID: p.PageID, RevID: p.RevID, Text: p.Content, Grow: p.Grow})
		}
	}
	wiki, err := mediawiki.New(c)
	if err != nil {
		return nil, config.Usagef("%v", err)
	}
	return wiki, nil
}

// Extractor makes records of a stored body by the expression, or by the parser, that spec names.
func Extractor(run harvest.Run, spec string) (extract func(body []byte) ([]harvest.Record, error), done func() error, err error) {
	if run.Upstream != config.Mediawiki {
		jobs, err := newJobs()
		if err != nil {
			return nil, nil, err
		}
		api, err := plain.New(plain.Config{Extract: spec, Aside: jobs})
		if err != nil {
			return nil, nil, config.Usagef("%v", err)
		}
		return api.Records, jobs.pool.Close, nil
	}
	if spec != config.Afd {
		return nil, nil, config.Usagef("--extract %s: run %s is of a wiki, where afd is the one kind of record", harvest.Quote(spec), run.Name)
	}
	return discussion, func() error { return nil }, nil
}

// discussion makes the records of a stored page of a wiki.
func discussion(body []byte) ([]harvest.Record, error) {
	var page struct {
		PageID  int64  `json:"pageid"`
		Title   string `json:"title"`
		RevID   int64  `json:"revid"`
		Content string `json:"content"`
	}
	if err := json.Unmarshal(body, &page); err != nil {
		return nil, fmt.Errorf("read a stored page: %w", err)
	}
	return afd.ParseRows(afd.Page{Title: page.Title, PageID: page.PageID, RevID: page.RevID, Text: page.Content})
}
