package observe

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"shoal/cmd/internal/wire"
	"shoal/internal/config"
	"shoal/internal/control"
	"shoal/internal/dashboard"
	"shoal/internal/harvest"
	"shoal/internal/store"
	"shoal/internal/suspect"
)

// orders gives the orders of a page. Each opens the store to write, and closes it.
type orders struct {
	store, redis string
	allowed      func(host string, rate config.Rate) error
}

// by names those who give orders in the page: there is one token for all.
func by() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown-host"
	}
	return "the page on " + host
}

// give finds the run and gives an order about it.
func (o orders) give(ctx context.Context, run string, do func(db *store.Store, run harvest.Run) (string, error)) (sentence string, err error) {
	db, err := wire.OpenStore(ctx, o.store, false)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	found, err := db.FindRun(ctx, run)
	if err != nil {
		return "", err
	}
	return do(db, found)
}

// tellRedis carries an order to workers that cannot ask the store at present. The store has it
// already.
func (o orders) tellRedis(sentence string, do func(r control.RateSetter) error) string {
	if o.redis == "" {
		return sentence
	}
	if err := wire.Order(o.redis, do); err != nil {
		return sentence + " Redis does not have it, the store has: workers that are cut off from the store do not hear of it."
	}
	return sentence
}

// Pause implements [dashboard.Orders].
func (o orders) Pause(ctx context.Context, run string, length time.Duration) (string, error) {
	return o.give(ctx, run, func(db *store.Store, run harvest.Run) (string, error) {
		if err := db.Hold(ctx, run.Host, length, by()); err != nil {
			return "", err
		}
		until := "it is resumed"
		if length > 0 {
			until = time.Now().Add(length).UTC().Format(time.DateTime) + " UTC"
		}
		return o.tellRedis(fmt.Sprintf("%s is left alone until %s.", run.Host, until), func(r control.RateSetter) error {
			return r.Hold(ctx, run.Host, control.HoldLength(length))
		}), nil
	})
}

// Resume implements [dashboard.Orders].
func (o orders) Resume(ctx context.Context, run string, lift bool) (string, error) {
	return o.give(ctx, run, func(db *store.Store, run harvest.Run) (sentence string, err error) {
		if err := errors.Join(db.Hold(ctx, run.Host, 0, by()), db.RequestDrain(ctx, run.Name, "")); err != nil {
			return "", err
		}
		sentence = o.tellRedis(fmt.Sprintf("%s is asked again, and the run is not drained.", run.Host), func(r control.RateSetter) error { return r.Hold(ctx, run.Host, 0) })
		if lift {
			if err := db.Lift(ctx, run.Host, by()); err != nil {
				return "", err
			}
			sentence += " The silence that it asked for is over."
		}
		return sentence, nil
	})
}

// Rate implements [dashboard.Orders].
func (o orders) Rate(ctx context.Context, run, text string) (string, error) {
	rate, err := config.ParseRate(text)
	if err != nil {
		return "", fmt.Errorf("rate %s: %w", harvest.Quote(text), err)
	}
	return o.give(ctx, run, func(db *store.Store, run harvest.Run) (string, error) {
		if err := o.allowed(run.Host, rate); err != nil {
			return "", err
		}
		if err := db.SetRate(ctx, run.Host, rate.String(), by()); err != nil {
			return "", err
		}
		return o.tellRedis(fmt.Sprintf("The budget of %s is %g/s for all workers together.", run.Host, rate.PerSecond), func(r control.RateSetter) error {
			return r.SetRate(ctx, run.Host, rate.PerSecond, by())
		}), nil
	})
}

// Drain implements [dashboard.Orders].
func (o orders) Drain(ctx context.Context, run string) (string, error) {
	return o.give(ctx, run, func(db *store.Store, run harvest.Run) (string, error) {
		return fmt.Sprintf("The workers of run %s land what is in flight and leave.", run.Name), db.RequestDrain(ctx, run.Name, by())
	})
}

// Retry implements [dashboard.Orders].
func (o orders) Retry(ctx context.Context, run string, f dashboard.Filter) (string, error) {
	return o.give(ctx, run, func(db *store.Store, run harvest.Run) (string, error) {
		back, err := db.PutBack(ctx, run.Name, []harvest.Outcome{f.Outcome}, func(page harvest.Page) bool {
			return (f.Reason == "" || page.Reason == f.Reason) && (f.Status == 0 || page.Status == f.Status)
		})
		if err != nil {
			return "", err
		}
		forgiven := int64(0)
		if f.Outcome == harvest.Dead && f.Status == 0 && (f.Reason == "" || f.Reason == suspect.Reason) {
			if forgiven, err = db.Forgive(ctx, run.Name, suspect.MaxCrashes); err != nil {
				return "", err
			}
		}
		if back.Items()+forgiven == 0 {
			return "The run has no such item any more.", nil
		}
		return fmt.Sprintf("Items put back: %d. Start the workers of run %s again.", back.Items()+forgiven, run.Name), nil
	})
}
