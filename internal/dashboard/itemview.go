package dashboard

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/dustin/go-humanize"

	"shoal/internal/harvest"
)

// maxItems is how many items a list has.
const maxItems = 100

// lossRow is one way in which items ended without landing.
type lossRow struct {
	Loss
	All      string // address of the list
	Examples []itemLink
}

// itemLink leads to the evidence of an item.
type itemLink struct{ Page, Name string }

func lossesOf(run string, all []Loss) (rows []lossRow) {
	for _, l := range all {
		row := lossRow{Loss: l, All: "/runs/" + run + "/items?" + l.Filter.query()}
		if row.Reason == "" {
			row.Reason = "(no reason)"
		}
		for i := range l.Examples {
			row.Examples = append(row.Examples, linkOf(run, &l.Examples[i]))
		}
		rows = append(rows, row)
	}
	return rows
}

// linkOf names an item by its own id, else by its URL.
func linkOf(run string, p *harvest.Page) itemLink {
	name := p.ID
	if name == "" {
		name = p.URL
	}
	const most = 80
	if name = foreign(name); len([]rune(name)) > most {
		name = string([]rune(name)[:most]) + "…"
	}
	return itemLink{"/runs/" + run + "/items/" + p.Key.String(), name}
}

// query is the filter in an address.
func (f Filter) query() string {
	v := url.Values{"outcome": {string(f.Outcome)}}
	if f.Reason != "" {
		v.Set("reason", f.Reason)
	}
	if f.Status != 0 {
		v.Set("status", strconv.Itoa(f.Status))
	}
	return v.Encode()
}

// command is the filter as flags.
func (f Filter) command() string {
	text := " --outcome " + string(f.Outcome)
	if f.Reason != "" {
		text += " --reason " + foreign(f.Reason)
	}
	if f.Status != 0 {
		text += " --status " + strconv.Itoa(f.Status)
	}
	return text
}

// readFilter reads a filter; without an outcome it is of dead items. Items that landed have no
// list: they may be all.
func readFilter(v url.Values) (f Filter, err error) {
	f = Filter{Outcome: harvest.Dead, Reason: v.Get("reason")}
	if word := v.Get("outcome"); word != "" {
		if f.Outcome, err = harvest.ParseOutcome(word); err != nil {
			return f, err
		}
	}
	if f.Outcome == harvest.Landed {
		return f, errors.New("items that landed are not listed here: coordinator list --outcome landed does that")
	}
	if text := v.Get("status"); text != "" {
		if f.Status, err = strconv.Atoi(text); err != nil || f.Status < 0 || f.Status > 599 {
			return f, fmt.Errorf("status %s: write an HTTP status, or nothing for any", harvest.Quote(text))
		}
	}
	return f, nil
}

// itemsView is a list of items that did not land.
type itemsView struct {
	base
	Run      string
	Filter   Filter
	Outcomes []harvest.Outcome
	Rows     []itemRow
	Full     bool // there may be more
	Retry    orderLine
}

type itemRow struct {
	itemLink
	Outcome, Reason, When, Detail string
	Status, Attempts              int
}

func (p *page) items(w http.ResponseWriter, r *http.Request) {
	name, ok := p.runName(w, r)
	if !ok {
		return
	}
	filter, err := readFilter(r.URL.Query())
	if err != nil {
		p.fail(w, r, fmt.Errorf("%w: %w", errAsked, err))
		return
	}
	pages, err := p.Items.Latest(r.Context(), name, filter, maxItems)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	v := itemsView{
		base: p.base(r, string(filter.Outcome)+" items of run "+name), Run: name, Filter: filter, Full: len(pages) == maxItems,
		Outcomes: []harvest.Outcome{harvest.Dead, harvest.Skipped, harvest.Missing}, Retry: retryOf(name, filter),
	}
	for i := range pages {
		page := &pages[i]
		v.Rows = append(v.Rows, itemRow{linkOf(name, page), string(page.Outcome), page.Reason, stamp(page.FetchedAt), page.Detail, page.Status, page.Attempts})
	}
	p.show(w, http.StatusOK, "items", v)
}

// maxBody is how many bytes of a body or a detail are shown.
const maxBody = 64 << 10

// itemView is the evidence of one item.
type itemView struct {
	base
	Run     string
	Item    Item
	Web     string // address of a link to the item; empty for none
	Rows    []row
	Detail  string
	Body    string
	Size    string // of the body
	Records []string
}

func (p *page) item(w http.ResponseWriter, r *http.Request) {
	name, ok := p.runName(w, r)
	if !ok {
		return
	}
	key, err := harvest.ParseKey(r.PathValue("key"))
	if err != nil {
		p.fail(w, r, fmt.Errorf("%w: %w", errAsked, err))
		return
	}
	item, err := p.Items.Item(r.Context(), name, key)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	p.show(w, http.StatusOK, "item", p.itemView(r, name, item))
}

func (p *page) itemView(r *http.Request, run string, item Item) itemView {
	v := itemView{base: p.base(r, "item of run "+run), Run: run, Item: item, Web: web(item.URL), Detail: block(item.Detail)}
	if item.ID != "" {
		v.Rows = add(v.Rows, "id", "%s", foreign(item.ID))
	}
	v.Rows = add(v.Rows, "key", "%s", item.Key)
	outcome := string(item.Outcome)
	if item.Reason != "" {
		outcome += " (" + foreign(item.Reason) + ")"
	}
	if item.Status != 0 {
		outcome += fmt.Sprintf(", status %d", item.Status)
	}
	v.Rows = add(v.Rows, "outcome", "%s, after %d requests, at %s UTC", outcome, item.Attempts, stamp(item.FetchedAt))
	for _, one := range []row{{"revision", item.Revision}, {"headers", string(item.Headers)}, {"type", item.MediaType}} {
		if one.Value != "" {
			v.Rows = append(v.Rows, row{one.Name, foreign(one.Value)})
		}
	}
	switch {
	case len(item.Body) > 0:
		v.Size, v.Body = humanize.IBytes(uint64(len(item.Body))), block(string(item.Body))
	case len(item.Raw) > 0:
		v.Rows = add(v.Rows, "body", "%s; coordinator export --table pages writes it", size(int64(len(item.Raw))))
	}
	for _, record := range item.Records {
		v.Records = append(v.Records, block(record))
	}
	return v
}

// block is a foreign text of several lines.
func block(text string) string {
	more := ""
	if len(text) > maxBody {
		text, more = text[:maxBody], "…"
	}
	return harvest.Visible(text) + more
}
