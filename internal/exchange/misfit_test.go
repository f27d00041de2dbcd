package exchange_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"shoal/internal/exchange"
	"shoal/internal/exchange/exchangetest"
	"shoal/internal/harvest"
)

// A call whose answers do not fit a setting ends at once, unless the setting is known to be right.
func TestACallWhoseAnswersASettingDoesNotFitIsAskedAbout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := exchangetest.New()
		r.Answer = func(int, string) (*harvest.Answer, error) { return exchangetest.Status(200), nil }
		call := func(c *exchange.Caller) error {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
			defer cancel()
			_, err := c.Call(ctx, &harvest.Request{Method: "GET", URL: "http://api.test/list"}, func(*harvest.Answer) harvest.Reading {
				return harvest.Reading{Fault: harvest.FaultUnexpected, Reason: "items_failed", Cause: errors.New("it is a number"), Setting: "--items"}
			})
			return err
		}
		began := time.Now()
		const want = "the answers do not fit --items: items_failed: it is a number; is --items right? (http://api.test/list)"
		err := call(caller(r))
		if !errors.Is(err, exchange.ErrRefused) || err.Error() != want || r.Sent() != 2 || time.Since(began) > 3*time.Second {
			t.Errorf("Call() = %v after %v and %d requests, want %s after 2", err, time.Since(began), r.Sent(), want)
		}
		proven := caller(r)
		proven.Proven, proven.Patience = true, time.Minute
		if err := call(proven); !errors.Is(err, exchange.ErrPatience) || !strings.Contains(err.Error(), "is --items right?") {
			t.Errorf("Call() in mid-run = %v, want ErrPatience that asks about --items", err)
		}
	})
}
