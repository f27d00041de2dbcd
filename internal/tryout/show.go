package tryout

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"shoal/internal/exchange"
	"shoal/internal/harvest"
	"shoal/internal/retry"
)

func (t *Tryout) say(format string, args ...any) {
	_, _ = io.WriteString(t.Out, harvest.Linef(format, args...))
}

// answer shows what came back.
func (t *Tryout) answer(x *exchange.Exchange) {
	if x.Answer == nil {
		t.say("  answer    none: %s\n", t.Mask(fmt.Sprint(x.Reading.Cause)))
		return
	}
	t.say("  answer    %d in %s, %s, %s\n", x.Answer.Status, x.Answer.Took.Round(time.Millisecond),
		cmp.Or(x.Answer.Header.Get("Content-Type"), "no content type"), humanize.IBytes(uint64(len(x.Answer.Body))))
	if x.Reading.Cause != nil {
		t.say("  refusal   %s\n", short(t.Mask(x.Reading.Cause.Error())))
	}
}

// explain shows the limits as understood, the decision and what would be stored.
func (t *Tryout) explain(x *exchange.Exchange) {
	d := x.Decision
	t.say("  limits    %s\n", cmp.Or(d.Hint.Words(), "no rate-limit header"))
	if d.Pause > 0 {
		t.say("  silence   %s for the whole fleet, asked for by %s\n", d.Pause, d.Source)
	}
	switch d.Verb {
	case retry.Accept:
		together := len(x.Reading.Pages)+len(x.Reading.Unfinished) > 1
		for i := range x.Reading.Pages {
			t.page(&x.Reading.Pages[i], together)
		}
		for _, item := range x.Reading.Unfinished {
			t.say("  item      %s, key %s\n  outcome   none yet: the answer lacks it; a harvest would ask for it again, or call it missing with --absent missing\n", item.ID, item.Key)
		}
		return
	case retry.Skip:
		t.say("  outcome   %s (%s)\n", d.Outcome, d.Reason)
	case retry.Split:
		t.say("  outcome   none yet: a harvest would ask for each half of them (%s)\n", d.Source)
	default:
		t.say("  outcome   none yet: a harvest would try again (%s)\n", d.Source)
	}
	if x.Answer != nil {
		t.say("  body      %s\n", short(t.Upstream.Detail(x.Answer)))
	}
}

// page shows what would be stored of an item, and which one it is if others were requested together
// with it.
func (t *Tryout) page(page *harvest.Page, together bool) {
	if together {
		t.say("  item      %s, key %s\n", page.ID, page.Key)
	}
	if page.Outcome == harvest.Landed {
		t.landed++
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
	if !t.Records {
		t.say("  records   none: there is no --extract\n")
		return
	}
	t.say("  records   %d\n", len(page.Records))
	for _, record := range page.Records {
		if record.Kind == harvest.ExtractedKind { // those of a parser may lack a member by right
			t.nulls.Add(record.Data)
		}
	}
	for _, record := range page.Records[:min(3, len(page.Records))] {
		t.say("    %s\n", short(string(record.Data)))
	}
}

// next shows where a listing would continue.
func (t *Tryout) next(request *harvest.Request, answer *harvest.Answer) {
	next, more, read := t.Listing.Next(request, answer)
	switch {
	case read.Fault != harvest.FaultNone:
		t.say("  next      not understood: %s (%v)\n", read.Reason, read.Cause)
	case next == "" && more != "":
		t.say("  next      nothing: the listing ends here, although it has %s: is --next right?\n", short(more))
	case next == "":
		t.say("  next      nothing: the listing ends here\n")
	default:
		t.say("  next      %s\n", short(next))
	}
}

// short returns one line of at most 300 bytes of foreign text.
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
