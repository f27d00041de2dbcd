package fetch

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"shoal/internal/harvest"
)

// isolated makes an exchange on a slot with a connection of its own.
func isolated(t *testing.T, c *Client, url string) error {
	t.Helper()
	s, err := c.ReserveIsolated(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	return sendOn(t, s, url)
}

// Whatever one suspect does to its connection, the next one is asked for on a fresh one: the peer
// here harms each connection at its first request and never serves a second one on it.
func TestWhatASuspectDoesToItsConnectionIsNotTheNextOnes(t *testing.T) {
	t.Parallel()
	hole := func(p *peer) { _, _ = io.Copy(io.Discard, p.conn) }
	setting := func(id http2.SettingID, value uint32) func(*peer, uint32) bool {
		return func(p *peer, stream uint32) bool {
			p.WriteSettings(http2.Setting{ID: id, Val: value})
			p.answer(stream, "{}", true)
			return true
		}
	}
	for name, harm := range map[string]func(p *peer, stream uint32) bool{
		"fewer header bytes": setting(http2.SettingMaxHeaderListSize, 16),
		"no stream any more": setting(http2.SettingMaxConcurrentStreams, 0),
		"no window":          setting(http2.SettingInitialWindowSize, 0),
		"fewer header bytes, REFUSED_STREAM": func(p *peer, stream uint32) bool {
			p.WriteSettings(http2.Setting{ID: http2.SettingMaxHeaderListSize, Val: 16})
			p.WriteRSTStream(stream, http2.ErrCodeRefusedStream)
			return true
		},
		"GOAWAY": func(p *peer, stream uint32) bool {
			p.answer(stream, "{}", true)
			p.WriteGoAway(stream, http2.ErrCodeNo, nil)
			return true
		},
		"GOAWAY with an error": func(p *peer, stream uint32) bool { p.WriteGoAway(0, http2.ErrCodeInternal, nil); return false },
		"RST_STREAM":           func(p *peer, stream uint32) bool { p.WriteRSTStream(stream, http2.ErrCodeInternal); return true },
		"the end":              func(p *peer, stream uint32) bool { p.answer(stream, "{}", true); return false },
		"an end at once":       func(*peer, uint32) bool { return false },
		"silence afterwards":   func(p *peer, stream uint32) bool { p.answer(stream, "{}", true); hole(p); return false },
		"silence":              func(p *peer, _ uint32) bool { hole(p); return false },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var second atomic.Int64 // requests on connections that carried one before
			base, ca := frames(t, nil, func(p *peer) {
				before := 0
				p.serveUntil(func(stream uint32) bool {
					if before++; before > 1 {
						second.Add(1)
						return false
					}
					if p.n%2 == 1 {
						return harm(p, stream)
					}
					p.answer(stream, "{}", true)
					return true
				})
			})
			c := framesClient(t, ca, func(c *Client) { c.cfg.HeaderTimeout = 300 * time.Millisecond })
			const rounds = 5
			for i := range rounds {
				_ = isolated(t, c, base+"/hostile")
				if err := isolated(t, c, base+"/innocent"); err != nil {
					t.Errorf("Send of an innocent item, time %d = %v, want an answer", i+1, err)
				}
			}
			if dials := c.Stats().Dials; dials != 2*rounds || second.Load() != 0 {
				t.Errorf("%d connections for %d suspects, %d requests on one that was used before; want one connection for each", dials, 2*rounds, second.Load())
			}
		})
	}
}

// An HTTP/1.1 server ends the connection at its second request, as one that closes idle ones does.
func TestASuspectHasAFreshConnectionOverHTTP1(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				in := bufio.NewReader(conn)
				for range 2 {
					if _, err := http.ReadRequest(in); err != nil {
						return
					}
					if _, err := fmt.Fprint(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"); err != nil {
						return
					}
					if _, err := http.ReadRequest(in); err == nil {
						return
					}
				}
			}()
		}
	}()
	c := framesClient(t, "", nil)
	base := "http://" + l.Addr().String()
	for i := range 4 {
		if err := isolated(t, c, base+"/"); err != nil {
			t.Errorf("Send %d = %v, want an answer on a connection of its own", i+1, err)
		}
	}
	if dials := c.Stats().Dials; dials != 4 {
		t.Errorf("Stats().Dials = %d for 4 suspects, want 4", dials)
	}
}

// A connection that was opened for one suspect and not used may be stale when the next one comes.
func TestAnUnusedConnectionOfASuspectIsClosed(t *testing.T) {
	t.Parallel()
	base, ca := frames(t, nil, func(p *peer) {
		p.serveUntil(func(stream uint32) bool {
			if p.n <= maxUnused+1 {
				return false
			}
			p.answer(stream, "{}", true)
			return true
		})
	})
	c := framesClient(t, ca, nil)
	for range maxUnused + 1 {
		s, err := c.ReserveIsolated(t.Context(), base)
		if err != nil {
			t.Fatalf("ReserveIsolated = %v, want a slot: the peer ended nothing", err)
		}
		s.Release()
	}
	if err := isolated(t, c, base+"/"); err != nil {
		t.Errorf("Send = %v, want an answer", err)
	}
	if dials := c.Stats().Dials; dials != maxUnused+2 {
		t.Errorf("Stats().Dials = %d, want %d", dials, maxUnused+2)
	}
}

// An ENHANCE_YOUR_CALM after the answer is for all of the upstream, though its connection is
// closed.
func TestCalmOnTheConnectionOfASuspectIsTold(t *testing.T) {
	t.Parallel()
	base, ca := frames(t, nil, func(p *peer) {
		p.serveUntil(func(stream uint32) bool {
			if p.n == 2 {
				p.WriteGoAway(stream, http2.ErrCodeEnhanceYourCalm, nil)
			}
			p.answer(stream, "{}", true)
			return true
		})
	})
	c := framesClient(t, ca, nil)
	if _, err := get(t.Context(), c, base+"/"); err != nil {
		t.Fatal(err)
	}
	if err := isolated(t, c, base+"/"); err != nil {
		t.Fatalf("Send = %v, want an answer", err)
	}
	if _, err := c.Reserve(t.Context(), base); faultIn(err) != harvest.FaultCalm {
		t.Errorf("Reserve = %v, want fault %q", err, harvest.FaultCalm)
	}
}
