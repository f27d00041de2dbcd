package fetch

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"shoal/internal/harvest"
)

// sendOn makes an exchange on a reserved slot.
func sendOn(t *testing.T, s *Slot, url string) error {
	t.Helper()
	answer, err := s.Send(t.Context(), &harvest.Request{Method: "GET", URL: url}, nil)
	answer.Release()
	return err
}

func TestALostConnectionIsNobodysFaultUntilItCarriesOneExchange(t *testing.T) {
	t.Parallel()
	base, ca := frames(t, nil, func(p *peer) {
		n := uint32(0)
		p.serveUntil(func(uint32) bool { // the first connection is closed when it carries two, later ones at once
			n++
			return p.n == 1 && n < 2
		})
	})
	c := framesClient(t, ca, nil)
	reserve := func(exclusive bool) *Slot {
		t.Helper()
		from := c.Reserve
		if exclusive {
			from = c.ReserveIsolated
		}
		s, err := from(t.Context(), base)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	a, b := reserve(false), reserve(false)
	other := make(chan error)
	go func() { other <- sendOn(t, a, base+"/a") }()
	err := sendOn(t, b, base+"/b")
	if neighbour := <-other; faultIn(err) != harvest.FaultLost || faultIn(neighbour) != harvest.FaultLost {
		t.Errorf("Send = %v and %v, want %q for both: either may have been at fault", err, neighbour, harvest.FaultLost)
	}
	if err := sendOn(t, reserve(true), base+"/b"); faultIn(err) != harvest.FaultReset {
		t.Errorf("Send by itself = %v, want %q: there was no other", err, harvest.FaultReset)
	}
}

func TestOneSlotAtATimeHasAConnectionOfItsOwn(t *testing.T) {
	t.Parallel()
	base, ca := frames(t, nil, func(p *peer) {
		p.serveUntil(func(stream uint32) bool { p.answer(stream, "{}", true); return true })
	})
	c := framesClient(t, ca, nil)
	usual, err := c.Reserve(t.Context(), base)
	if err != nil {
		t.Fatal(err)
	}
	first, err := c.ReserveIsolated(t.Context(), base)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if s, err := c.ReserveIsolated(ctx, base); err == nil {
		s.Release()
		t.Error("ReserveIsolated while another is out = a slot, want to wait")
	}
	if err := errors.Join(sendOn(t, first, base+"/1"), sendOn(t, usual, base+"/2")); err != nil {
		t.Errorf("Send = %v, want nil", err)
	}
	if dials := c.Stats().Dials; dials != 2 {
		t.Errorf("Stats().Dials = %d, want 2: a connection for the one that is alone", dials)
	}
	again, err := c.ReserveIsolated(t.Context(), base)
	if err != nil {
		t.Fatal(err)
	}
	again.Release()
}

// A connection that an exchange turned into a black hole, as the only one on it, must not swallow
// the next one.
func TestNothingFollowsIntoABlackHole(t *testing.T) {
	t.Parallel()
	base, ca := frames(t, nil, func(p *peer) {
		p.serveUntil(func(stream uint32) bool {
			if p.n > 1 {
				p.answer(stream, "{}", true)
				return true
			}
			_, _ = io.Copy(io.Discard, p.conn) // takes everything, PING included, and answers nothing
			return false
		})
	})
	c := framesClient(t, ca, func(c *Client) { c.cfg.HeaderTimeout = 300 * time.Millisecond })
	for _, row := range []struct {
		url  string
		want harvest.Fault
	}{{"/hole", harvest.FaultTimeout}, {"/innocent", harvest.FaultNone}} {
		s, err := c.ReserveIsolated(t.Context(), base)
		if err != nil {
			t.Fatal(err)
		}
		if err := sendOn(t, s, base+row.url); faultIn(err) != row.want {
			t.Errorf("Send of %s = %v, want fault %q", row.url, err, row.want)
		}
	}
}

// A peer that takes fewer header bytes after one exchange is no evidence about the next one, nor
// about the upstream.
func TestFewerHeaderBytesAfterAnExchangeAreTheConnections(t *testing.T) {
	t.Parallel()
	base, ca := frames(t, nil, func(p *peer) {
		p.serveUntil(func(stream uint32) bool {
			if p.n == 1 {
				p.WriteSettings(http2.Setting{ID: http2.SettingMaxHeaderListSize, Val: 16})
			}
			p.answer(stream, "{}", true)
			return true
		})
	})
	c := framesClient(t, ca, nil)
	for i, want := range []harvest.Fault{harvest.FaultNone, harvest.FaultLost, harvest.FaultNone} {
		s, err := c.Reserve(t.Context(), base)
		if err != nil {
			t.Fatal(err)
		}
		if err := sendOn(t, s, base+"/"); faultIn(err) != want {
			t.Errorf("Send %d = %v, want fault %q", i+1, err, want)
		}
	}
}

func TestAPeerThatTakesFewHeaderBytesFaultsNoItem(t *testing.T) {
	t.Parallel()
	base, ca := frames(t, []http2.Setting{{ID: http2.SettingMaxHeaderListSize, Val: 150}}, func(p *peer) {
		p.serveUntil(func(stream uint32) bool { p.answer(stream, "{}", true); return true })
	})
	for url, want := range map[string]harvest.Fault{"/1": harvest.FaultAsked, "/" + strings.Repeat("x", 600): harvest.FaultTooLong} {
		c := framesClient(t, ca, nil)
		s, err := c.Reserve(t.Context(), base)
		if err != nil {
			t.Fatal(err)
		}
		if err := sendOn(t, s, base+url); faultIn(err) != want || !strings.Contains(err.Error(), "SETTINGS_MAX_HEADER_LIST_SIZE") {
			t.Errorf("Send of a URL of %d bytes = %v, want fault %q that names the setting", len(url), err, want)
		}
	}
}
