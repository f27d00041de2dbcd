package fakeapi_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"shoal/internal/fakeapi"
)

// wire is a client that does nothing by itself.
type wire struct {
	t    *testing.T
	s    *fakeapi.Server
	conn net.Conn
	fr   *http2.Framer
	buf  bytes.Buffer
	enc  *hpack.Encoder
}

func dial(t *testing.T, s *fakeapi.Server) *wire {
	t.Helper()
	conn, err := tls.Dial("tcp", s.Addr, &tls.Config{RootCAs: s.Pool(), NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	w := &wire{t: t, s: s, conn: conn, fr: http2.NewFramer(conn, conn)}
	w.fr.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	w.enc = hpack.NewEncoder(&w.buf)
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	w.must(w.fr.WriteSettings())
	return w
}

func (w *wire) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// ask opens a stream for an item.
func (w *wire) ask(stream uint32) {
	w.t.Helper()
	w.buf.Reset()
	for _, f := range []hpack.HeaderField{
		{Name: ":method", Value: "GET"}, {Name: ":scheme", Value: "https"}, {Name: ":authority", Value: w.s.Addr}, {Name: ":path", Value: "/items/1"},
	} {
		w.must(w.enc.WriteField(f))
	}
	w.must(w.fr.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: w.buf.Bytes(), EndStream: true, EndHeaders: true}))
}

// until reads frames up to the first that done accepts, or the end of the connection.
func (w *wire) until(done func(http2.Frame) bool) bool {
	w.t.Helper()
	for {
		f, err := w.fr.ReadFrame()
		if errors.Is(err, io.EOF) {
			return false
		}
		w.must(err)
		if done(f) {
			return true
		}
	}
}

func TestGoAwayNamesTheLastStreamThatIsServed(t *testing.T) {
	t.Parallel()
	s := start(t, fakeapi.Options{Behaviour: fakeapi.Behaviour{GoAwayEvery: 2, Latency: 50 * time.Millisecond}})
	w := dial(t, s)
	for _, stream := range []uint32{1, 3, 5, 7} {
		w.ask(stream)
	}
	var last uint32
	ended := map[uint32]bool{}
	w.until(func(f http2.Frame) bool {
		switch f := f.(type) {
		case *http2.GoAwayFrame:
			last = f.LastStreamID
			if f.ErrCode != http2.ErrCodeNo {
				t.Errorf("GOAWAY with %v, want NO_ERROR", f.ErrCode)
			}
		case *http2.DataFrame:
			if f.StreamEnded() {
				ended[f.StreamID] = true
			}
		}
		return false
	})
	if last != 3 || len(ended) != 2 || !ended[1] || !ended[3] {
		t.Errorf("GOAWAY named stream %d, and streams %v ended, want 3, and 1 and 3", last, ended)
	}
	if got, lost := s.Count(), s.Unprocessed(); got != 2 || len(lost) != 2 || lost[0].Fault != fakeapi.KindGoAway {
		t.Errorf("Count() = %d, Unprocessed() = %v, want 2, and 2 of goaway", got, lost)
	}
}

func TestStreamsAboveTheCapAreRefused(t *testing.T) {
	t.Parallel()
	s := start(t, fakeapi.Options{Behaviour: fakeapi.Behaviour{MaxStreams: 2, Latency: time.Minute}})
	w := dial(t, s)
	for _, stream := range []uint32{1, 3, 5} {
		w.ask(stream)
	}
	var announced uint32
	refused := w.until(func(f http2.Frame) bool {
		if f, ok := f.(*http2.SettingsFrame); ok && !f.IsAck() {
			announced, _ = f.Value(http2.SettingMaxConcurrentStreams)
		}
		rst, ok := f.(*http2.RSTStreamFrame)
		return ok && rst.StreamID == 5 && rst.ErrCode == http2.ErrCodeRefusedStream
	})
	if !refused || announced != 2 || s.Count() != 2 {
		t.Errorf("stream 5 refused = %v, cap announced = %d, Count() = %d, want true, 2, 2", refused, announced, s.Count())
	}
	s.Set(func(b *fakeapi.Behaviour) { b.MaxStreams = -1 })
	w.until(func(f http2.Frame) bool {
		f2, ok := f.(*http2.SettingsFrame)
		if !ok || f2.IsAck() {
			return false
		}
		announced, _ = f2.Value(http2.SettingMaxConcurrentStreams)
		return true
	})
	if announced != 0 {
		t.Errorf("cap announced after Set = %d, want 0", announced)
	}
}

func TestRefusedStreamAndCalmSayTheirCodes(t *testing.T) {
	t.Parallel()
	s := start(t, fakeapi.Options{Behaviour: fakeapi.Behaviour{Faults: []fakeapi.Fault{
		{Kind: fakeapi.KindRefused, At: []int{1}}, {Kind: fakeapi.KindCalm, At: []int{2}},
	}}})
	w := dial(t, s)
	w.ask(1)
	if !w.until(func(f http2.Frame) bool {
		rst, ok := f.(*http2.RSTStreamFrame)
		return ok && rst.ErrCode == http2.ErrCodeRefusedStream
	}) {
		t.Error("the first request got no REFUSED_STREAM")
	}
	w.ask(3)
	if !w.until(func(f http2.Frame) bool {
		away, ok := f.(*http2.GoAwayFrame)
		return ok && away.ErrCode == http2.ErrCodeEnhanceYourCalm
	}) {
		t.Error("the second request got no GOAWAY with ENHANCE_YOUR_CALM")
	}
	if w.until(func(http2.Frame) bool { return false }) {
		t.Error("the connection is open after ENHANCE_YOUR_CALM")
	}
}

func TestPingIsAnswered(t *testing.T) {
	t.Parallel()
	w := dial(t, start(t, fakeapi.Options{}))
	w.must(w.fr.WritePing(false, [8]byte{1, 2}))
	if !w.until(func(f http2.Frame) bool {
		p, ok := f.(*http2.PingFrame)
		return ok && p.IsAck() && p.Data == [8]byte{1, 2}
	}) {
		t.Error("no answer to a PING")
	}
}

func TestDeafConnectionsStayOpenAndSilent(t *testing.T) {
	t.Parallel()
	s := start(t, fakeapi.Options{})
	w := dial(t, s)
	w.ask(1)
	w.until(func(f http2.Frame) bool { d, ok := f.(*http2.DataFrame); return ok && d.StreamEnded() })
	s.Deafen()
	w.must(w.conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond)))
	w.must(w.fr.WritePing(false, [8]byte{1}))
	f, err := w.fr.ReadFrame()
	if err == nil || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("ReadFrame() on a deaf connection = %v, %v, want no frame and no end", f, err)
	}
	if res, _ := get(t, s, "/items/1"); res.StatusCode != 200 {
		t.Errorf("GET on a new connection = %d, want 200", res.StatusCode)
	}
}
