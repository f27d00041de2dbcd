package worker

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"shoal/internal/harvest"
)

func TestAConnectionThatIsLostCostsItsNeighboursNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(numbered(200)...)
		var down time.Time // the connection that all share is lost whenever item 7 is on it
		r.Answer = func(n int, url string) (*harvest.Answer, error) {
			lost := &harvest.Failure{Fault: harvest.FaultLost, Err: errors.New("EOF")}
			if number(url) == 7 {
				down = time.Now()
				return nil, lost
			}
			if time.Since(down) < 5*time.Millisecond {
				return nil, lost
			}
			return status(200), nil
		}
		c := r.config()
		c.Retry.Retries = 0 // a single counted try would end a neighbour
		if _, err := drain(t, r, c); err != nil || r.outcomes()[harvest.Landed] != 199 || r.outcomes()[harvest.Dead] != 1 {
			t.Errorf("Drain() = %v with %v, want 199 landed and item 7 dead", err, r.outcomes())
		}
		if sends := r.Sends["http://api.test/items/7"]; sends != 4 || r.Isolated < 2 {
			t.Errorf("item 7 was sent %d times, %d slots were alone, want 4 and at least 2", sends, r.Isolated)
		}
	})
}

func TestARefusedStreamIsNotAskedForAtFullRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(numbered(1)...)
		r.Answer = func(int, string) (*harvest.Answer, error) {
			return nil, &harvest.Failure{Fault: harvest.FaultUnprocessed, Err: errors.New("REFUSED_STREAM")}
		}
		c := r.config()
		c.Canary, c.Retry.Retries = false, 5
		if _, err := drain(t, r, c); err != nil || r.outcomes()[harvest.Dead] != 1 || r.sent() != 9 {
			t.Errorf("Drain() = %v with %v after %d requests, want it dead after 3 free and 6 counted ones", err, r.outcomes(), r.sent())
		}
	})
}
