package cmd_test

import (
	"bytes"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"shoal/internal/harvest"
	"shoal/internal/testenv"
)

// rawPeer serves HTTP/2 frame by frame: each item except the poison, for which harm is called.
// False ends the connection.
func rawPeer(t *testing.T, settings []http2.Setting, harm func(f *http2.Framer, conn net.Conn, stream uint32) bool) (base, ca string) {
	t.Helper()
	https := httptest.NewTLSServer(nil)
	t.Cleanup(https.Close)
	ca = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: https.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: https.TLS.Certificates, NextProtos: []string{"h2"}})
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
				if _, err := io.ReadFull(conn, make([]byte, len(http2.ClientPreface))); err == nil {
					playPeer(conn, settings, harm)
				}
			}()
		}
	}()
	return "https://" + l.Addr().String(), ca
}

func playPeer(conn net.Conn, settings []http2.Setting, harm func(f *http2.Framer, conn net.Conn, stream uint32) bool) {
	framer := http2.NewFramer(conn, conn)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	_ = framer.WriteSettings(settings...)
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			return
		}
		switch f := frame.(type) {
		case *http2.PingFrame:
			if !f.IsAck() {
				_ = framer.WritePing(true, f.Data)
			}
		case *http2.SettingsFrame:
			if !f.IsAck() {
				_ = framer.WriteSettingsAck()
			}
		case *http2.MetaHeadersFrame:
			if f.PseudoValue("path") == "/items/7" {
				if !harm(framer, conn, f.StreamID) {
					return
				}
				continue
			}
			var head bytes.Buffer
			_ = hpack.NewEncoder(&head).WriteField(hpack.HeaderField{Name: ":status", Value: "200"})
			_ = framer.WriteHeaders(http2.HeadersFrameParam{StreamID: f.StreamID, BlockFragment: head.Bytes(), EndHeaders: true})
			_ = framer.WriteData(f.StreamID, true, []byte(`{"ok":true}`))
		}
	}
}

// rawHarvest runs the real worker over 40 items of the peer.
func rawHarvest(t *testing.T, base, ca string) (code int, said string, counts harvest.Counts, dead []string) {
	t.Helper()
	dir := t.TempDir()
	var urls strings.Builder
	for i := range 40 {
		fmt.Fprintf(&urls, "%s/items/%d\n", base, i)
	}
	corpus, url := filepath.Join(dir, "urls.txt"), "sqlite:"+filepath.Join(dir, "shoal.db")
	if err := os.WriteFile(corpus, []byte(urls.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), testenv.Build(t, "./cmd/worker"), "--run", "r", "--corpus", corpus, "--rate", "100", "--retries", "1", "--store", url, "--progress", "none", "--patience", "2m")
	cmd.Env = append(os.Environ(), "SHOAL_CA="+ca)
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		code = exit.ExitCode()
	}
	counts, lost := outcomes(t, url)
	for _, l := range lost {
		dead = append(dead, string(l.Outcome)+" "+l.Reason)
	}
	return code, string(out), counts, dead
}

func TestAPeerThatTakesFewHeaderBytesEndsNoItem(t *testing.T) {
	t.Parallel()
	base, ca := rawPeer(t, []http2.Setting{{ID: http2.SettingMaxHeaderListSize, Val: 20}}, func(*http2.Framer, net.Conn, uint32) bool { return true })
	code, said, counts, _ := rawHarvest(t, base, ca)
	if code != 4 || counts.Items() != 0 || !strings.Contains(said, "SETTINGS_MAX_HEADER_LIST_SIZE") {
		t.Errorf("the worker ended with %d and %+v, want 4, no item ended and the setting named\n%s", code, counts, said)
	}
}

// One URL that breaks a shared connection costs its neighbours no try, and is not requested for
// ever.
func TestOneURLThatBreaksConnectionsHarmsNoNeighbour(t *testing.T) {
	t.Parallel()
	for name, harm := range map[string]func(f *http2.Framer, conn net.Conn, stream uint32) bool{
		"REFUSED_STREAM": func(f *http2.Framer, _ net.Conn, stream uint32) bool {
			return f.WriteRSTStream(stream, http2.ErrCodeRefusedStream) == nil
		},
		"GOAWAY(0)": func(f *http2.Framer, _ net.Conn, _ uint32) bool {
			_ = f.WriteGoAway(0, http2.ErrCodeNo, nil)
			return false
		},
		"a black hole": func(f *http2.Framer, conn net.Conn, _ uint32) bool {
			_ = conn.SetReadDeadline(time.Now().Add(time.Second)) // nothing is answered any more, then the connection is lost
			for {
				if _, err := f.ReadFrame(); err != nil {
					return false
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int64
			base, ca := rawPeer(t, nil, func(f *http2.Framer, conn net.Conn, stream uint32) bool {
				asked.Add(1)
				return harm(f, conn, stream)
			})
			code, said, counts, dead := rawHarvest(t, base, ca)
			if code != 3 || counts.Landed != 39 || counts.Dead != 1 || len(dead) != 1 || asked.Load() > 12 {
				t.Errorf("the worker ended with %d, %+v, %v; the URL was asked for %d times; want 3, all neighbours landed, it dead after at most 12\n%s", code, counts, dead, asked.Load(), said)
			}
		})
	}
}
