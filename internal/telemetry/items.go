package telemetry

import (
	"context"
	"crypto/sha256"
	"errors"
	"math/rand/v2"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"shoal/internal/harvest"
)

// maxOpen is how many items are followed at once; further ones are not.
const maxOpen = 10_000

// items are the sampled items that have not landed yet.
type items struct {
	tracer trace.Tracer
	run    atomic.Pointer[run]

	mu   sync.Mutex
	open map[harvest.Key]*followed
}

// run is the run that the items are of.
type run struct {
	name string
	salt [sha256.Size]byte // makes the traces of an item differ from run to run
}

// followed is one sampled item: its root span.
type followed struct {
	ctx  context.Context
	span trace.Span
}

func (i *items) init(tracer trace.Tracer) {
	i.tracer, i.open = tracer, map[harvest.Key]*followed{}
	i.run.Store(&run{})
}

func tracerVersion(version string) trace.TracerOption {
	return trace.WithInstrumentationVersion(version)
}

// Run names the run that the items are of.
func (e *Exporter) Run(name string) { e.items.run.Store(&run{name, sha256.Sum256([]byte(name))}) }

// Attempted adds the spans of an attempt to the traces of its items, those that are sampled.
func (e *Exporter) Attempted(a harvest.Attempt) {
	for n := range a.Request.Items {
		if f := e.items.follow(&a.Request.Items[n], a.Began); f != nil {
			e.items.attempt(f, a)
		}
	}
}

// Landed ends the traces of committed pages.
func (e *Exporter) Landed(pages []harvest.Page, began, ended time.Time) {
	for n := range pages {
		p := &pages[n]
		f := e.items.take(p.Key)
		if f == nil {
			continue
		}
		_, land := e.items.tracer.Start(f.ctx, harvest.StageLand, trace.WithTimestamp(began), trace.WithAttributes(attribute.Int("shoal.batch.pages", len(pages))))
		land.End(trace.WithTimestamp(ended))
		f.span.SetAttributes(attribute.String("shoal.outcome", string(p.Outcome)), attribute.Int("shoal.attempts", p.Attempts), attribute.Int("shoal.records", len(p.Records)))
		if p.Outcome != harvest.Landed {
			f.span.SetAttributes(attribute.String("shoal.reason", p.Reason))
		}
		if p.Outcome == harvest.Dead {
			f.span.SetStatus(codes.Error, p.Reason)
		}
		f.span.End(trace.WithTimestamp(ended))
	}
}

// follow returns the trace of an item, which it begins at the first attempt; nil if the item is not
// sampled.
func (i *items) follow(item *harvest.Item, began time.Time) *followed {
	i.mu.Lock()
	defer i.mu.Unlock()
	if f := i.open[item.Key]; f != nil {
		return f
	}
	if len(i.open) >= maxOpen {
		return nil
	}
	r := i.run.Load()
	ctx := context.WithValue(context.Background(), traceOf{}, r.trace(item.Key))
	ctx, span := i.tracer.Start(ctx, "item", trace.WithNewRoot(), trace.WithTimestamp(began))
	if !span.IsRecording() {
		return nil
	}
	span.SetAttributes(attribute.String("shoal.run", r.name), attribute.String("shoal.item.key", item.Key.String()), attribute.String("url.full", masked(item.URL)))
	if item.ID != "" && item.ID != item.URL {
		span.SetAttributes(attribute.String("shoal.item.id", item.ID))
	}
	f := &followed{ctx, span}
	i.open[item.Key] = f
	return f
}

// attempt adds the spans of one attempt: the wait for a connection, that for the permit, the
// exchange, and what was made of the answer.
func (i *items) attempt(f *followed, a harvest.Attempt) {
	stage := func(name string, from, to time.Time, options ...trace.SpanStartOption) trace.Span {
		if from.IsZero() || to.Before(from) {
			return nil
		}
		_, span := i.tracer.Start(f.ctx, name, append(options, trace.WithTimestamp(from))...)
		return span
	}
	end := func(span trace.Span, at time.Time) {
		if span != nil {
			span.End(trace.WithTimestamp(at))
		}
	}
	end(stage(harvest.StageConnect, a.Began, a.Connected), a.Connected)
	end(stage(harvest.StagePermit, a.Connected, a.Permitted), a.Permitted)
	if fetch := stage(harvest.StageFetch, a.Permitted, a.Answered, trace.WithSpanKind(trace.SpanKindClient)); fetch != nil {
		fetch.SetAttributes(attribute.String("http.request.method", a.Request.Method), attribute.String("server.address", harvest.HostOf(a.Request.URL)),
			attribute.String("url.full", masked(a.Request.URL)), attribute.Int("shoal.request.items", len(a.Request.Items)))
		if a.Status > 0 {
			fetch.SetAttributes(attribute.Int("http.response.status_code", a.Status))
		}
		if a.Reason != "" {
			fetch.SetAttributes(attribute.String("error.type", a.Reason))
			fetch.SetStatus(codes.Error, a.Reason)
		}
		end(fetch, a.Answered)
	}
	end(stage(harvest.StageDecode, a.Answered, a.Decoded), a.Decoded)
}

// take returns the trace of an item that has landed.
func (i *items) take(key harvest.Key) *followed {
	i.mu.Lock()
	defer i.mu.Unlock()
	f := i.open[key]
	delete(i.open, key)
	return f
}

// leave ends the traces of items that another start fetches again.
func (i *items) leave() {
	i.mu.Lock()
	defer i.mu.Unlock()
	for key, f := range i.open {
		f.span.SetAttributes(attribute.String("shoal.outcome", "left"))
		f.span.End()
		delete(i.open, key)
	}
}

// traceOf is the key of a context's trace ID.
type traceOf struct{}

// trace returns the trace ID of an item. It is the same in whichever process, so that each process
// samples the same items, and a second try after a crash joins the trace of the first.
func (r *run) trace(key harvest.Key) trace.TraceID {
	id := trace.TraceID(key)
	for n := range id {
		id[n] ^= r.salt[n]
	}
	return id
}

// ids takes the trace IDs from the context, and makes the others at random.
type ids struct{}

// NewIDs implements the SDK's IDGenerator.
func (g ids) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	id, ok := ctx.Value(traceOf{}).(trace.TraceID)
	for !ok || !id.IsValid() {
		for n := range id {
			id[n] = byte(rand.Uint32())
		}
		ok = true
	}
	return id, g.NewSpanID(ctx, id)
}

// NewSpanID implements the SDK's IDGenerator.
func (ids) NewSpanID(context.Context, trace.TraceID) (id trace.SpanID) {
	for !id.IsValid() {
		for n := range id {
			id[n] = byte(rand.Uint32())
		}
	}
	return id
}

// secretName finds parameters that may carry a credential.
var secretName = regexp.MustCompile(`(?i)token|secret|passw|pwd|key|credential|sig|auth|session`)

// masked returns an address without its user and without values that may be credentials.
func masked(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "[unreadable]"
	}
	u.User = nil
	pairs := strings.Split(u.RawQuery, "&")
	for n, pair := range pairs {
		if name, _, ok := strings.Cut(pair, "="); ok && secretName.MatchString(name) {
			pairs[n] = name + "=[secret]"
		}
	}
	u.RawQuery = strings.Join(pairs, "&")
	return u.String()
}

// bare is an error without the address that an HTTP client puts into it.
func bare(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}
