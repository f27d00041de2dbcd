package fetch

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"

	"shoal/internal/harvest"
)

const (
	// errorBody is how much is read of an answer that is no success: enough to see what it says.
	errorBody = 64 << 10

	// announcedAtMost is how much memory an announced length may claim before bytes have come.
	announcedAtMost = 1 << 20
)

// errCorrupt is wrapped when a gzip body is damaged or followed by something else.
var errCorrupt = errors.New("the gzip body is damaged")

// meter counts the bytes that come from the network.
type meter struct {
	r io.Reader
	n *atomic.Int64
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	m.n.Add(int64(n))
	return n, err
}

// inflater is what one gzip body needs; it is kept for the next one.
type inflater struct {
	in  bufio.Reader
	out gzip.Reader
}

type inflaters struct{ pool sync.Pool }

func (p *inflaters) get(r io.Reader) *inflater {
	z, ok := p.pool.Get().(*inflater)
	if !ok {
		z = &inflater{in: *bufio.NewReaderSize(nil, 16<<10)}
	}
	z.in.Reset(r)
	return z
}

func (p *inflaters) put(z *inflater) {
	z.in.Reset(nil)
	p.pool.Put(z)
}

// read inflates the whole body into s.
func (z *inflater) read(s *sink, limit int64) (tooLong bool, err error) {
	if _, err := z.in.Peek(1); errors.Is(err, io.EOF) {
		return false, nil // no body at all, whatever the header promised
	}
	if err = z.out.Reset(&z.in); err == nil {
		tooLong, err = s.fill(&z.out, limit)
	}
	var corrupt flate.CorruptInputError
	if errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || errors.As(err, &corrupt) {
		err = fmt.Errorf("%w: %w", errCorrupt, err)
	}
	return tooLong, err
}

// zipped reads the Content-Encoding. One gzip is all that was asked for.
func zipped(h http.Header) (bool, error) {
	coding := ""
	for _, line := range h.Values("Content-Encoding") {
		for one := range strings.SplitSeq(line, ",") {
			one = strings.ToLower(strings.TrimSpace(one))
			if one == "" || one == "identity" {
				continue
			}
			if coding != "" || (one != "gzip" && one != "x-gzip") {
				return false, fmt.Errorf("Content-Encoding %s was not asked for; only one gzip was", harvest.Quote(strings.Join(h.Values("Content-Encoding"), ", ")))
			}
			coding = one
		}
	}
	return coding != "", nil
}

// readBody takes a whole body into a sink, which the caller closes in any case.
// Of an answer that is no success it takes what it can get, since its status and
// headers matter, not how it ended.
func (c *Client) readBody(resp *http.Response, s *sink, wire *atomic.Int64, calm func() bool) error {
	success := isSuccess(resp.StatusCode)
	limit := c.cfg.MaxBody
	if !success {
		limit = min(limit, errorBody)
	}
	fail := func(fault harvest.Fault, err error) error {
		if !success {
			return nil
		}
		return &harvest.Failure{Fault: fault, Status: resp.StatusCode, Err: err}
	}
	gz, err := zipped(resp.Header)
	if err != nil {
		return fail(harvest.FaultEncoding, err)
	}
	if success && !gz && resp.ContentLength > limit {
		return fail(harvest.FaultTooLarge, tooLarge(limit))
	}
	c.openSink(s, resp, gz)
	if s.buf == nil {
		return nil
	}
	tooLong, err := c.pour(s, &meter{r: resp.Body, n: wire}, gz, limit)
	switch {
	case err != nil:
		return fail(bodyFault(err, calm()), told(err))
	case tooLong:
		s.buf.b = s.buf.b[:limit]
		return fail(harvest.FaultTooLarge, tooLarge(limit))
	}
	if gz {
		resp.Header.Del("Content-Encoding")
		resp.Header.Del("Content-Length")
	}
	return nil
}

func isSuccess(status int) bool { return status >= 200 && status <= 299 }

func tooLarge(limit int64) error {
	return fmt.Errorf("the body has more than %d decoded bytes (--max-body)", limit)
}

// openSink gives the sink its first buffer: of the announced length, or as much
// as bodies took lately.
func (c *Client) openSink(s *sink, resp *http.Response, gz bool) {
	switch {
	case resp.ContentLength == 0 || resp.Body == http.NoBody:
	case resp.ContentLength > 0 && !gz:
		s.open(int(min(resp.ContentLength+1, announcedAtMost)))
	default:
		s.open(int(min(c.typical.Load(), announcedAtMost)))
	}
}

func (c *Client) pour(s *sink, r io.Reader, gz bool, limit int64) (tooLong bool, err error) {
	if !gz {
		return s.fill(r, limit)
	}
	z := c.inflaters.get(r)
	defer c.inflaters.put(z)
	return z.read(s, limit)
}
