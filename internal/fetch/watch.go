package fetch

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"net"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"
)

// errFlood ends a connection whose peer sends control frames without end.
var errFlood = errors.New("the peer floods the connection with control frames")

const (
	noCap = 1 << 30 // the peer has set no limit of streams

	// A peer may send this many frames that carry no body, then so many a second, and so many more
	// for each request. Servers send two to five for one request.
	floodBurst      = 10_000
	floodPerSecond  = 1_000
	floodPerRequest = 32
)

// watchedConn also reads the frames that an HTTP/2 peer sends. ClientConn does not report when
// GOAWAY comes, with which last stream, or when the peer changes its cap, and it answers floods of
// PING and SETTINGS for ever.
type watchedConn struct {
	net.Conn
	raw net.Conn // below TLS

	streams  atomic.Int64 // the peer's cap, noCap until it names one
	pongs    atomic.Int64
	requests atomic.Int64 // sent by us; raises the flood limit
	heard    atomic.Int64 // when the peer last sent anything
	onGoAway func(last uint32, code http2.ErrCode)
	onCap    func(streams int64)
	onPong   func()
	onClose  func()

	// Only for the reading goroutine.
	head     [9]byte
	have     int    // bytes of head
	left     uint32 // payload bytes of the frame still to come
	part     [8]byte
	filled   int // bytes of part
	credit   int64
	seen     int64 // requests already in credit
	refilled time.Time
}

func newWatchedConn(c net.Conn) *watchedConn {
	w := &watchedConn{Conn: c, raw: c, credit: floodBurst, refilled: time.Now()}
	if t, ok := c.(*tls.Conn); ok {
		w.raw = t.NetConn()
	}
	w.streams.Store(noCap)
	w.heard.Store(time.Now().UnixNano())
	return w
}

// Read passes bytes on and follows the frames in them.
func (w *watchedConn) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if n > 0 {
		w.heard.Store(time.Now().UnixNano())
	}
	w.follow(p[:n])
	if w.credit < 0 {
		return 0, errFlood
	}
	return n, err
}

// Close closes without waiting for a peer that does not read: TLS would try for 5 s to send its
// farewell.
func (w *watchedConn) Close() error {
	t := time.AfterFunc(250*time.Millisecond, func() { w.raw.Close() })
	defer t.Stop()
	err := w.Conn.Close()
	w.onClose()
	return err
}

func (w *watchedConn) follow(p []byte) {
	for len(p) > 0 {
		if w.have < len(w.head) {
			n := copy(w.head[w.have:], p)
			w.have += n
			p = p[n:]
			if w.have == len(w.head) {
				w.begin()
			}
			continue
		}
		n := min(len(p), int(w.left))
		w.payload(p[:n])
		p = p[n:]
		w.left -= uint32(n)
		if w.left == 0 {
			w.have = 0
		}
	}
}

func (w *watchedConn) kind() http2.FrameType { return http2.FrameType(w.head[3]) }

func (w *watchedConn) begin() {
	w.left = uint32(w.head[0])<<16 | uint32(w.head[1])<<8 | uint32(w.head[2])
	w.filled = 0
	if w.kind() != http2.FrameData || w.left == 0 {
		w.charge()
	}
	if w.kind() == http2.FramePing && http2.Flags(w.head[4]).Has(http2.FlagPingAck) {
		w.pongs.Add(1)
		w.onPong()
	}
	if w.left == 0 {
		w.have = 0
	}
}

// charge counts one frame. Once the burst is used up it looks at the clock and at our own requests;
// a peer that has earned no more by then is flooding.
func (w *watchedConn) charge() {
	w.credit--
	if w.credit >= 0 {
		return
	}
	now, requests := time.Now(), w.requests.Load()
	w.credit += int64(now.Sub(w.refilled).Seconds()*floodPerSecond) + (requests-w.seen)*floodPerRequest
	w.credit = min(w.credit, floodBurst)
	w.refilled, w.seen = now, requests
}

// payload follows the two kinds of frame whose content matters.
func (w *watchedConn) payload(p []byte) {
	switch w.kind() {
	case http2.FrameSettings:
		for len(p) > 0 {
			n := copy(w.part[w.filled:6], p)
			w.filled += n
			p = p[n:]
			if w.filled == 6 {
				w.setting()
				w.filled = 0
			}
		}
	case http2.FrameGoAway:
		if w.filled == 8 {
			return
		}
		w.filled += copy(w.part[w.filled:8], p)
		if w.filled == 8 {
			last := binary.BigEndian.Uint32(w.part[:4]) & (1<<31 - 1)
			w.onGoAway(last, http2.ErrCode(binary.BigEndian.Uint32(w.part[4:8])))
		}
	}
}

func (w *watchedConn) setting() {
	if http2.SettingID(binary.BigEndian.Uint16(w.part[:2])) != http2.SettingMaxConcurrentStreams {
		return
	}
	streams := int64(min(binary.BigEndian.Uint32(w.part[2:6]), noCap))
	w.streams.Store(streams)
	w.onCap(streams)
}
