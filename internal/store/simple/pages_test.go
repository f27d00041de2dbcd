package simple

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/store/internal/tables"
)

// shelf is a store of one run, r.
type shelf struct {
	pages  []harvest.Page
	back   map[harvest.Key]bool
	shards []harvest.ShardState
	seen   int // pages that the last scan passed on
	err    error
}

func (s *shelf) Scan(_ context.Context, run string, each func(page harvest.Page, putBack bool) error) error {
	if s.seen = 0; run != "r" {
		return store.ErrNoRun
	}
	for _, page := range s.pages {
		s.seen++
		if err := each(page, s.back[page.Key]); err != nil {
			return err
		}
	}
	return s.err
}

func (s *shelf) ListShards(context.Context, string) ([]harvest.ShardState, error) {
	return s.shards, nil
}

func key(n byte) harvest.Key { return harvest.Key{n} }

func stocked() *shelf {
	ended := func(n byte, o harvest.Outcome, status int, reason string, records ...string) harvest.Page {
		p := harvest.Page{Key: key(n), URL: fmt.Sprint("u", n), ID: fmt.Sprint(n), Outcome: o, Status: status, Reason: reason}
		for i, data := range records {
			p.Records = append(p.Records, harvest.Record{Ordinal: i, Data: []byte(data)})
		}
		return p
	}
	return &shelf{
		pages: []harvest.Page{
			ended(1, harvest.Landed, 200, "", "a", "b"), ended(2, harvest.Dead, 502, "http_502"), ended(3, harvest.Dead, 502, "http_502"),
			ended(4, harvest.Skipped, 200, tables.ReasonExtractFailed), ended(5, harvest.Landed, 200, "", "c"), ended(6, harvest.Missing, 404, "http_404"),
		},
		back: map[harvest.Key]bool{key(3): true},
		shards: []harvest.ShardState{
			{Shard: harvest.Shard{Of: 1}, Counts: harvest.Counts{Landed: 1, Dead: 2, Rejected: 4}},
			{Shard: harvest.Shard{Of: 2}, Counts: harvest.Counts{Landed: 1, Skipped: 1, Rejected: 3}},
			{Shard: harvest.Shard{Index: 1, Of: 2}, Counts: harvest.Counts{Missing: 1, Rejected: 2}},
		},
	}
}

func TestWhatIsDerivedFromAScan(t *testing.T) {
	t.Parallel()
	ctx, shelf := t.Context(), stocked()
	p := Pages{shelf}
	known, err := p.Known(ctx, "r", []harvest.Key{key(6), key(3), key(9)})
	if want := []bool{true, false, false}; err != nil || !slices.Equal(known, want) {
		t.Errorf("Known() = %v, %v, want %v: what is put back is not known", known, err, want)
	}
	var keys []byte
	for k, err := range p.Keys(ctx, "r") {
		if err != nil {
			t.Fatal(err)
		}
		if keys = append(keys, k[0]); k == key(5) {
			break
		}
	}
	if !slices.Equal(keys, []byte{1, 2, 4, 5}) || shelf.seen != 5 {
		t.Errorf("Keys() = %d until 5 after %d pages, want 1 2 4 5 after 5", keys, shelf.seen)
	}
	if items, err := p.Landed(ctx, "r", 1); err != nil || len(items) != 1 || items[0].Key != key(1) || items[0].URL != "u1" || items[0].ID != "1" || shelf.seen > 2 {
		t.Errorf("Landed(1) = %+v, %v after %d pages, want the first after 2", items, err, shelf.seen)
	}
	counts, err := p.CountOutcomes(ctx, "r", []harvest.Outcome{harvest.Dead, harvest.Missing, harvest.Skipped})
	if want := []store.OutcomeCount{{Outcome: harvest.Dead, Reason: "http_502", Status: 502, Items: 2, PutBack: 1}, {Outcome: harvest.Missing, Reason: "http_404", Status: 404, Items: 1}, {Outcome: harvest.Skipped, Reason: tables.ReasonExtractFailed, Status: 200, Items: 1}}; err != nil || !slices.Equal(counts, want) {
		t.Errorf("CountOutcomes() = %v, %v, want %v", counts, err, want)
	}
	if sum, err := p.Totals(ctx, "r"); err != nil || sum != (harvest.Counts{Landed: 2, Missing: 1, Skipped: 1, Dead: 1, Rejected: 5, PutBack: 1}) {
		t.Errorf("Totals() = %+v, %v, want one dead, the other is put back, and the most that one N rejected", sum, err)
	}
}

func TestExportIsDerivedFromAScan(t *testing.T) {
	t.Parallel()
	stop := errors.New("stop")
	five := key(5)
	for _, test := range []struct {
		name  string
		query store.Query
		each  error
		rows  string
		err   error
	}{
		{"pages", store.Query{Run: "r", What: store.PageRows}, nil, "u1 u2 u3 u4 u5 u6 ", nil},
		{"some", store.Query{Run: "r", What: store.PageRows, Status: 502, Limit: 1}, nil, "u2 ", nil},
		{"records", store.Query{Run: "r", What: store.RecordRows}, nil, "u1a u1b u5c ", nil},
		{"a limit in the midst of a page", store.Query{Run: "r", What: store.RecordRows, Limit: 1}, nil, "u1a ", nil},
		{"records of one item", store.Query{Run: "r", What: store.RecordRows, Key: &five}, nil, "u5c ", nil},
		{"a caller that stops", store.Query{Run: "r", What: store.PageRows}, stop, "u1 ", stop},
		{"no run", store.Query{Run: "x", What: store.PageRows}, nil, "", store.ErrNoRun},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			rows := ""
			err := Pages{stocked()}.Export(t.Context(), test.query, func(row store.Row) error {
				if rows += row.Page.URL + string(row.Record.Data) + " "; row.Page.Records != nil {
					t.Errorf("row %s has records within its page", row.Page.URL)
				}
				return test.each
			})
			if rows != test.rows || !errors.Is(err, test.err) {
				t.Errorf("Export() = %q, %v, want %q, %v", rows, err, test.rows, test.err)
			}
		})
	}
	if err := (Pages{stocked()}).Export(t.Context(), store.Query{Run: "r", What: "bodies"}, nil); err == nil {
		t.Error("Export(bodies) = nil, want an error")
	}
}

func TestBodiesAreFewIfTheyAreLarge(t *testing.T) {
	t.Parallel()
	shelf := stocked()
	for _, test := range []struct {
		body  []byte
		after byte
		limit int
		want  []byte
	}{
		{nil, 0, 9, nil},
		{[]byte("1"), 0, 9, []byte{1, 4, 5}},
		{[]byte("1"), 1, 1, []byte{4}},
		{make([]byte, tables.MaxBodies/2), 0, 9, []byte{1, 4}},
	} {
		for i := range shelf.pages {
			shelf.pages[i].Body = test.body
		}
		bodies, err := Pages{shelf}.ExtractBodies(t.Context(), "r", key(test.after), test.limit)
		var got []byte
		for _, b := range bodies {
			got = append(got, b.Key[0])
		}
		if err != nil || !slices.Equal(got, test.want) {
			t.Errorf("ExtractBodies(after %d, %d) of %d bytes each = %d, %v, want %d", test.after, test.limit, len(test.body), got, err, test.want)
		}
	}
}

func TestAScanThatFails(t *testing.T) {
	t.Parallel()
	shelf := stocked()
	if items, err := (Pages{shelf}).Landed(t.Context(), "x", 9); err != nil || items != nil {
		t.Errorf("Landed() without the run = %v, %v, want none: a run that is not there is empty", items, err)
	}
	shelf.err = store.ErrUnavailable
	for _, err := range (Pages{shelf}).Keys(t.Context(), "r") {
		if err != nil && !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("Keys() = %v, want %v at the end", err, store.ErrUnavailable)
		}
	}
	if _, err := (Pages{shelf}).Known(t.Context(), "r", nil); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Known() = %v, want %v", err, store.ErrUnavailable)
	}
}
