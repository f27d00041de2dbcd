package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"shoal/internal/exchange"
	"shoal/internal/harvest"
	"shoal/internal/retry"
)

// anything accepts each 2xx answer: what is in it is for --try.
type anything struct{}

// Read implements [exchange.Reader].
func (anything) Read(*harvest.Request, *harvest.Answer) harvest.Reading { return harvest.Reading{} }

// ask makes one request within the budget. If none could be made, the finding is why.
func (a *asker) ask(ctx context.Context, request *harvest.Request) (*exchange.Exchange, Finding) {
	if a.client == nil {
		client, err := a.Open(ctx)
		if err != nil {
			return nil, wrong(err)
		}
		a.client = client
	}
	for {
		ready, f, ok := a.ready(ctx, request)
		if !ok {
			return nil, f
		}
		x := ready.Send(ctx, anything{}, exchange.Once{})
		switch {
		case x.Made:
			a.note(&x)
			return &x, Finding{}
		case ctx.Err() != nil:
			return nil, unknown("no answer within %s", brief(maxTimeout))
		}
	}
}

// ready waits for a permit. A silence that lasts longer is not waited for.
func (a *asker) ready(ctx context.Context, request *harvest.Request) (exchange.Ready, Finding, bool) {
	ctx, cancel := context.WithTimeout(ctx, permitLimit)
	defer cancel()
	for {
		if s := a.client.Pace.State(); time.Until(s.Until) > permitLimit {
			return exchange.Ready{}, unknown("%s", waiting(s)), false
		}
		ready, err := a.client.Ready(ctx, request, false)
		unreached, away := errors.AsType[*exchange.Unreached](err)
		switch {
		case err == nil:
			return ready, Finding{}, true
		case away:
			return ready, a.unreached(unreached.Err), false
		case errors.Is(err, harvest.ErrLate):
			continue
		case ctx.Err() != nil:
			return ready, unknown("no permit within %s: %s", brief(permitLimit), waiting(a.client.Pace.State())), false
		}
		return ready, wrong(err), false
	}
}

// waiting is what a pace waits for, in words.
func waiting(s exchange.PaceState) string {
	what, _ := s.Limit.Meaning()
	if s.Until.IsZero() {
		return what
	}
	return fmt.Sprintf("%s (until %s)", what, s.Until.Local().Format(time.DateTime))
}

// note remembers the date of an answer. One from a cache is as old as it is.
func (a *asker) note(x *exchange.Exchange) {
	if x.Answer == nil {
		return
	}
	date, err := http.ParseTime(x.Answer.Header.Get("Date"))
	if err != nil {
		return
	}
	if age, err := time.ParseDuration(x.Answer.Header.Get("Age") + "s"); err == nil {
		date = date.Add(age)
	}
	a.date, a.ahead = date, date.Add(time.Second/2).Sub(x.At) // a date has whole seconds
}

// item asks for the first item.
func (a *asker) item(ctx context.Context) Finding {
	switch {
	case a.Request == nil:
		return unknown("%s", a.Unknown)
	case a.Request.Method != http.MethodGet && a.Request.Method != http.MethodHead:
		return unknown("the first item is a %s, which is not sent to look: worker --try 1 does that", a.Request.Method)
	}
	x, f := a.ask(ctx, a.Request)
	if x == nil {
		return f
	}
	defer x.Answer.Release()
	a.last = x
	return a.judge(x)
}

// judge names what an answer means for a worker.
func (a *asker) judge(x *exchange.Exchange) Finding {
	d, where := x.Decision, short(a.Mask(a.Request.URL))
	if a.silent = x.Answer == nil; a.silent {
		f := wrong(exchange.ErrPatience)
		if failure := asFailure(x.Reading.Cause); failure != nil && personal(failure.Fault) {
			f.Err = exchange.ErrRefused
		}
		f.Found, f.Change = harvest.Linef("%s: %s", where, a.Mask(fmt.Sprint(x.Reading.Cause))), "see docs/failures.md"
		return f
	}
	status := fmt.Sprintf("%d from %s", x.Answer.Status, where)
	switch s := x.Answer.Status; {
	case x.Reading.Fault != harvest.FaultNone:
		return wrongly(exchange.ErrRefused, "name the address to which it leads in --api, --url or the corpus", "%s: %s", status, a.Mask(fmt.Sprint(x.Reading.Cause)))
	case x.Redirected() != nil:
		return fine("%s, a redirect to %s", status, a.Mask(x.Redirected().URL))
	case d.Verb == retry.Accept:
		return fine("%s: %s of %s after %s", status, humanize.IBytes(uint64(len(x.Answer.Body))), cmp.Or(x.Answer.Header.Get("Content-Type"), "no content type"), brief(x.Answer.Took))
	case d.Pause > 0:
		if err := exchange.Bounded(d, x.At, a.MaxSilence, a.Patience); err != nil {
			return wrongly(err, "start the run when it is over, or give a longer --patience or --max-silence",
				"%s: it asks for a silence of %s (%s), for which a worker does not wait", status, brief(d.Pause), d.Source)
		}
		return warn("wait until then; if it comes again, give a lower --rate", "%s: it asks for a silence of %s (%s), which the fleet keeps", status, brief(d.Pause), d.Source)
	case s == http.StatusUnauthorized:
		return wrongly(exchange.ErrRefused, "give a credential that it accepts: auth: in shoal.yaml, see docs/partner-api.md", "%s: it does not accept the credential, or needs one", status)
	case s == http.StatusForbidden:
		return wrongly(exchange.ErrRefused, "ask its operators; some refuse a User-Agent, an address or a missing credential so", "%s: it refuses us", status)
	case s == http.StatusNotFound || s == http.StatusGone:
		return warn("check --api, --url and the first line of the corpus", "%s: the first item is not there", status)
	case s >= http.StatusInternalServerError:
		return wrongly(exchange.ErrPatience, "wait, or ask its operators; a worker tries again until --patience ends", "%s: it is not in order now", status)
	}
	return wrongly(exchange.ErrRefused, "check --api, --url and the first line of the corpus", "%s: it does not take such a request", status)
}

// short cuts an address to what fits on one line.
func short(address string) string {
	const most = 80
	if address = harvest.Line(address); len(address) > most {
		return strings.ToValidUTF8(address[:most], "") + "…"
	}
	return address
}

// personal reports whether a fault stays until a person has acted.
func personal(fault harvest.Fault) bool {
	return slices.Contains([]harvest.Fault{harvest.FaultTLS, harvest.FaultAsked, harvest.FaultBlocked, harvest.FaultCredential}, fault)
}

func asFailure(err error) *harvest.Failure {
	failure, _ := errors.AsType[*harvest.Failure](err)
	return failure
}

// limits compares what the headers of the answer announce with the budget.
func (a *asker) limits() Finding {
	if a.last == nil || a.last.Answer == nil {
		return unknown("no answer has come whose headers could announce any")
	}
	h, names := a.last.Decision.Hint, retry.LimitHeaders(a.last.Answer.Header)
	announced := float64(h.Limit) / h.Window.Seconds()
	switch {
	case len(names) == 0:
		return fine("no header announces any; the budget is %g/s", a.Rate)
	case len(h.Malformed) > 0:
		return warn("set reset-unit in a profile of your own if it is about a unit, and keep --rate below what its documentation allows",
			"from %s: %s", strings.Join(names, ", "), h.Words())
	case h.Limit > 0 && h.Window > 0 && a.Rate > 1.02*announced:
		return warn("give --rate "+rateOf(h.Limit, h.Window), "from %s: %s; the budget of %g/s is above that", strings.Join(names, ", "), h.Words(), a.Rate)
	}
	return fine("from %s: %s", strings.Join(names, ", "), cmp.Or(h.Words(), "nothing to keep to"))
}

// rateOf writes a limit as --rate takes it.
func rateOf(n int64, window time.Duration) string {
	if window == time.Minute {
		return fmt.Sprintf("%d/min", n)
	}
	if window == time.Hour {
		return fmt.Sprintf("%d/h", n)
	}
	return fmt.Sprintf("%.3g/s", float64(n)/window.Seconds())
}

// robots asks for robots.txt, which a worker does not read.
func (a *asker) robots(ctx context.Context) Finding {
	if a.silent {
		return unknown("no answer has come to the request before")
	}
	x, f := a.ask(ctx, &harvest.Request{Method: http.MethodGet, URL: a.Origin + "/robots.txt"})
	if x == nil {
		return f
	}
	defer x.Answer.Release()
	if x.Answer == nil {
		return unknown("no answer: %s", a.Mask(fmt.Sprint(x.Reading.Cause)))
	}
	switch s := x.Answer.Status; {
	case s >= 300 && s < 400 || s == http.StatusTooManyRequests || s >= 500:
		return unknown("the answer is %d", s)
	case s != http.StatusOK:
		return fine("there is none (%d)", s)
	}
	return a.obey(string(x.Answer.Body))
}

// obey compares a robots.txt with what is asked for.
func (a *asker) obey(text string) Finding {
	agent := productOf(a.Agent)
	r := parseRobots(text, strings.ToLower(agent))
	path, whom := "/", "all"
	if a.Request != nil {
		if u, err := url.Parse(a.Request.URL); err == nil {
			path = cmp.Or(u.RequestURI(), "/")
		}
	}
	if r.named {
		whom = agent
	}
	allowed, by := r.allows(path)
	shown := harvest.Quote(short(a.Mask(path)))
	switch {
	case !allowed:
		return warn("ask its operators whether they allow the harvest, or use the address that they give to programs: a worker does not read robots.txt",
			"it asks %s to leave %s out (Disallow: %s)", whom, shown, harvest.Quote(by))
	case r.delay > 0 && a.Rate*r.delay.Seconds() > 1:
		return warn(fmt.Sprintf("give --rate %.3g/s, unless its operators grant you more", 1/r.delay.Seconds()), "it allows %s, and asks %s for %s between two requests (Crawl-delay)", shown, whom, r.delay)
	}
	return fine("it allows %s", shown)
}
