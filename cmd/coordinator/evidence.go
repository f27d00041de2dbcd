package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"shoal/internal/config"
	"shoal/internal/dataset"
	"shoal/internal/harvest"
	"shoal/internal/status"
	"shoal/internal/store"
)

// evidence is one item. Scripts rely on the names of its JSON.
type evidence struct {
	Run string `json:"run"`
	dataset.PageLine
	Records []dataset.RecordLine `json:"records"`
	Retried bool                 `json:"retried"` // it was put back, and its new outcome has not landed yet
}

// show prints all that is known of one item.
func (p *program) show(ctx context.Context, set config.Coordinator) (err error) {
	if strings.TrimSpace(set.Arg) == "" {
		return config.Usagef("show which item? Give its URL, its id or its key")
	}
	db, run, err := p.open(ctx, set, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	found, err := find(ctx, db, run, set.Arg)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return config.Usagef("no item of run %s that has ended is called %s: give its URL, its id or its key; what has not ended yet has no row", run.Name, harvest.Quote(set.Arg))
	}
	for i := range found {
		if set.JSON {
			if err := p.printJSON(found[i]); err != nil {
				return err
			}
			continue
		}
		if _, err := fmt.Fprint(p.out, found[i].text()); err != nil {
			return err
		}
	}
	return nil
}

// find looks an item up by its key, its URL or its id.
func find(ctx context.Context, db *store.Store, run harvest.Run, name string) (found []evidence, err error) {
	queries := []store.Query{{Run: run.Name, What: store.PageRows, ID: name}}
	if key, err := harvest.ParseKey(name); err == nil {
		queries = append([]store.Query{{Run: run.Name, What: store.PageRows, Key: &key}}, queries...)
	}
	if item, err := harvest.NewItem(name, "", "", nil); err == nil {
		queries = append([]store.Query{{Run: run.Name, What: store.PageRows, Key: &item.Key}}, queries...)
		queries = append(queries, store.Query{Run: run.Name, What: store.PageRows, URL: item.URL}) // a step of a listing has a key of its own
	}
	for _, query := range queries {
		err := db.Export(ctx, query, func(row store.Row) error {
			found = append(found, evidence{Run: run.Name, PageLine: dataset.PageOf(dataset.Row(row)), Records: []dataset.RecordLine{}})
			return nil
		})
		if err != nil {
			return nil, err
		}
		if len(found) > 0 {
			break
		}
	}
	for i := range found {
		key, err := harvest.ParseKey(found[i].Key)
		if err != nil {
			return nil, err
		}
		known, err := db.Known(ctx, run.Name, []harvest.Key{key})
		if err != nil {
			return nil, err
		}
		found[i].Retried = !known[0]
		err = db.Export(ctx, store.Query{Run: run.Name, What: store.RecordRows, Key: &key}, func(row store.Row) error {
			found[i].Records = append(found[i].Records, dataset.RecordOf(dataset.Row(row)))
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// text is an item for people.
func (e evidence) text() string {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		if text := fmt.Sprintf(format, args...); text != "" {
			addf(&b, "  %-9s %s\n", name, text)
		}
	}
	addf(&b, "%s\n", e.URL)
	line("id", "%s", e.ID)
	line("key", "%s", e.Key)
	reason := ""
	if e.Reason != "" {
		reason = " (" + e.Reason + ")"
	}
	status := ""
	if e.Status != 0 {
		status = fmt.Sprintf(", status %d", e.Status)
	}
	line("outcome", "%s%s%s, after %s, at %s", e.Outcome, reason, status, plural(e.Attempts, "request"), e.FetchedAt)
	if e.Retried {
		line("retried", "put back: this is the outcome of before, until the new one lands")
	}
	line("revision", "%s", e.Revision)
	line("headers", "%s", e.Headers)
	line("detail", "%s", oneLine(e.Detail))
	switch {
	case e.Body != nil:
		line("body", "%s: %s", humanize.IBytes(uint64(len(e.Body))), oneLine(string(e.Body)))
	case e.Raw != nil:
		line("body", "%s of %s", humanize.IBytes(uint64(len(e.Raw))), e.MediaType)
	}
	line("records", "%d", len(e.Records))
	for _, record := range e.Records {
		line("", "%d %s", record.Ordinal, oneLine(string(record.Data)))
	}
	return b.String()
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// oneLine returns foreign text on one line, cut where a person stops reading.
func oneLine(s string) string {
	const most = 500
	s = harvest.Printable(strings.Join(strings.Fields(s), " "))
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

// counted is coordinator list. Scripts rely on the names of its JSON.
type counted struct {
	Run    string      `json:"run"`
	Counts []countLine `json:"counts"`
	Items  []itemLine  `json:"items"`
}

type countLine struct {
	Outcome string `json:"outcome"`
	Reason  string `json:"reason"`
	Status  int    `json:"status"`
	Items   int64  `json:"items"`
	PutBack int64  `json:"put_back"` // of the items: this is their outcome of before
}

type itemLine struct {
	Outcome   string    `json:"outcome"`
	Reason    string    `json:"reason"`
	Status    int       `json:"status"`
	Attempts  int       `json:"attempts"`
	Key       string    `json:"key"`
	URL       string    `json:"url"`
	ID        string    `json:"id"`
	Detail    string    `json:"detail"`
	FetchedAt time.Time `json:"fetched_at"`
	PutBack   bool      `json:"put_back"` // this is the outcome of before, until the new one lands
}

// list counts how items ended, and names some of them.
func (p *program) list(ctx context.Context, set config.Coordinator) (err error) {
	db, run, err := p.open(ctx, set, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	all := counted{Run: run.Name, Counts: []countLine{}, Items: []itemLine{}}
	ended, err := db.CountOutcomes(ctx, run.Name, set.Outcomes)
	if err != nil {
		return err
	}
	for _, e := range ended {
		all.Counts = append(all.Counts, countLine{string(e.Outcome), e.Reason, e.Status, e.Items, e.PutBack})
	}
	var keys []harvest.Key
	query := store.Query{Run: run.Name, What: store.PageRows, Outcomes: set.Outcomes, Reason: set.Reason, Status: set.Status, Limit: set.Show}
	err = db.Export(ctx, query, func(row store.Row) error {
		page := row.Page
		all.Items = append(all.Items, itemLine{string(page.Outcome), page.Reason, page.Status, page.Attempts, page.Key.String(), page.URL, page.ID, page.Detail, page.FetchedAt, false})
		keys = append(keys, page.Key)
		return nil
	})
	if err != nil {
		return err
	}
	done, err := db.Known(ctx, run.Name, keys)
	if err != nil {
		return err
	}
	for i := range done {
		all.Items[i].PutBack = !done[i]
	}
	if set.JSON {
		return p.printJSON(all)
	}
	if len(all.Counts) == 0 {
		p.console.Say(fmt.Sprintf("run %s has no item that ended so", run.Name))
		return nil
	}
	return p.printList(all)
}

func (p *program) printList(all counted) error {
	err := p.table([]status.Column{{Name: "ITEMS"}, {Name: "OUTCOME"}, {Name: "REASON", Rank: 1, MinWidth: 10}, {Name: "STATUS", Rank: 2}, {Name: "PUT BACK", Rank: 3}}, func(row func(cells ...any)) {
		for _, c := range all.Counts {
			row(humanize.Comma(c.Items), c.Outcome, dash(c.Reason), c.Status, orDash(c.PutBack))
		}
	})
	if err != nil || len(all.Items) == 0 {
		return err
	}
	fmt.Fprintln(p.out)
	return p.table([]status.Column{
		{Name: "OUTCOME", Rank: 2}, {Name: "REASON", Rank: 3, MinWidth: 8}, {Name: "REQUESTS", Rank: 4}, {Name: "URL", MinWidth: 32, Middle: true}, {Name: "DETAIL", Rank: 1, MinWidth: 12},
	}, func(row func(cells ...any)) {
		for _, item := range all.Items {
			detail := oneLine(item.Detail)
			outcome := item.Outcome
			if item.PutBack { // its outcome of before
				outcome += ", put back"
			}
			row(outcome, dash(item.Reason), item.Attempts, item.URL, dash(status.Cut(detail, 80)))
		}
	})
}
