package upstream

import (
	"errors"

	"shoal/internal/harvest"
)

// Masked returns the API with everything that it makes of answers masked: an answer may quote our
// credential, and no detail of it is stored or shown with the credential in it.
func (o Open) Masked(mask func(text string) string) Open {
	o.Upstream = maskedUpstream{o.Upstream, mask}
	if list := o.Lister; list != nil {
		o.Lister = func(run harvest.Run) Lister { return maskedLister{list(run), mask} }
	}
	return o
}

type maskedUpstream struct {
	Upstream

	mask func(text string) string
}

func (u maskedUpstream) Detail(answer *harvest.Answer) string {
	return u.mask(u.Upstream.Detail(answer))
}

func (u maskedUpstream) Read(request *harvest.Request, answer *harvest.Answer) harvest.Reading {
	read := u.Upstream.Read(request, answer)
	for i := range read.Pages {
		maskPage(u.mask, &read.Pages[i])
	}
	return maskCause(u.mask, read)
}

type maskedLister struct {
	Lister

	mask func(text string) string
}

func (l maskedLister) ReadList(request *harvest.Request, seed string, step int64, answer *harvest.Answer, item func(text string) (harvest.Item, error)) (harvest.Listed, string, harvest.Reading) {
	listed, then, read := l.Lister.ReadList(request, seed, step, answer, item)
	maskPage(l.mask, &listed.Page)
	return listed, then, maskCause(l.mask, read)
}

func maskPage(mask func(text string) string, page *harvest.Page) {
	if page.Detail != "" {
		page.Detail = mask(page.Detail)
	}
}

// maskCause replaces a cause only where it shows something: it loses what it wraps.
func maskCause(mask func(text string) string, read harvest.Reading) harvest.Reading {
	if read.Cause != nil {
		if text := read.Cause.Error(); mask(text) != text {
			read.Cause = errors.New(mask(text))
		}
	}
	return read
}
