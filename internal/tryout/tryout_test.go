package tryout

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"shoal/internal/exchange"
	"shoal/internal/exchange/exchangetest"
	"shoal/internal/harvest"
	"shoal/internal/retry"
)

// upstream requests items one by one, or in pairs.
type upstream struct{ most int }

func (u upstream) Fits(pack []harvest.Item, _ harvest.Item) bool { return len(pack) < u.most }

func (u upstream) Request(items []harvest.Item) (*harvest.Request, error) {
	if strings.Contains(items[0].URL, "impossible") {
		return nil, errors.New("no such request")
	}
	return &harvest.Request{Items: items, Method: http.MethodGet, URL: items[0].URL}, nil
}

func (u upstream) Read(request *harvest.Request, a *harvest.Answer) (r harvest.Reading) {
	for i, item := range request.Items {
		if i > 0 {
			r.Unfinished = append(r.Unfinished, item)
			continue
		}
		r.Pages = append(r.Pages, harvest.Page{Key: item.Key, URL: item.URL, Outcome: harvest.Landed, Body: a.Body, Records: []harvest.Record{{Data: []byte(`{"n":1}`)}}})
	}
	return r
}

func (u upstream) Detail(a *harvest.Answer) string { return string(a.Body) }

func entries(urls ...string) iter.Seq2[harvest.Entry, error] {
	return func(yield func(harvest.Entry, error) bool) {
		for i, url := range urls {
			entry := harvest.Entry{Item: harvest.Item{Key: harvest.KeyOf(url), URL: url}}
			if url == "not a URL" {
				entry = harvest.Entry{Rejected: &harvest.Rejection{Line: int64(i + 1), Reason: "no_url", Text: url}}
			}
			if !yield(entry, nil) {
				return
			}
		}
	}
}

// listing is one whose next step follows from the answer's body.
type listing struct{}

func (listing) Next(_ *harvest.Request, answer *harvest.Answer) (next, more string, read harvest.Reading) {
	return strings.Trim(string(answer.Body), "{}"), "", read
}

// What a person sees of an item, and the store not at all.
func TestTryout(t *testing.T) {
	t.Parallel()
	ok := func(int, string) (*harvest.Answer, error) { return exchangetest.Status(200), nil }
	always := func(code int, header ...string) func(int, string) (*harvest.Answer, error) {
		return func(int, string) (*harvest.Answer, error) {
			answer := exchangetest.Status(code)
			for i := 0; i < len(header); i += 2 {
				answer.Header.Set(header[i], header[i+1])
			}
			return answer, nil
		}
	}
	for _, c := range []struct {
		name   string
		urls   []string
		items  int
		pack   int
		answer func(n int, url string) (*harvest.Answer, error)
		set    func(*Tryout, *exchangetest.World)
		says   []string
		sent   int
		err    error
	}{
		{name: "items that land", urls: []string{"http://a.test/1", "http://a.test/2", "http://a.test/3"}, items: 2, pack: 1, answer: ok,
			says: []string{"1/2 GET http://a.test/1", "2/2 GET http://a.test/2", "sent      User-Agent: x", "outcome   landed", `records   1`, `{"n":1}`, "tried 2; nothing was stored. The same command without --try harvests."}, sent: 2},
		{name: "a pack", urls: []string{"http://a.test/1", "http://a.test/2"}, items: 9, pack: 2, answer: ok,
			says: []string{"1-2/9", "2 in one request", "a harvest would ask for it again"}, sent: 1},
		{name: "a pack of an API that may cut its answer", urls: []string{"http://a.test/1", "http://a.test/2"}, items: 9, pack: 2, answer: ok,
			set: func(t *Tryout, _ *exchangetest.World) { t.Continues = true }, says: []string{"1/9 GET http://a.test/1", "2/9 GET http://a.test/2"}, sent: 2},
		{name: "a line that is no item", urls: []string{"not a URL", "http://a.test/1"}, items: 1, pack: 1, answer: ok, says: []string{"line 1 would be rejected (no_url)"}, sent: 1},
		{name: "an item without a request", urls: []string{"http://a.test/impossible"}, items: 1, pack: 1, answer: ok, says: []string{"skipped: no such request"}},
		{name: "a failure is shown once", urls: []string{"http://a.test/1"}, items: 1, pack: 1, answer: always(503), says: []string{"answer    503", "a harvest would try again (http_503)"}, sent: 1},
		{name: "a missing item", urls: []string{"http://a.test/1"}, items: 1, pack: 1, answer: always(404), says: []string{"outcome   missing (http_404)", "None of them would land"}, sent: 1},
		{name: "a silence", urls: []string{"http://a.test/1"}, items: 1, pack: 1, answer: always(429, "Retry-After", "7"),
			says: []string{"limits    wait 7s", "silence   7s for the whole fleet"}, sent: 1},
		{name: "more silence than patience", urls: []string{"http://a.test/1", "http://a.test/2"}, items: 2, pack: 1, answer: ok,
			set: func(_ *Tryout, w *exchangetest.World) {
				w.Limit, w.Silent = harvest.LimitBackoff, time.Now().Add(time.Hour)
			}, err: exchange.ErrPatience},
		{name: "a credential that is renewed", urls: []string{"http://a.test/1"}, items: 1, pack: 1, answer: always(401),
			says: []string{"the credential is renewed once", "outcome   skipped (http_401)"}, sent: 2},
		{name: "a permit that is too late", urls: []string{"http://a.test/1"}, items: 1, pack: 1, answer: ok,
			set: func(_ *Tryout, w *exchangetest.World) { w.Late = 1 }, says: []string{"outcome   landed"}, sent: 1},
		{name: "no connection", urls: []string{"http://a.test/1"}, items: 1, pack: 1, answer: ok,
			set: func(_ *Tryout, w *exchangetest.World) { w.Unreachable = time.Now().Add(time.Hour) }, err: exchange.ErrPatience},
		{name: "where a listing continues", urls: []string{"http://a.test/list"}, items: 1, pack: 1,
			answer: func(int, string) (*harvest.Answer, error) {
				answer := exchangetest.Status(200)
				answer.Body = []byte("{page 2}")
				return answer, nil
			}, set: func(t *Tryout, _ *exchangetest.World) { t.Listing = listing{} }, says: []string{"next      page 2"}, sent: 1},
		{name: "where a listing ends", urls: []string{"http://a.test/list"}, items: 1, pack: 1, answer: ok,
			set: func(t *Tryout, _ *exchangetest.World) { t.Listing = listing{} }, says: []string{"the listing ends here"}, sent: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := exchangetest.New()
				w.Answer = c.answer
				var out bytes.Buffer
				try := &Tryout{
					Out: &out, Client: &exchange.Client{Pace: w.Pace(), Fetch: w.Fetch(), Policy: retry.Policy{Retries: 3}}, Upstream: upstream{c.pack},
					Mask: func(s string) string { return s }, Items: c.items, Pack: c.pack, Records: true, Sent: "User-Agent: x",
				}
				if c.set != nil {
					c.set(try, w)
				}
				if err := try.Run(t.Context(), entries(c.urls...)); !errors.Is(err, c.err) {
					t.Errorf("Run() = %v, want %v", err, c.err)
				}
				for _, text := range c.says {
					if !strings.Contains(out.String(), text) {
						t.Errorf("Run() shows\n%s\nwant %q in it", out.String(), text)
					}
				}
				if w.Sent() != c.sent || w.Bodies != 0 {
					t.Errorf("%d requests, %d answers kept, want %d and none", w.Sent(), w.Bodies, c.sent)
				}
			})
		})
	}
}

// A refused certificate or address is for a person; a failed connection may come back.
// TestTryoutIsStopped checks that a look that is stopped ends with the reason.
func TestTryoutIsStopped(t *testing.T) {
	t.Parallel()
	why := errors.New("stopped")
	ctx, end := context.WithCancelCause(t.Context())
	w := exchangetest.New()
	try := &Tryout{Out: io.Discard, Client: &exchange.Client{Pace: w.Pace(), Fetch: w.Fetch()}, Upstream: upstream{1}, Items: 1, Pack: 1}
	err := try.Run(ctx, func(yield func(harvest.Entry, error) bool) {
		end(why)
		yield(harvest.Entry{}, ctx.Err())
	})
	if !errors.Is(err, why) {
		t.Errorf("Run() = %v, want %v", err, why)
	}
}

func TestHopeless(t *testing.T) {
	t.Parallel()
	personal := []harvest.Fault{harvest.FaultTLS, harvest.FaultCredential, harvest.FaultBlocked}
	for _, fault := range []harvest.Fault{harvest.FaultTLS, harvest.FaultCredential, harvest.FaultBlocked, harvest.FaultConnect, harvest.FaultTimeout} {
		want := exchange.ErrPatience
		if slices.Contains(personal, fault) {
			want = exchange.ErrRefused
		}
		if err := hopeless(&harvest.Failure{Fault: fault, Err: errors.New("no")}); !errors.Is(err, want) {
			t.Errorf("hopeless(%s) = %v, want %v", fault, err, want)
		}
	}
}
