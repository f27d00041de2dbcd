package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"shoal/internal/config"
	"shoal/internal/coordinator"
	"shoal/internal/harvest"
	"shoal/internal/pace"
	"shoal/internal/retry"
	"shoal/internal/worker"
)

// Try fetches the first items of the corpus within the budget, stores nothing,
// and shows what was sent, what came and what would become of it.
func Try(ctx context.Context, env Env, set config.Worker) error {
	h := newHarvester(env, set)
	defer h.close()
	if set.Corpus == "" {
		return config.Usagef("--try needs something to try: add --corpus FILE")
	}
	life, end := h.untilStopped(ctx, 0)
	defer end()
	if err := h.openCorpus(life); err != nil {
		return err
	}
	h.run = harvest.Run{Name: "try", Titles: harvest.TitlesWritten, Inputs: harvest.Inputs{Host: h.source.Host()}}
	h.run.Corpus, h.run.Extract = h.set.Corpus, h.set.Extract
	for _, build := range []func(context.Context) error{h.openRedis, h.openUpstream, h.introduceOurselves} {
		if err := build(life); err != nil {
			return err
		}
	}
	h.run.OpenedAt = time.Now()
	if err := h.findSeeds(life); err != nil {
		return err
	}
	if h.listsPages() {
		h.source = &firstSteps{h: h}
	} else if e, ok := h.source.(*enumerated); ok {
		e.ctx, e.table = life, &coordinator.Table{Seeds: h.seeds, Chains: &coordinator.Memory{}, Lister: &firstLists{Lister: h.listing()}, Abreast: 1}
	}
	t := tryout{h: h, upstream: reading{h.kind, h.client}}
	if err := t.all(life); err != nil {
		if cause := context.Cause(life); cause != nil {
			return cause
		}
		return err
	}
	return nil
}

// firstLists lists until items come, and not for long.
type firstLists struct {
	coordinator.Lister
	asked int
}

// mostLists is how many answers of a listing are looked at for a first item.
const mostLists = 3

// List implements coordinator.Lister.
func (f *firstLists) List(ctx context.Context, at harvest.Chain) ([]harvest.Entry, string, error) {
	if f.asked++; f.asked > mostLists {
		return nil, "", fmt.Errorf("%w: its first %d answers name none", coordinator.ErrEmpty, mostLists)
	}
	return f.Lister.List(ctx, at)
}

type tryout struct {
	h        *Harvester
	upstream worker.Upstream
	renewed  bool
}

// all tries the first items, in the requests in which a harvest would ask for them.
func (t *tryout) all(ctx context.Context) error {
	var pack []harvest.Item
	n := 0
	for entry, err := range t.h.source.Entries() {
		if err != nil {
			return err
		}
		if entry.Rejected != nil {
			t.say("line %d would be rejected (%s): %s\n\n", entry.Rejected.Line, entry.Rejected.Reason, entry.Rejected.Text)
			continue
		}
		if len(pack) > 0 && !t.upstream.Fits(pack, entry.Item) {
			if err := t.some(ctx, n, pack); err != nil {
				return err
			}
			pack = nil
		}
		n++
		if pack = append(pack, entry.Item); len(pack) == t.most() {
			if err := t.some(ctx, n, pack); err != nil {
				return err
			}
			pack = nil
		}
		if n == t.h.set.Try {
			break
		}
	}
	if len(pack) > 0 {
		if err := t.some(ctx, n, pack); err != nil {
			return err
		}
	}
	t.say("tried %d; nothing was stored. The same command without --try harvests.\n", n)
	return nil
}

func (t *tryout) say(format string, args ...any) {
	_, _ = io.WriteString(t.h.Out, harvest.Linef(format, args...))
}

// most is how many items a request holds. Those of a wiki are shown one by one: what it cuts is continued in a harvest.
func (t *tryout) most() int {
	if t.h.kind.api == nil {
		return 1
	}
	return t.h.kind.most
}

// some makes one request for items, of which the last is number n.
func (t *tryout) some(ctx context.Context, n int, items []harvest.Item) error {
	which := fmt.Sprintf("%d/%d", n, t.h.set.Try)
	if len(items) > 1 {
		which = fmt.Sprintf("%d-%s", n-len(items)+1, which)
	}
	request, err := t.upstream.Request(items)
	if err != nil {
		t.say("%s %s %s\n  outcome   skipped: %v\n\n", which, items[0].Verb(), items[0].URL, err)
		return nil
	}
	if len(items) > 1 {
		t.say("%s %s %s\n  items     %d in one request\n  sent      %s\n", which, request.Method, short(request.URL), len(items), t.sent())
	} else {
		t.say("%s %s %s\n  key       %s\n  sent      %s\n", which, request.Method, request.URL, items[0].Key, t.sent())
	}
	for {
		next, err := t.exchange(ctx, request)
		if err != nil || next == nil {
			t.say("\n")
			return err
		}
		request = next
	}
}

// sent names the headers that go out, without any secret.
func (t *tryout) sent() string {
	parts := []string{"User-Agent: " + t.h.set.Agent()}
	for _, header := range t.h.set.Headers {
		parts = append(parts, header.Name+": "+harvest.Quote(header.Value))
	}
	if auth := t.h.set.Auth; auth.Kind != "" {
		from := auth.SecretEnv + auth.SecretFile + auth.ClientSecretEnv + auth.ClientSecretFile
		parts = append(parts, fmt.Sprintf("credential: %s %s(secret from %s, not shown)", auth.Kind, spaced(auth.Name+auth.ClientID), from))
	}
	return strings.Join(parts, "; ")
}

func spaced(s string) string {
	if s == "" {
		return ""
	}
	return s + " "
}

// exchange makes one request and shows what it means. It returns the next hop of
// a redirect, or the same request once more after the credential was renewed.
func (t *tryout) exchange(ctx context.Context, request *harvest.Request) (*harvest.Request, error) {
	slot, err := t.h.client.Reserve(ctx, request.URL)
	if err != nil {
		return nil, unreached(err)
	}
	permit, err := t.wait(ctx)
	if err != nil {
		slot.Release()
		return nil, err
	}
	answer, err := slot.Send(ctx, request, permitted{t.h.pacer, permit}.Usable)
	if errors.Is(err, harvest.ErrLate) {
		t.h.pacer.Unused(permit)
		return request, nil
	}
	t.h.pacer.Done(ctx, permit, err == nil)
	defer answer.Release()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	facts := retry.Facts{Items: len(request.Items), Tries: 1, Renewed: t.renewed, Now: time.Now()}
	if err != nil {
		t.say("  answer    none: %v\n", err)
	} else {
		facts.Status, facts.Header = answer.Status, answer.Header
		t.say("  answer    %d in %s, %s, %s\n", answer.Status, answer.Took.Round(time.Millisecond),
			or(answer.Header.Get("Content-Type"), "no content type"), humanize.IBytes(uint64(len(answer.Body))))
	}
	reading := worker.Decode(t.upstream, t.h.fetching(), request, answer, err)
	if reading.Next != nil {
		t.say("  redirect  to %s, with a permit of its own\n", reading.Next.URL)
		return reading.Next, nil
	}
	facts.Fault, facts.Reason, facts.Wait = reading.Fault, reading.Reason, reading.Wait
	if reading.Cause != nil && answer != nil {
		t.say("  refusal   %s\n", short(t.h.client.Mask(reading.Cause.Error())))
	}
	decision := retry.Decide(facts, retryPolicy(t.h.set))
	if decision.Renew {
		t.renewed = true
		t.say("  answer    401: the credential is renewed once and the request repeated\n")
		_, err := t.h.fetching().Renew(ctx)
		return request, err
	}
	t.explain(ctx, answer, decision, reading, permitted{t.h.pacer, permit})
	if decision.Verb == retry.Accept && t.h.listsPages() {
		t.goesOn(request, answer)
	}
	return nil, nil
}

// goesOn shows where a listing would go on.
func (t *tryout) goesOn(request *harvest.Request, answer *harvest.Answer) {
	seed := t.h.seeds[slices.IndexFunc(t.h.seeds, func(seed string) bool { return request.Items[0].Key == harvest.StepKey(seed, 1) })]
	listed, next, read := t.h.kind.api.ReadList(request, seed, 1, answer, nil)
	switch {
	case read.Fault != harvest.FaultNone:
		t.say("  next      not understood: %s (%v)\n", read.Reason, read.Cause)
	case next == "" && listed.More != "":
		t.say("  next      nothing: the listing ends here, although it has %s: is --next right?\n", short(listed.More))
	case next == "":
		t.say("  next      nothing: the listing ends here\n")
	default:
		t.say("  next      %s\n", short(next))
	}
}

// unreached is the error of a request for which there was no connection.
func unreached(err error) error {
	kind := worker.ErrPatience
	personal := []harvest.Fault{harvest.FaultTLS, harvest.FaultCredential, harvest.FaultBlocked}
	if failure := (*harvest.Failure)(nil); errors.As(err, &failure) && slices.Contains(personal, failure.Fault) {
		kind = worker.ErrRefused
	}
	return fmt.Errorf("%w: %w", kind, err)
}

// wait waits for a permit, unless the upstream wants more silence than somebody who tries has patience for.
func (t *tryout) wait(ctx context.Context) (pace.Permit, error) {
	const mostWait = time.Minute
	if until := t.h.pacer.State().Until; time.Until(until) > mostWait {
		return pace.Permit{}, fmt.Errorf("%w: the upstream asked for silence until %s", worker.ErrPatience, until.Format(time.DateTime))
	}
	return t.h.pacer.Wait(ctx)
}

// explain shows the limits as understood, the decision and what would be stored.
func (t *tryout) explain(ctx context.Context, answer *harvest.Answer, decision retry.Decision, reading harvest.Reading, permit worker.Permit) {
	t.say("  limits    %s\n", limits(decision.Hint))
	if decision.Pause > 0 {
		t.say("  silence   %s for the whole fleet, asked for by %s\n", decision.Pause, decision.Source)
		permit.Backoff(ctx, decision.Pause, decision.Cut)
	}
	switch decision.Verb {
	case retry.Accept:
		together := len(reading.Pages)+len(reading.Unfinished) > 1
		for i := range reading.Pages {
			t.page(&reading.Pages[i], together)
		}
		for _, item := range reading.Unfinished {
			t.say("  item      %s, key %s\n  outcome   none yet: the answer lacks it; a harvest would ask for it again, or call it missing with --absent missing\n", item.ID, item.Key)
		}
		return
	case retry.Skip:
		t.say("  outcome   %s (%s)\n", decision.Outcome, decision.Reason)
	case retry.Split:
		t.say("  outcome   none yet: a harvest would ask for each half of them (%s)\n", decision.Source)
	default:
		t.say("  outcome   none yet: a harvest would try again (%s)\n", decision.Source)
	}
	if answer != nil {
		t.say("  body      %s\n", short(t.upstream.Detail(answer)))
	}
}

// page shows what would be stored of an item, and which one it is where others were asked for together with it.
func (t *tryout) page(page *harvest.Page, together bool) {
	if together {
		t.say("  item      %s, key %s\n", page.ID, page.Key)
	}
	t.say("  outcome   %s%s\n", page.Outcome, map[bool]string{true: " (" + page.Reason + ")"}[page.Reason != ""])
	switch {
	case page.Body != nil:
		t.say("  body      %s\n", short(string(page.Body)))
	case page.Raw != nil:
		t.say("  body      %s of %s, kept as bytes\n", humanize.IBytes(uint64(len(page.Raw))), page.MediaType)
	}
	if page.Detail != "" {
		t.say("  detail    %s\n", short(page.Detail))
	}
	if t.h.set.Extract == "" {
		t.say("  records   none: there is no --extract\n")
		return
	}
	t.say("  records   %d\n", len(page.Records))
	for _, record := range page.Records[:min(3, len(page.Records))] {
		t.say("    %s\n", short(string(record.Data)))
	}
}

// limits says in words what the rate-limit headers say.
func limits(hint retry.Hint) string {
	var parts []string
	if hint.Wait > 0 {
		parts = append(parts, fmt.Sprintf("wait %s (%s)", hint.Wait, hint.Source))
	}
	if hint.Remaining >= 0 {
		parts = append(parts, fmt.Sprintf("%d requests left", hint.Remaining))
	}
	if hint.Limit >= 0 {
		parts = append(parts, fmt.Sprintf("of %d", hint.Limit))
	}
	if hint.Window > 0 {
		parts = append(parts, fmt.Sprintf("in %s", hint.Window))
	}
	if hint.Reset > 0 {
		parts = append(parts, fmt.Sprintf("full again in %s", hint.Reset))
	}
	if len(hint.Malformed) > 0 {
		parts = append(parts, "not understood: "+strings.Join(hint.Malformed, ", "))
	}
	if len(parts) == 0 {
		return "no rate-limit header"
	}
	return strings.Join(parts, ", ")
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// short is one line of at most 300 bytes of text from outside.
func short(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > 300 {
		s = strings.ToValidUTF8(s[:300], "") + "…"
	}
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '\ufffd'
		}
		return r
	}, s)
}
