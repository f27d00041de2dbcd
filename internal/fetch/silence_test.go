package fetch

import (
	"io"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"shoal/internal/harvest"
)

func TestSilentConnectionIsFound(t *testing.T) {
	t.Parallel()
	base, ca := frames(t, nil, func(p *peer) {
		p.serveUntil(func(stream uint32) bool {
			if p.n > 1 {
				p.answer(stream, "whole", true)
			}
			return p.n > 1
		})
		if p.n == 1 {
			io.Copy(io.Discard, p.conn) // reads all, sends nothing, PING included
		}
	})
	c := framesClient(t, ca, func(c *Client) { c.patience.readIdle, c.patience.ping = 100*time.Millisecond, 300*time.Millisecond })
	start := time.Now()
	if _, err := get(t.Context(), c, base+"/"); faultIn(err) != harvest.FaultReset || time.Since(start) > 10*time.Second {
		t.Errorf("Send into a black hole = %v after %v, want fault %q long before the timeout", err, time.Since(start), harvest.FaultReset)
	}
	if _, err := get(t.Context(), c, base+"/"); err != nil {
		t.Errorf("Send afterwards = %v, want an answer over a new connection", err)
	}
}

func TestFloodsEndTheConnection(t *testing.T) {
	t.Parallel()
	for name, flood := range map[string]func(*peer) error{
		"PING":          func(p *peer) error { return p.WritePing(false, [8]byte{1}) },
		"SETTINGS":      func(p *peer) error { return p.WriteSettings() },
		"WINDOW_UPDATE": func(p *peer) error { return p.WriteWindowUpdate(0, 1) },
		"RST_STREAM":    func(p *peer) error { return p.WriteRSTStream(1, http2.ErrCodeCancel) },
		"empty DATA":    func(p *peer) error { return p.WriteData(1, false, nil) },
		"CONTINUATION": func(p *peer) error {
			p.WriteHeaders(http2.HeadersFrameParam{StreamID: 1})
			for {
				if err := p.WriteContinuation(1, false, nil); err != nil {
					return err
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cut := make(chan struct{}, 9)
			base, ca := frames(t, nil, func(p *peer) {
				p.serveUntil(func(uint32) bool { return false })
				go io.Copy(io.Discard, p.conn)
				for flood(p) == nil {
				}
				cut <- struct{}{}
			})
			if _, err := get(t.Context(), framesClient(t, ca, nil), base+"/"); err == nil {
				t.Errorf("Send in a flood of %s = an answer, want a failure", name)
			}
			select {
			case <-cut:
			case <-time.After(20 * time.Second):
				t.Errorf("a flood of %s goes on after 20 s, want the connection closed", name)
			}
		})
	}
}
