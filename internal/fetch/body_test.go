package fetch

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"shoal/internal/fakeapi"
	"shoal/internal/harvest"
)

func replyWith(status int, header map[string]string, body []byte) func(*http.Request) *fakeapi.Reply {
	h := http.Header{}
	for name, value := range header {
		h.Set(name, value)
	}
	return func(*http.Request) *fakeapi.Reply {
		return &fakeapi.Reply{Status: status, Header: h.Clone(), Body: body}
	}
}

func gzipped(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestCodings(t *testing.T) {
	t.Parallel()
	const text = `{"fish":"herring"}`
	gz := gzipped(t, text)
	flipped := bytes.Clone(gz)
	flipped[len(flipped)-6] ^= 1 // in the checksum
	for _, row := range []struct {
		name, coding string
		body         []byte
		fault        harvest.Fault
		want         string
	}{
		{"plain", "", []byte(text), "", text},
		{"identity", "identity", []byte(text), "", text},
		{"gzip", "gzip", gz, "", text},
		{"gzip in capitals", "GZip", gz, "", text},
		{"x-gzip", "x-gzip", gz, "", text},
		{"two members", "gzip", append(bytes.Clone(gz), gz...), "", text + text},
		{"nothing", "gzip", nil, "", ""},
		{"trailing garbage", "gzip", append(bytes.Clone(gz), "garbage behind"...), "", text},
		{"padded with zeros", "gzip", append(bytes.Clone(gz), make([]byte, 512)...), "", text},
		{"one byte behind", "gzip", append(bytes.Clone(gz), 0), "", text},
		{"two members and a line behind", "gzip", slices.Concat(gz, gz, []byte("\r\n")), "", text + text},
		{"what begins as gzip does behind", "gzip", append(bytes.Clone(gz), "\x1f\x8bgarbage behind"...), "", text},
		{"a second member that is truncated", "gzip", slices.Concat(gz, gz[:len(gz)-4]), harvest.FaultPartial, ""},
		{"a second member with a wrong checksum", "gzip", slices.Concat(gz, flipped), harvest.FaultPartial, ""},
		{"truncated, then zeros", "gzip", append(bytes.Clone(gz[:len(gz)-12]), make([]byte, 64)...), harvest.FaultPartial, ""},
		{"truncated", "gzip", gz[:len(gz)-4], harvest.FaultPartial, ""},
		{"wrong checksum", "gzip", flipped, harvest.FaultPartial, ""},
		{"no gzip at all", "gzip", []byte(text), "", text},
		{"twice", "gzip, gzip", gz, harvest.FaultEncoding, ""},
		{"deflate", "deflate", gz, harvest.FaultEncoding, ""},
		{"br", "br", gz, harvest.FaultEncoding, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			protocols(t, func(t *testing.T, o fakeapi.Options) {
				header := map[string]string{"Content-Encoding": row.coding}
				if row.coding == "" {
					header = nil
				}
				o.Behaviour.Answer = replyWith(200, header, row.body)
				s, c := serve(t, o, Config{})
				a, err := get(t.Context(), c, s.URL+"/items/1")
				if got := faultIn(err); got != row.fault {
					t.Fatalf("Send with Content-Encoding %q = %v, want fault %q", row.coding, err, row.fault)
				}
				if err == nil && string(a.Body) != row.want {
					t.Errorf("Body = %q, want %q", a.Body, row.want)
				}
			})
		})
	}
}

// Exactly --max-body bytes pass, one more does not, whether the length was announced or not.
func TestMaxBodyIsExact(t *testing.T) {
	t.Parallel()
	for _, coding := range []string{"", "gzip"} {
		for _, size := range []int{9_999, 10_000, 10_001} {
			text := strings.Repeat("x", size)
			body, header := []byte(text), map[string]string{}
			if coding != "" {
				body, header["Content-Encoding"] = gzipped(t, text), coding
			}
			s, c := serve(t, fakeapi.Options{Behaviour: fakeapi.Behaviour{Answer: replyWith(200, header, body)}}, Config{MaxBody: 10_000})
			want := harvest.FaultNone
			if size > 10_000 {
				want = harvest.FaultTooLarge
			}
			if _, err := get(t.Context(), c, s.URL+"/items/1"); faultIn(err) != want {
				t.Errorf("Send of %d bytes, coding %q, max 10000 = %v, want fault %q", size, coding, err, want)
			}
		}
	}
}

func TestBombTakesNoMemory(t *testing.T) {
	bomb := gzipped(t, strings.Repeat("\x00", 8<<20))
	o := fakeapi.Options{Behaviour: fakeapi.Behaviour{Answer: replyWith(200, map[string]string{"Content-Encoding": "gzip"}, bomb)}}
	s, c := serve(t, o, Config{MaxBody: 256 << 10})
	if _, err := get(t.Context(), c, s.URL+"/items/1"); faultIn(err) != harvest.FaultTooLarge {
		t.Fatalf("Send = %v, want %s", err, harvest.FaultTooLarge)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range 20 {
		if _, err := get(t.Context(), c, s.URL+"/items/1"); faultIn(err) != harvest.FaultTooLarge {
			t.Fatalf("Send = %v, want %s", err, harvest.FaultTooLarge)
		}
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 15<<20 {
		t.Errorf("20 bombs of 8 MiB took %d MiB of memory, want at most 3 times --max-body each", took>>20)
	}
}

func TestBudgetHoldsReserveBack(t *testing.T) {
	t.Parallel()
	o := fakeapi.Options{Behaviour: fakeapi.Behaviour{Answer: replyWith(200, nil, make([]byte, 60_000))}}
	s, c := serve(t, o, Config{Budget: 64 << 10, Streams: 4})
	first, err := get(t.Context(), c, s.URL+"/items/1")
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan error, 1)
	go func() {
		slot, err := c.Reserve(t.Context(), s.URL)
		if err == nil {
			slot.Release()
		}
		got <- err
	}()
	select {
	case err := <-got:
		t.Fatalf("Reserve with the budget used up = %v, want it to wait for Release", err)
	case <-time.After(100 * time.Millisecond):
	}
	first.Release()
	if err := <-got; err != nil {
		t.Fatalf("Reserve after Release = %v, want a slot", err)
	}
	if used := c.Stats().Budget; used != 0 {
		t.Errorf("Stats().Budget = %d, want 0", used)
	}
}

func TestBuffersKeepToTheirClasses(t *testing.T) {
	t.Parallel()
	p := newBuffers(100_000)
	for _, row := range []struct{ want, size int }{
		{0, 4096}, {1, 4096}, {4096, 4096}, {4097, 8192}, {65536, 65536}, {65537, 100_001}, {1 << 30, 100_001},
	} {
		b := p.get(row.want)
		if cap(b.b) != row.size || len(b.b) != 0 {
			t.Errorf("get(%d) = %d of %d bytes, want 0 of %d", row.want, len(b.b), cap(b.b), row.size)
		}
		p.put(b)
	}
}
