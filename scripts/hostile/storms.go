package main

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// storms are servers that are hostile in the frames of HTTP/2.
func storms() []attack {
	quick := []string{"--timeout", "5s"}
	row := func(name string, items int, play func(p *peer, stream uint32), args ...string) attack {
		return attack{name: "HTTP/2: " + name, items: items, play: play, args: args}
	}
	return append([]attack{
		row("REFUSED_STREAM for ever, for one URL", 1, refuse),
		row("REFUSED_STREAM for ever, for ten URLs", 10, refuse),
		row("GOAWAY(0) again and again", 5, goAway(http2.ErrCodeNo)),
		row("GOAWAY with an error again and again", 5, goAway(http2.ErrCodeInternal)),
		row("a storm of RST_STREAM on all streams", 5, resetAll),
		row("RST_STREAM for streams that never were", 5, flooding(func(f *http2.Framer, stream uint32) error {
			return f.WriteRSTStream(stream, http2.ErrCodeCancel)
		})),
		row("a flood of CONTINUATION", 5, continuations(strings.Repeat("c", 1000))),
		row("a flood of empty CONTINUATION", 5, continuations("")),
		row("a flood of SETTINGS", 5, flooding(func(f *http2.Framer, _ uint32) error {
			return f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 65535}, http2.Setting{ID: http2.SettingHeaderTableSize, Val: 1<<32 - 1})
		})),
		row("a flood of PING", 5, flooding(func(f *http2.Framer, _ uint32) error { return f.WritePing(false, [8]byte{1}) })),
		row("a flood of PRIORITY", 5, flooding(func(f *http2.Framer, stream uint32) error {
			return f.WritePriority(stream, http2.PriorityParam{Weight: 1})
		})),
		row("a flood of WINDOW_UPDATE", 5, flooding(func(f *http2.Framer, _ uint32) error { return f.WriteWindowUpdate(0, 1) })),
		row("a flood of unknown frames", 5, flooding(func(f *http2.Framer, stream uint32) error {
			return f.WriteRawFrame(0xbb, 0, stream, make([]byte, 100))
		})),
		row("a flood of empty DATA", 5, dataFlood(0, 0)),
		row("a flood of padding", 5, dataFlood(0, 255), quick...),
		row("a flood of answers in one byte each", 5, dataFlood(1, 255), quick...),
		row("informational answers without end", 5, informational, quick...),
		row("pushed streams", 5, func(p *peer, stream uint32) {
			_ = p.write(func(f *http2.Framer) error {
				return f.WritePushPromise(http2.PushPromiseParam{StreamID: stream, PromiseID: 2, BlockFragment: head(200), EndHeaders: true})
			})
		}),
		row("HPACK that unpacks to 64 MB", 10, hpackBomb),
		row("HPACK that is damaged", 5, func(p *peer, stream uint32) {
			_ = p.write(func(f *http2.Framer) error {
				return f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: bytes.Repeat([]byte{0xff}, 50), EndHeaders: true})
			})
		}),
		row("a silent black hole for one URL", 1, func(p *peer, _ uint32) { p.deaf() }, quick...),
		row("a silent black hole for five URLs", 5, func(p *peer, _ uint32) { p.deaf() }, quick...),
		row("no answer to some, PING answered", 10, func(*peer, uint32) {}, quick...),
		row("no stream allowed after a hostile item", 3, func(p *peer, _ uint32) {
			_ = p.write(func(f *http2.Framer) error {
				return f.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 0})
			})
		}, quick...),
		row("few header bytes after a hostile item", 3, func(p *peer, stream uint32) {
			_ = p.write(func(f *http2.Framer) error {
				return f.WriteSettings(http2.Setting{ID: http2.SettingMaxHeaderListSize, Val: 16})
			})
			refuse(p, stream)
		}),
	}, scenesOfFrames()...)
}

// scenesOfFrames are those that need more than an answer to one stream.
func scenesOfFrames() []attack {
	return []attack{
		{name: "HTTP/2: few header bytes from the start", landed: noneLands, exits: []int{4}, within: 2 * time.Minute,
			prepare: func(c *scene) ([]string, error) {
				return c.greeted(http2.Setting{ID: http2.SettingMaxHeaderListSize, Val: 16})
			}},
		{name: "HTTP/2: no window for bodies, for ever", within: 3 * time.Minute, args: []string{"--post-is-read", "--timeout", "3s"}, prepare: shutWindow},
		{name: "HTTP/2: no stream is ever allowed", landed: noneLands, exits: []int{5}, within: 3 * time.Minute, args: []string{"--patience", "5s"},
			prepare: func(c *scene) ([]string, error) {
				return c.greeted(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 0})
			}},
		{name: "HTTP/2: one stream at a time", prepare: func(c *scene) ([]string, error) {
			return c.greeted(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 1})
		}},
	}
}

// greeted is a server that is hostile by its first SETTINGS.
func (c *scene) greeted(settings ...http2.Setting) ([]string, error) {
	base, err := c.frames(func(p *peer) {
		_ = p.write(func(f *http2.Framer) error { return f.WriteSettings(settings...) })
	}, refuse)
	if err != nil {
		return nil, err
	}
	return []string{"--corpus", "urls.txt", "--ca", "ca.pem"}, c.urls(base, 0)
}

// shutWindow is a server that takes the body of no request that is hostile.
func shutWindow(c *scene) ([]string, error) {
	base, err := c.frames(func(p *peer) {
		_ = p.write(func(f *http2.Framer) error {
			return f.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
		})
	}, func(*peer, uint32) {})
	if err != nil {
		return nil, err
	}
	var corpus strings.Builder
	for i := range neighbours {
		fmt.Fprintf(&corpus, "{\"url\":\"%s/ok/%d\"}\n", base, i)
		if i < 10 {
			fmt.Fprintf(&corpus, "{\"url\":\"%s/bad/%d\",\"method\":\"POST\",\"body\":{\"q\":\"%s\"}}\n", base, i, strings.Repeat("q", 1000))
		}
	}
	return []string{"--corpus", "urls.jsonl", "--ca", "ca.pem"}, c.write("urls.jsonl", corpus.String())
}

func refuse(p *peer, stream uint32) {
	_ = p.write(func(f *http2.Framer) error { return f.WriteRSTStream(stream, http2.ErrCodeRefusedStream) })
}

func goAway(code http2.ErrCode) func(p *peer, stream uint32) {
	return func(p *peer, _ uint32) {
		_ = p.write(func(f *http2.Framer) error { return f.WriteGoAway(0, code, []byte("go away")) })
	}
}

// resetAll resets the hostile stream and each other that has no answer yet.
func resetAll(p *peer, _ uint32) {
	_ = p.write(func(f *http2.Framer) error {
		for id := range p.open {
			delete(p.open, id)
			if err := f.WriteRSTStream(id, http2.ErrCodeInternal); err != nil {
				return err
			}
		}
		return nil
	})
}

// flooding repeats a frame for ever; its stream is one that the client never opened.
func flooding(frame func(f *http2.Framer, stream uint32) error) func(p *peer, stream uint32) {
	return func(p *peer, stream uint32) {
		p.flood(func(f *http2.Framer) error { return frame(f, stream) })
	}
}

// continuations begins a head that never ends.
func continuations(value string) func(p *peer, stream uint32) {
	return func(p *peer, stream uint32) {
		var block bytes.Buffer
		if value != "" {
			e := hpack.NewEncoder(&block)
			for i := range 10 {
				_ = e.WriteField(hpack.HeaderField{Name: fmt.Sprintf("x-%d", i), Value: value, Sensitive: true}) // in no table
			}
		}
		_ = p.write(func(f *http2.Framer) error { // nothing else may come between
			err := f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: head(200)})
			for deadline := time.Now().Add(20 * time.Second); err == nil && time.Now().Before(deadline); {
				_ = p.conn.SetWriteDeadline(time.Now().Add(5 * time.Second))
				err = f.WriteContinuation(stream, false, block.Bytes())
			}
			return err
		})
		_ = p.conn.Close()
	}
}

func dataFlood(bytes, padding int) func(p *peer, stream uint32) {
	return func(p *peer, stream uint32) {
		_ = p.write(func(f *http2.Framer) error {
			return f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: head(200), EndHeaders: true})
		})
		p.flood(func(f *http2.Framer) error {
			if padding == 0 {
				return f.WriteData(stream, false, make([]byte, bytes))
			}
			return f.WriteDataPadded(stream, false, make([]byte, bytes), make([]byte, padding))
		})
	}
}

func informational(p *peer, stream uint32) {
	block := head(103, hpack.HeaderField{Name: "link", Value: "</" + strings.Repeat("l", 1000) + ">"})
	p.flood(func(f *http2.Framer) error {
		return f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block, EndHeaders: true})
	})
}

// hpackBomb puts a field of 4,000 bytes into the table once and names it 16,000 times, in a byte
// each.
func hpackBomb(p *peer, stream uint32) {
	block := head(200, hpack.HeaderField{Name: "x-bomb", Value: strings.Repeat("b", 3900)})
	block = append(block, bytes.Repeat([]byte{0x80 | 62}, 16_000-len(block))...)
	_ = p.write(func(f *http2.Framer) error {
		return f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block, EndHeaders: true})
	})
}
