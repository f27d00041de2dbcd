package dashboard

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"shoal/internal/harvest"
)

// The orders, as they are named in addresses and on the command line.
const (
	orderPause  = "pause"
	orderResume = "resume"
	orderRate   = "rate"
	orderDrain  = "drain"
	orderRetry  = "retry"
)

// orderLine is one order that a page offers: a button, or the command that does the same.
type orderLine struct {
	Name, Label, Command string
	Query                string // of its address
}

// ordersFor lists what may be ordered now.
func ordersFor(s Status) []orderLine {
	run := " --run " + s.Run.Name
	paused, draining := s.Control.Hold != 0, !s.Control.DrainAt.IsZero()
	var all []orderLine
	if s.State != "finished" || paused {
		if !paused {
			all = append(all, orderLine{Name: orderPause, Label: "Pause", Command: "coordinator pause" + run})
		}
		if paused || draining || s.Control.Silence > 0 {
			all = append(all, orderLine{Name: orderResume, Label: "Resume", Command: "coordinator resume" + run})
		}
		all = append(all, orderLine{Name: orderRate, Label: "Change the rate", Command: "coordinator rate 30/s" + run})
	}
	if s.State != "finished" && !draining {
		all = append(all, orderLine{Name: orderDrain, Label: "Drain", Command: "coordinator drain" + run})
	}
	if s.Totals.Dead > 0 {
		all = append(all, retryOf(s.Run.Name, Filter{Outcome: harvest.Dead}))
	}
	return all
}

// retryOf offers to fetch the items of a filter again.
func retryOf(run string, f Filter) orderLine {
	return orderLine{Name: orderRetry, Label: "Retry " + string(f.Outcome) + " items", Command: "coordinator retry --run " + run + f.command(), Query: f.query()}
}

// confirmView asks whether an order is meant.
type confirmView struct {
	base
	Run     string
	Order   orderLine
	What    string // what the order does
	Filter  Filter // of a retry
	Rate    string
	Silence string // how long the upstream asked for silence still
	Wrong   string // why the last try was refused
}

// confirm shows what an order does, and its button. It changes nothing.
func (p *page) confirm(w http.ResponseWriter, r *http.Request) {
	p.confirmAgain(w, r, r.URL.Query(), nil)
}

func (p *page) confirmAgain(w http.ResponseWriter, r *http.Request, form url.Values, wrong error) {
	name, ok := p.runName(w, r)
	if !ok {
		return
	}
	s, err := p.looks.state(name)
	if err != nil {
		p.fail(w, r, err)
		return
	}
	v := confirmView{base: p.base(r, r.PathValue("order")+" run "+name), Run: name, Rate: form.Get("rate")}
	if v.Filter, err = readFilter(form); err != nil {
		p.fail(w, r, fmt.Errorf("%w: %w", errAsked, err))
		return
	}
	host := foreign(s.Run.Host)
	v.Order = orderLine{Name: r.PathValue("order"), Command: "coordinator " + r.PathValue("order") + " --run " + name}
	switch v.Order.Name {
	case orderPause:
		v.Order.Label, v.What = "Pause", host+" is left alone by all workers, of other runs too. What is in flight comes in, and nothing is lost."
	case orderResume:
		v.Order.Label, v.What = "Resume", "A pause of "+host+" and a drain of the run end. Workers that have left are to be started again."
		if s.Control.Silence > 0 {
			v.Silence = span(s.Control.Silence)
		}
	case orderRate:
		v.Order.Label, v.Order.Command, v.What = "Change the rate", "coordinator rate 30/s --run "+name, "The budget of "+host+" changes for all workers together, from now on and for later runs."
		if v.Rate == "" {
			v.Rate = rate(s.Progress.Budget) + "/s"
		}
	case orderDrain:
		v.Order.Label, v.What = "Drain", "The workers of this run land what is in flight and leave. None starts again before the run is resumed."
	case orderRetry:
		v.Order = retryOf(name, v.Filter)
		v.What = "These items are fetched again. They keep their outcome until the new one lands. The run is not finished any more: start its workers again."
	default:
		p.fail(w, r, fmt.Errorf("%w: there is no such order", errAsked))
		return
	}
	code := http.StatusOK
	if wrong != nil {
		v.Wrong, code = harvest.ErrorText(wrong), http.StatusUnprocessableEntity
	}
	p.show(w, code, "confirm", v)
}

// orderLimit bounds how long an order may take.
const orderLimit = 25 * time.Second

// order gives an order. Only a visitor who has shown the token may.
func (p *page) order(w http.ResponseWriter, r *http.Request) {
	if !p.known(r) || p.Orders == nil {
		http.Error(w, "this needs the token of --status-token", http.StatusForbidden)
		return
	}
	name, ok := p.runName(w, r)
	if !ok {
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "the form cannot be read", http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), orderLimit)
	defer cancel()
	sentence, err := p.give(ctx, name, r.PathValue("order"), r.PostForm)
	p.looks.void(name)
	if err != nil {
		p.confirmAgain(w, r, r.PostForm, err)
		return
	}
	p.sessions.put(sessionOf(r), sentence)
	http.Redirect(w, r, "/runs/"+name, http.StatusSeeOther)
}

// give gives the order of a form.
func (p *page) give(ctx context.Context, run, order string, form url.Values) (string, error) {
	switch order {
	case orderPause:
		length := harvest.Forever
		if text := form.Get("length"); text != "" {
			d, err := time.ParseDuration(text)
			if err != nil || d <= 0 {
				return "", errors.New("pause for how long? Write a time with its unit, such as 10m or 1h30m, or nothing for until it is resumed")
			}
			length = d
		}
		return p.Orders.Pause(ctx, run, length)
	case orderResume:
		return p.Orders.Resume(ctx, run, form.Get("lift") == "yes")
	case orderRate:
		return p.Orders.Rate(ctx, run, form.Get("rate"))
	case orderDrain:
		return p.Orders.Drain(ctx, run)
	case orderRetry:
		filter, err := readFilter(form)
		if err != nil {
			return "", err
		}
		return p.Orders.Retry(ctx, run, filter)
	}
	return "", fmt.Errorf("%w: there is no such order", errAsked)
}
