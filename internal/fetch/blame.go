package fetch

import (
	"errors"
	"time"

	"golang.org/x/net/http2"

	"shoal/internal/harvest"
)

// company is the load of a connection when an exchange begins.
type company struct{ exchanges, flying int64 }

func (o *origin) company(l link) company {
	o.mu.Lock()
	defer o.mu.Unlock()
	exchanges, flying := l.company()
	return company{exchanges, flying}
}

// longURL is the length from which a URL, rather than the headers of every request, is why a server
// refuses our headers.
const longURL = 512

// blame finds the failures that may not be the exchange's own fault: its connection was lost while
// it carried others too, or had been idle, or the peer had fallen silent to all of them.
func (o *origin) blame(l link, before company, began time.Time, req *harvest.Request, err error) error {
	f := (*harvest.Failure)(nil)
	if !errors.As(err, &f) {
		return err
	}
	var stream http2.StreamError
	silent := f.Fault == harvest.FaultTimeout && l.silence() > time.Since(began)/2
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case f.Fault == harvest.FaultAsked && len(req.URL) > longURL:
		f.Fault = harvest.FaultTooLong
		return err
	case f.Fault == harvest.FaultAsked:
		l.giveUp() // another connection may lead to another server
		if before.exchanges > 1 {
			f.Fault = harvest.FaultLost // it took the exchanges before: what came with one of them is not the upstream's own limit
		}
		return err
	case silent:
		l.giveUp() // whichever is at fault: no other exchange follows into the silence
	case f.Fault == harvest.FaultReset && !errors.As(f.Err, &stream), f.Fault == harvest.FaultPartial && l.lost():
	default:
		return err
	}
	if exchanges, _ := l.company(); before.flying <= 1 && exchanges <= before.exchanges {
		return err
	}
	f.Fault = harvest.FaultLost
	return err
}
