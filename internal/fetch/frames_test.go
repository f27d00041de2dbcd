package fetch

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"shoal/internal/harvest"
)

// peer is one HTTP/2 connection as a test plays its server, frame by frame.
type peer struct {
	*http2.Framer
	conn net.Conn
	n    int // of the connection, from 1
}

// frames serves HTTP/2 with play, which is called for each connection once the prefaces are
// exchanged. It returns the base URL and the CA's file.
func frames(t *testing.T, settings []http2.Setting, play func(*peer)) (base, ca string) {
	t.Helper()
	https := httptest.NewTLSServer(nil)
	t.Cleanup(https.Close)
	ca = filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: https.Certificate().Raw})
	if err := os.WriteFile(ca, block, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: https.TLS.Certificates, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for n := 1; ; n++ {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				preface := make([]byte, len(http2.ClientPreface))
				if _, err := io.ReadFull(conn, preface); err != nil {
					return
				}
				p := &peer{Framer: http2.NewFramer(conn, conn), conn: conn, n: n}
				if p.WriteSettings(settings...) == nil {
					play(p)
				}
			}()
		}
	}()
	return "https://" + l.Addr().String(), ca
}

// aside writes frames from another goroutine than the one that reads.
func (p *peer) aside() *http2.Framer { return http2.NewFramer(p.conn, nil) }

// serveUntil answers PING and SETTINGS, and calls request for each HEADERS frame until that returns
// false or the connection ends.
func (p *peer) serveUntil(request func(stream uint32) bool) {
	for {
		f, err := p.ReadFrame()
		if err != nil {
			return
		}
		switch f := f.(type) {
		case *http2.PingFrame:
			if !f.IsAck() {
				p.WritePing(true, f.Data)
			}
		case *http2.SettingsFrame:
			if !f.IsAck() {
				p.WriteSettingsAck()
			}
		case *http2.HeadersFrame:
			if !request(f.StreamID) {
				return
			}
		}
	}
}

// answer sends a stream 200 and a body; end false leaves the body open.
func (p *peer) answer(stream uint32, body string, end bool) {
	var b bytes.Buffer
	e := hpack.NewEncoder(&b)
	e.WriteField(hpack.HeaderField{Name: ":status", Value: "200"})
	p.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: b.Bytes(), EndHeaders: true})
	p.WriteData(stream, end, []byte(body))
}

func framesClient(t *testing.T, ca string, change func(*Client)) *Client {
	t.Helper()
	c, err := New(Config{
		UserAgent: agent, CAFile: ca, TrustedHosts: []string{"127.0.0.1"}, Streams: 8, Timeout: 20 * time.Second,
		Getenv: func(string) string { return "" },
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(c)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// The library's words for what a peer sends, each class by the frames that bring it about.
func TestFrames(t *testing.T) {
	t.Parallel()
	const calm = http2.ErrCodeEnhanceYourCalm
	for _, row := range []struct {
		name string
		play func(p *peer, stream uint32) // answers the third request of a connection
		want harvest.Fault
	}{
		{"GOAWAY below the stream", func(p *peer, s uint32) { p.WriteGoAway(s-2, http2.ErrCodeNo, nil) }, harvest.FaultUnprocessed},
		{"GOAWAY with an error below the stream", func(p *peer, s uint32) { p.WriteGoAway(s-2, http2.ErrCodeInternal, nil) }, harvest.FaultUnprocessed},
		{"GOAWAY calm below the stream", func(p *peer, s uint32) { p.WriteGoAway(s-2, calm, []byte("slow")) }, harvest.FaultCalm},
		{"GOAWAY calm, then the end", func(p *peer, s uint32) { p.WriteGoAway(s, calm, []byte("slow")); p.conn.Close() }, harvest.FaultCalm},
		{"GOAWAY, then the end", func(p *peer, s uint32) { p.WriteGoAway(s, http2.ErrCodeNo, nil); p.conn.Close() }, harvest.FaultReset},
		{"GOAWAY calm in mid-body, then the end", func(p *peer, s uint32) {
			p.answer(s, "half", false)
			p.WriteGoAway(s, calm, nil)
			p.conn.Close()
		}, harvest.FaultCalm},
		{"RST REFUSED_STREAM", func(p *peer, s uint32) { p.WriteRSTStream(s, http2.ErrCodeRefusedStream) }, harvest.FaultUnprocessed},
		{"RST calm", func(p *peer, s uint32) { p.WriteRSTStream(s, calm) }, harvest.FaultCalm},
		{"RST INTERNAL_ERROR", func(p *peer, s uint32) { p.WriteRSTStream(s, http2.ErrCodeInternal) }, harvest.FaultReset},
		{"RST CANCEL in mid-body", func(p *peer, s uint32) { p.answer(s, "half", false); p.WriteRSTStream(s, http2.ErrCodeCancel) }, harvest.FaultReset},
		{"RST calm in mid-body", func(p *peer, s uint32) { p.answer(s, "half", false); p.WriteRSTStream(s, calm) }, harvest.FaultCalm},
		{"the end", func(p *peer, _ uint32) { p.conn.Close() }, harvest.FaultReset},
		{"the end in mid-body", func(p *peer, s uint32) { p.answer(s, "half", false); p.conn.Close() }, harvest.FaultPartial},
		{"a frame that is none", func(p *peer, _ uint32) { p.WriteRawFrame(http2.FrameSettings, 0, 9, []byte{1}) }, harvest.FaultReset},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			var arrived atomic.Int64
			base, ca := frames(t, nil, func(p *peer) {
				seen := 0
				p.serveUntil(func(stream uint32) bool {
					arrived.Add(1)
					if seen++; seen == 3 && p.n == 1 {
						row.play(p, stream)
					} else {
						p.answer(stream, "whole", true)
					}
					return true
				})
			})
			c := framesClient(t, ca, nil)
			for range 2 {
				if _, err := get(t.Context(), c, base+"/"); err != nil {
					t.Fatalf("Send = %v, want an answer", err)
				}
			}
			if _, err := get(t.Context(), c, base+"/"); faultIn(err) != row.want {
				t.Errorf("Send = %v, want fault %q", err, row.want)
			}
			if _, err := get(t.Context(), c, base+"/"); err != nil {
				t.Errorf("Send afterwards = %v, want an answer", err)
			}
			if got := arrived.Load(); got != 4 {
				t.Errorf("%d requests arrived, want the 4 that were sent", got)
			}
		})
	}
}

// The first stream of a connection gets another text than the later ones.
func TestGoAwayForTheFirstStream(t *testing.T) {
	t.Parallel()
	for code, want := range map[http2.ErrCode]harvest.Fault{
		http2.ErrCodeNo:                 harvest.FaultUnprocessed,
		http2.ErrCodeEnhanceYourCalm:    harvest.FaultCalm,
		http2.ErrCodeInadequateSecurity: harvest.FaultReset, // and not for ever "unprocessed": the next one would fare the same
	} {
		base, ca := frames(t, nil, func(p *peer) {
			p.serveUntil(func(uint32) bool { p.WriteGoAway(0, code, nil); return true })
		})
		if _, err := get(t.Context(), framesClient(t, ca, nil), base+"/"); faultIn(err) != want {
			t.Errorf("Send with GOAWAY %v = %v, want fault %q", code, err, want)
		}
	}
}

// ENHANCE_YOUR_CALM must reach the caller even if no exchange failed because of it, and only once.
func TestCalmIsToldOnce(t *testing.T) {
	t.Parallel()
	told := make(chan struct{})
	base, ca := frames(t, nil, func(p *peer) {
		p.serveUntil(func(stream uint32) bool {
			p.answer(stream, "whole", true)
			if p.n == 1 {
				p.WriteGoAway(stream, http2.ErrCodeEnhanceYourCalm, nil)
				close(told)
			}
			return true
		})
	})
	c := framesClient(t, ca, nil)
	if _, err := get(t.Context(), c, base+"/"); err != nil {
		t.Fatalf("Send = %v, want an answer", err)
	}
	<-told
	until(t, "the GOAWAY is seen", func() bool { return c.Stats().GoAways == 1 })
	if _, err := c.Reserve(t.Context(), base); faultIn(err) != harvest.FaultCalm {
		t.Errorf("Reserve after GOAWAY calm = %v, want fault %q", err, harvest.FaultCalm)
	}
	if _, err := get(t.Context(), c, base+"/"); err != nil {
		t.Errorf("Send after that = %v, want an answer", err)
	}
}

// until waits for a condition that another goroutine brings about.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	late := time.After(20 * time.Second)
	for !holds() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("after 20 s still not: %s", what)
		}
	}
}

// A slot that is held while its connection goes away moves to the next connection.
func TestHeldSlotsMoveOn(t *testing.T) {
	t.Parallel()
	leave := make(chan struct{})
	var arrived [4]atomic.Int64
	base, ca := frames(t, nil, func(p *peer) {
		if p.n == 1 {
			go func() { <-leave; p.aside().WriteGoAway(0, http2.ErrCodeNo, nil) }()
		}
		p.serveUntil(func(stream uint32) bool {
			arrived[p.n].Add(1)
			p.answer(stream, "whole", true)
			return true
		})
	})
	c := framesClient(t, ca, nil)
	var slots []*Slot
	for range 5 {
		s, err := c.Reserve(t.Context(), base)
		if err != nil {
			t.Fatal(err)
		}
		slots = append(slots, s)
	}
	close(leave)
	until(t, "a second connection stands", func() bool { return c.Stats().GoAways == 1 && slots[0].Alive() })
	for _, s := range slots {
		if _, err := s.Send(t.Context(), &harvest.Request{Method: http.MethodGet, URL: base + "/"}, nil); err != nil {
			t.Errorf("Send = %v, want an answer", err)
		}
	}
	if one, two := arrived[1].Load(), arrived[2].Load(); one != 0 || two != 5 {
		t.Errorf("%d requests on the first connection, %d on the second, want 0 and 5", one, two)
	}
}

// A peer that ends every connection before it is used must not be dialled for ever.
func TestPeerThatTakesNoRequests(t *testing.T) {
	t.Parallel()
	base, ca := frames(t, nil, func(p *peer) {
		for {
			f, err := p.ReadFrame()
			if err != nil {
				return
			}
			if ping, ok := f.(*http2.PingFrame); ok {
				p.WritePing(true, ping.Data)
				p.WriteGoAway(0, http2.ErrCodeNo, nil) // and the connection stays until its other end has read that
			}
		}
	})
	c := framesClient(t, ca, nil)
	if _, err := get(t.Context(), c, base+"/"); faultIn(err) != harvest.FaultConnect && faultIn(err) != harvest.FaultUnprocessed {
		t.Errorf("Send = %v, want fault %q or %q", err, harvest.FaultConnect, harvest.FaultUnprocessed)
	}
	if dials := c.Stats().Dials; dials > maxUnused+1 {
		t.Errorf("Stats().Dials = %d for one Reserve, want at most %d", dials, maxUnused+1)
	}
}

func TestPeersCap(t *testing.T) {
	t.Parallel()
	caps := make(chan uint32)
	base, ca := frames(t, []http2.Setting{{ID: http2.SettingMaxConcurrentStreams, Val: 2}}, func(p *peer) {
		go func() {
			for streams := range caps {
				p.aside().WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: streams})
			}
		}()
		p.serveUntil(func(stream uint32) bool { p.answer(stream, "whole", true); return true })
	})
	defer close(caps)
	c := framesClient(t, ca, func(c *Client) { c.patience.shut = 300 * time.Millisecond })
	one, err := c.Reserve(t.Context(), base)
	if err != nil {
		t.Fatal(err)
	}
	two, err := c.Reserve(t.Context(), base)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.StreamCap(); got != 2 {
		t.Errorf("StreamCap() = %d, want the peer's 2 of our 8", got)
	}
	brief, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := c.Reserve(brief, base); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("third Reserve at a cap of 2 = %v, want it to wait for its context's end", err)
	}
	caps <- 1
	until(t, "the cap falls to 1", func() bool { return c.StreamCap() == 1 })
	if one.Alive() {
		t.Errorf("Alive() = true of the first of two slots at a cap of 1, want false")
	}
	if !two.Alive() {
		t.Errorf("Alive() = false of the remaining slot at a cap of 1, want true")
	}
	if _, err := one.Send(t.Context(), &harvest.Request{Method: http.MethodGet, URL: base + "/"}, nil); faultIn(err) != harvest.FaultUnprocessed {
		t.Errorf("Send above the cap = %v, want fault %q and nothing sent", err, harvest.FaultUnprocessed)
	}
	caps <- 0
	until(t, "the cap falls to 0", func() bool { return c.StreamCap() == 0 })
	if two.Alive() {
		t.Errorf("Alive() = true at a cap of 0, want false")
	}
	two.Release()
	start := time.Now()
	if _, err := c.Reserve(t.Context(), base); faultIn(err) != harvest.FaultTimeout || time.Since(start) < 300*time.Millisecond {
		t.Errorf("Reserve at a cap of 0 = %v after %v, want fault %q after 300ms", err, time.Since(start), harvest.FaultTimeout)
	}
	caps <- 5
	if _, err := get(t.Context(), c, base+"/"); err != nil {
		t.Errorf("Send once the cap is 5 = %v, want an answer", err)
	}
	if dials := c.Stats().Dials; dials != 1 {
		t.Errorf("Stats().Dials = %d, want 1: a low cap is no reason for more connections", dials)
	}
}
