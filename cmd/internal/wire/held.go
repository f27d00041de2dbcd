package wire

import (
	"context"
	"slices"

	"shoal/internal/coordinator"
	"shoal/internal/exchange"
	"shoal/internal/harvest"
	"shoal/internal/retry"
)

// Release implements coordinator.Releaser. What was held back is how its steps ended, as it is for items: where something
// of the run has landed, or where a listing of another shard is served. Of a listing that has come to nothing but refusals a
// person shall know first.
func (w *pageWalker) Release(ctx context.Context) bool {
	landed := w.landed
	if totals, err := w.h.totals(ctx); err == nil {
		landed = landed || totals.Landed > 0
	}
	if w.parkedFree() {
		return true
	}
	stop := w.canary.Unproven()
	if w.canary.Held() == 0 || !landed && stop != "" && (stop != retry.StopCanary || !w.vouched(ctx)) {
		return w.doubt.Release(ctx)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.release(w.canary.Vouch())
	return true
}

// parkedFree reports whether a step was released when its chain had just been parked.
func (w *pageWalker) parkedFree() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.steps {
		if s.parked && !s.held {
			return true
		}
	}
	return false
}

// vouched reports whether a listing of another shard is served.
func (w *pageWalker) vouched(ctx context.Context) bool {
	others := slices.DeleteFunc(slices.Clone(w.h.seeds), func(seed string) bool { return w.h.set.Shard.Owns(harvest.KeyOf(seed)) })
	return exchange.Vouched(ctx, w.caller, others, func(c *exchange.Caller, seed string) (lands bool) {
		request, err := w.h.kind.api.ListRequest(seed, "")
		if err != nil {
			return false
		}
		_, err = c.Call(ctx, request, func(answer *harvest.Answer) harvest.Reading {
			listed, _, read := w.h.kind.api.ReadList(request, seed, 1, answer, nil)
			lands = listed.Page.Outcome == harvest.Landed
			return maskCause(w.h.client, read)
		})
		return lands && err == nil
	})
}

// parked is the error of a step that is held back: it is the walk's, if no chain can go on.
type parked struct{ *exchange.Refused }

// Is implements errors.Is.
func (parked) Is(target error) bool { return target == coordinator.ErrParked }

// refusal says what the upstream answered.
func (w *pageWalker) refusal() *exchange.Refused {
	text := "it gives no page of the listing, and nothing was recorded; is the path right, a parameter, --extract, the credential? (look with --try 1; --no-canary continues all the same)"
	if w.canary.Foreign() {
		text = "it answers the listing with something that is not an API's answer, and nothing was recorded; is the address right? (look with --try 1)"
	}
	for _, example := range w.canary.Examples() {
		text += "\n  " + example
	}
	return &exchange.Refused{Text: text}
}
