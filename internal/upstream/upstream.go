// Package upstream is the form of a kind of API: the row with what Shoal has to know of it, and
// what an open one can do.
//
// In goes nothing; out come the types of the table of kinds, with the questions that the rest of
// the program asks of it. The kinds are packages below this one, [shoal/internal/upstream/all] is
// the table. It knows no kind by name, makes no request and reads no setting by itself.
package upstream

import (
	"context"

	"shoal/internal/harvest"
)

// Upstream turns items into requests and answers into pages. It is safe for concurrent use.
type Upstream interface {
	// Fits reports whether the item can go into one request with those of the pack. Every item fits
	// into an empty pack.
	Fits(pack []harvest.Item, next harvest.Item) bool
	// Request returns the request for these items; an error means that they have none.
	Request(items []harvest.Item) (*harvest.Request, error)
	// Read decodes a complete 2xx answer. Each item of the request is in the pages or among the
	// unfinished ones, or the reading has a fault.
	Read(request *harvest.Request, answer *harvest.Answer) harvest.Reading
	// Detail returns the beginning of a failing answer as text that may be stored.
	Detail(answer *harvest.Answer) string
}

// Lister walks a listing of the API, a step at a time.
type Lister interface {
	// ListRequest asks for a step of the chain that begins at seed: the first one, or the one at
	// next, which ReadList gave.
	ListRequest(seed, next string) (*harvest.Request, error)
	// ReadList reads a complete 2xx answer to a step, which counts from 1. then is where the
	// listing continues, empty at its end. item makes an item of a text that names one; it is nil
	// where the kind makes its items itself, or where the answers are the pages.
	ReadList(request *harvest.Request, seed string, step int64, answer *harvest.Answer, item func(text string) (harvest.Item, error)) (listed harvest.Listed, then string, read harvest.Reading)
}

// Session is who we are to the API.
type Session interface {
	// Login logs in with a credential of [Kind.Auth], again whenever the session has ended. The
	// error names what was refused.
	Login(ctx context.Context, ask Asker, user string, secret func() (string, error)) error
	// Introduce asks what the API grants us, and returns it in a sentence. It is called once, with
	// a credential of any kind.
	Introduce(ctx context.Context, ask Asker) (sentence string, err error)
}

// Asker makes single requests within the budget.
type Asker interface {
	// Call makes the request, again where the policy decides so, until read accepts an answer. The
	// error is that of a refusal, of patience or of ctx.
	Call(ctx context.Context, request *harvest.Request, read func(*harvest.Answer) harvest.Reading) error
	// Once is Call of a request whose refusal stands: it is not made again.
	Once(ctx context.Context, request *harvest.Request, read func(*harvest.Answer) harvest.Reading) error
}

// Open is an API of some kind, ready to be used.
type Open struct {
	Upstream

	MaxItems  int  // items of its largest request
	Continues bool // it may cut an answer, and continues it in further ones

	Lister  func(run harvest.Run) Lister // lists the run's corpus; nil where the kind lists nothing
	Session Session                      // nil where no credential is introduced
}
