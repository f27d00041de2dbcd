package tryout

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"strings"
	"time"

	"shoal/internal/exchange"
	"shoal/internal/harvest"
	"shoal/internal/retry"
)

// Upstream turns items into requests and answers into pages.
type Upstream interface {
	// Fits reports whether the item can go into one request with those of the pack.
	Fits(pack []harvest.Item, next harvest.Item) bool
	// Request returns the request for these items; an error means that they have none.
	Request(items []harvest.Item) (*harvest.Request, error)
	exchange.Reader
	// Detail returns the beginning of a failing answer as text without credentials.
	Detail(answer *harvest.Answer) string
}

// Listing finds where a listing continues.
type Listing interface {
	// Next returns what the answer to a first step holds: the cursor of the next one, empty at the
	// end; a sign in the answer that there is one all the same; and what is wrong with it.
	Next(request *harvest.Request, answer *harvest.Answer) (next, more string, read harvest.Reading)
}

// Tryout is one look at a corpus and its upstream.
type Tryout struct {
	Out      io.Writer
	Client   *exchange.Client
	Upstream Upstream
	Listing  Listing             // nil where the corpus is not a listing whose answers are the pages
	Mask     func(string) string // takes credentials out of a text

	Items     int    // how many to try
	Pack      int    // items of the largest request
	Continues bool   // an answer may be cut and continued, as a look does not do: items are shown one by one
	Records   bool   // pages have records
	Sent      string // the headers of each request, without secrets

	renewed bool
	landed  int // items that would land
	nulls   harvest.Nulls
}

// Run tries the first items, in the requests in which a harvest would ask for them. The error is
// one of the corpus, the cause of ctx's end, [exchange.ErrRefused] or [exchange.ErrPatience]; an
// item that would fail is shown and is not an error.
func (t *Tryout) Run(ctx context.Context, entries iter.Seq2[harvest.Entry, error]) error {
	err := t.run(ctx, entries)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return cause
	}
	return err
}

func (t *Tryout) run(ctx context.Context, entries iter.Seq2[harvest.Entry, error]) error {
	most := t.Pack
	if t.Continues {
		most = 1
	}
	var pack []harvest.Item
	n := 0
	flush := func() error {
		items := pack
		pack = nil
		if len(items) == 0 {
			return nil
		}
		return t.pack(ctx, n, items)
	}
	for entry, err := range entries {
		if err != nil {
			return err
		}
		if entry.Rejected != nil {
			t.say("line %d would be rejected (%s): %s\n\n", entry.Rejected.Line, entry.Rejected.Reason, entry.Rejected.Text)
			continue
		}
		if len(pack) > 0 && !t.Upstream.Fits(pack, entry.Item) {
			if err := flush(); err != nil {
				return err
			}
		}
		n++
		if pack = append(pack, entry.Item); len(pack) == most {
			if err := flush(); err != nil {
				return err
			}
		}
		if n == t.Items {
			break
		}
	}
	if err := flush(); err != nil {
		return err
	}
	advice := "The same command without --try harvests."
	if n > 0 && t.landed == 0 {
		advice = "None of them would land: look at the address and the credential before you harvest."
	}
	if names := t.nulls.Names(); len(names) > 0 {
		t.say("null in every record: %s; is --extract right?\n", strings.Join(names, ", "))
	}
	t.say("tried %d; nothing was stored. %s\n", n, advice)
	return nil
}

// pack makes one request for items, of which the last is number n.
func (t *Tryout) pack(ctx context.Context, n int, items []harvest.Item) error {
	which := fmt.Sprintf("%d/%d", n, t.Items)
	if len(items) > 1 {
		which = fmt.Sprintf("%d-%s", n-len(items)+1, which)
	}
	request, err := t.Upstream.Request(items)
	if err != nil {
		t.say("%s %s %s\n  outcome   skipped: %v\n\n", which, items[0].Verb(), items[0].URL, err)
		return nil
	}
	if len(items) > 1 {
		t.say("%s %s %s\n  items     %d in one request\n  sent      %s\n", which, request.Method, short(request.URL), len(items), t.Sent)
	} else {
		t.say("%s %s %s\n  key       %s\n  sent      %s\n", which, request.Method, request.URL, items[0].Key, t.Sent)
	}
	for {
		next, err := t.attempt(ctx, request)
		if err != nil || next == nil {
			t.say("\n")
			return err
		}
		request = next
	}
}

// attempt makes at most one exchange and shows what it means. It returns the request to make next:
// the next hop of a redirect, or the same one again after the credential was renewed or if its
// permit came too late.
func (t *Tryout) attempt(ctx context.Context, request *harvest.Request) (*harvest.Request, error) {
	if err := t.patience(); err != nil {
		return nil, err
	}
	ready, err := t.Client.Ready(ctx, request, false)
	unreached, away := errors.AsType[*exchange.Unreached](err)
	switch {
	case away:
		return nil, hopeless(unreached.Err)
	case errors.Is(err, harvest.ErrLate):
		return request, nil
	case err != nil:
		return nil, err
	}
	x := ready.Send(ctx, t.Upstream, exchange.Once{Items: len(request.Items), Renewed: t.renewed})
	defer x.Answer.Release()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if !x.Made {
		return request, nil
	}
	t.answer(&x)
	if next := x.Redirected(); next != nil {
		t.say("  redirect  to %s, with a permit of its own\n", next.URL)
		return next, nil
	}
	if x.Decision.Renew {
		t.renewed = true
		t.say("  answer    401: the credential is renewed once and the request repeated\n")
		_, err := t.Client.Fetch.Renew(ctx)
		return request, err
	}
	t.explain(&x)
	if x.Decision.Verb == retry.Accept && t.Listing != nil {
		t.next(request, x.Answer)
	}
	return nil, nil
}

// maxSilence is how long a person who tries waits for a silence of the upstream.
const maxSilence = time.Minute

// patience returns an error if the upstream asks for a longer silence than a person who tries waits
// for.
func (t *Tryout) patience() error {
	pace := t.Client.Pace.State()
	if pace.Limit == harvest.LimitBackoff && time.Until(pace.Until) > maxSilence {
		return fmt.Errorf("%w: the upstream asked for silence until %s", exchange.ErrPatience, pace.Until.Format(time.DateTime))
	}
	return nil
}

// hopeless returns the error of a request without a connection: it is not repeated.
func hopeless(err error) error {
	if refused := exchange.Hopeless(err, math.MaxInt); refused != nil {
		return refused
	}
	return fmt.Errorf("%w: %w", exchange.ErrPatience, err)
}
