package worker

import (
	"context"
	"errors"
	"time"

	"shoal/internal/harvest"
)

// unused gives a permit back with which nothing was sent, or with which nothing is to be learnt, because the worker ends.
func (w *Worker) unused(permit Permit, err error, began time.Time) bool {
	late := errors.Is(err, harvest.ErrLate)
	if late {
		w.requests.Add(-1)
		w.Tally.unsent(began)
	}
	if !late && (err == nil || w.sending.Err() == nil) {
		return false
	}
	permit.Unused()
	return true
}

// back is for a task whose attempt was not made: it comes again at once, unless the worker ends.
func (w *Worker) back(t *task) {
	if w.sending.Err() != nil {
		w.drop(len(t.items))
		return
	}
	w.push(t)
}

func (c *call) unused(ctx context.Context, permit Permit, err error, began time.Time) bool {
	late := errors.Is(err, harvest.ErrLate)
	if late {
		c.requests--
		c.Tally.unsent(began)
	}
	if !late && (err == nil || ctx.Err() == nil) {
		return false
	}
	permit.Unused()
	return true
}
