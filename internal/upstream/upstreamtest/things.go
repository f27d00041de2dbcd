// Package upstreamtest has a kind of API that only tests know: an example of what a kind needs, and
// the proof that one row and one package add it.
//
// In goes nothing; out comes the row of [Things]. No program links it.
package upstreamtest

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"shoal/internal/harvest"
	"shoal/internal/upstream"
)

// rowSpec is the --extract of things: each is a record.
const rowSpec = "row"

// Things returns the row of an API that answers GET /things?ids=1,2 with lines of CSV, id,name, and
// that lists with GET /things?after=ID.
func Things() upstream.Kind {
	return upstream.Kind{
		Name: "things", Noun: "shop", API: "https://shop.example/things",
		Help:    upstream.Help{Corpus: "numbers of things, or things: for all", API: "the shop's /things", Extract: "row, for each thing"},
		Listing: upstream.Listing{Scheme: "things:", Example: "things:", Host: func(s upstream.Settings) (string, error) { return harvest.HostOf(s.API), nil }},
		Check: func(s upstream.Settings) error {
			switch {
			case s.URL != "":
				return errors.New("--url belongs to the plain upstream: a shop is named by --api")
			case s.Extract != "" && s.Extract != rowSpec:
				return fmt.Errorf("--extract %s: from a shop, row is the one kind of record", harvest.Quote(s.Extract))
			}
			return nil
		},
		Lines: func(s upstream.Settings) (upstream.Lines, error) {
			return upstream.Lines{URI: s.Corpus, Line: func(id string) (harvest.Item, error) { return item(s.API, id) }}, nil
		},
		Open: func(s upstream.Settings, _ upstream.Tools) (upstream.Open, error) {
			u := &things{api: s.API, pack: s.Pack, records: s.Extract == rowSpec}
			return upstream.Open{Upstream: u, MaxItems: s.Pack, Lister: func(harvest.Run) upstream.Lister { return u }}, nil
		},
		Extractor: func(harvest.Run, string, upstream.Tools) (func(body []byte) ([]harvest.Record, error), error) {
			return func(body []byte) ([]harvest.Record, error) { return []harvest.Record{{Kind: "thing", Data: body}}, nil }, nil
		},
		PerRequest: func(s upstream.Settings) int { return s.Pack },
	}
}

func item(api, id string) (harvest.Item, error) {
	return harvest.NewItem(api+"?ids="+harvest.Escape(id), id, "", nil)
}

// things is one such API.
type things struct {
	api     string
	pack    int
	records bool
}

// Fits implements [upstream.Upstream].
func (t *things) Fits(pack []harvest.Item, _ harvest.Item) bool { return len(pack) < t.pack }

// Request implements [upstream.Upstream].
func (t *things) Request(items []harvest.Item) (*harvest.Request, error) {
	var ids []string
	for _, item := range items {
		ids = append(ids, item.ID)
	}
	return &harvest.Request{Items: items, Method: http.MethodGet, URL: t.api + "?ids=" + harvest.Escape(strings.Join(ids, ","))}, nil
}

// Read implements [upstream.Upstream]. A thing that the answer does not hold is missing.
func (t *things) Read(request *harvest.Request, answer *harvest.Answer) harvest.Reading {
	rows, err := csv.NewReader(bytes.NewReader(answer.Body)).ReadAll()
	if err != nil {
		return harvest.Reading{Fault: harvest.FaultUndecodable, Reason: "bad_csv", Cause: err}
	}
	var read harvest.Reading
	for _, item := range request.Items {
		page := harvest.Page{Key: item.Key, URL: item.URL, ID: item.ID, Outcome: harvest.Missing, Status: answer.Status, FetchedAt: answer.Arrived}
		at := slices.IndexFunc(rows, func(row []string) bool { return row[0] == item.ID })
		if at >= 0 {
			body, err := json.Marshal(map[string]string{"id": rows[at][0], "name": rows[at][len(rows[at])-1]})
			if err != nil {
				return harvest.Reading{Fault: harvest.FaultUndecodable, Reason: "bad_csv", Cause: err}
			}
			page.Outcome, page.Body = harvest.Landed, body
			if t.records {
				page.Records = []harvest.Record{{Kind: "thing", Data: body}}
			}
		}
		read.Pages = append(read.Pages, page)
	}
	return read
}

// Detail implements [upstream.Upstream].
func (t *things) Detail(answer *harvest.Answer) string {
	if answer == nil {
		return ""
	}
	return harvest.Printable(string(answer.Body[:min(len(answer.Body), harvest.MaxDetail)]))
}

// ListRequest implements [upstream.Lister].
func (t *things) ListRequest(_, next string) (*harvest.Request, error) {
	return &harvest.Request{Method: http.MethodGet, URL: t.api + "?after=" + harvest.Escape(next)}, nil
}

// ReadList implements [upstream.Lister]. The listing continues after its last thing, and ends with
// an answer that has none.
func (t *things) ReadList(_ *harvest.Request, _ string, _ int64, answer *harvest.Answer, _ func(string) (harvest.Item, error)) (listed harvest.Listed, then string, read harvest.Reading) {
	rows, err := csv.NewReader(bytes.NewReader(answer.Body)).ReadAll()
	if err != nil {
		return listed, "", harvest.Reading{Fault: harvest.FaultUndecodable, Reason: "bad_csv", Cause: err}
	}
	for _, row := range rows {
		made, err := item(t.api, row[0])
		if err != nil {
			return listed, "", harvest.Reading{Fault: harvest.FaultUndecodable, Reason: "bad_csv", Cause: err}
		}
		listed.Entries, then = append(listed.Entries, harvest.Entry{Item: made}), row[0]
	}
	return listed, then, read
}
