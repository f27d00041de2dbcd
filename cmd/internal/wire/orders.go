package wire

import (
	"context"
	"errors"

	"shoal/internal/control"
	"shoal/internal/pace"
	"shoal/internal/worker"
)

// confirming gives the orders this process' pace.
type confirming struct{ pacer *pace.Pacer }

// Confirm implements control.Pacer.
func (c confirming) Confirm(order control.Order) { c.pacer.Confirm(pace.Known(order)) }

// takeOrders takes the first orders of operators and listens for more until the end.
func (h *Harvester) takeOrders(ctx context.Context) error {
	notices, err := h.orders.Begin(ctx, h.truth, h.run, unavailable, h.patiently)
	if err != nil {
		return err
	}
	for _, sentence := range notices {
		h.Say(sentence)
	}
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.orders.Follow(life, h.truth, h.run.Name)
	}()
	h.onClose(func() error {
		end()
		<-done
		return nil
	})
	return nil
}

// ordered tells an order to stop from a signal.
func (h *Harvester) ordered(out Outcome, err error) (Outcome, error) {
	out.Run = h.run
	if by := h.orders.StoppedBy(); by != "" && errors.Is(err, worker.ErrStopped) {
		out.Ordered = by
		return out, nil
	}
	return out, err
}
