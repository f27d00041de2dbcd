package fetch

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"

	"shoal/internal/harvest"
)

const (
	// errorBody is how much is read of an answer that is not a success: enough to see its message.
	errorBody = 64 << 10

	// maxAnnounced is how much memory an announced length may claim before bytes have come.
	maxAnnounced = 1 << 20
)

// errCorrupt is wrapped when a gzip body is damaged.
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

// read inflates the whole body into s: one member after the other. What follows the last one is
// read to the body's end, which must be there, and left out, as curl --compressed leaves it out:
// padding, mostly.
func (z *inflater) read(s *sink, limit int64) (tooLong bool, err error) {
	if _, err := z.in.Peek(1); errors.Is(err, io.EOF) {
		return false, nil // no body at all, whatever the header promised
	}
	for members := 0; ; members++ {
		if err = z.out.Reset(&z.in); members > 0 && errors.Is(err, gzip.ErrHeader) {
			return z.skip(limit)
		}
		if err == nil {
			z.out.Multistream(false)
			tooLong, err = s.fill(&z.out, limit)
		}
		if err != nil || tooLong {
			return tooLong, damage(err)
		}
		head, err := z.in.Peek(len(gzipMark))
		if err != nil && !errors.Is(err, io.EOF) {
			return false, err
		}
		if string(head) != gzipMark {
			return z.skip(limit)
		}
	}
}

// skip reads to the end of the body.
func (z *inflater) skip(limit int64) (tooLong bool, err error) {
	n, err := io.Copy(io.Discard, io.LimitReader(&z.in, limit+1))
	return n > limit, err
}

// damage marks an error that the packed bytes are to blame for.
func damage(err error) error {
	var corrupt flate.CorruptInputError
	if errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || errors.As(err, &corrupt) {
		return fmt.Errorf("%w: %w", errCorrupt, err)
	}
	return err
}

// readBody reads a whole body into a sink, which the caller closes in any case. Of an answer that
// is not a success it reads what it can get: its status and headers matter, not how it ended.
func (c *Client) readBody(resp *http.Response, s *sink, wire *atomic.Int64, calm func() bool) (replaced bool, err error) {
	success := isSuccess(resp.StatusCode)
	limit := c.cfg.MaxBody
	if !success {
		limit = min(limit, errorBody)
	}
	fail := func(fault harvest.Fault, err error) (bool, error) {
		if !success {
			return false, nil
		}
		return false, &harvest.Failure{Fault: fault, Status: resp.StatusCode, Err: err}
	}
	declared, err := codingOf(resp.Header, c.cfg.Raw)
	if err != nil {
		return fail(harvest.FaultEncoding, err)
	}
	if success && declared == codingNone && resp.ContentLength > limit {
		return fail(harvest.FaultTooLarge, tooLarge(limit))
	}
	if err := c.openSink(s, resp, declared == codingGzip); err != nil {
		return fail(memoryFault(err), err)
	}
	if s.buf == nil {
		return false, nil
	}
	found, tooLong, err := c.pour(s, &meter{r: resp.Body, n: wire}, declared, limit)
	if tooLong && !success { // its beginning is enough
		s.buf.b, tooLong = s.buf.b[:min(limit, int64(len(s.buf.b)))], false
	}
	if err == nil && !tooLong {
		replaced, tooLong, err = c.decode(resp.Header, s, limit)
	}
	switch {
	case errors.Is(err, harvest.ErrMemory):
		return fail(harvest.FaultTooLarge, err)
	case err != nil:
		return fail(bodyFault(err, calm()), explained(err))
	case tooLong:
		s.buf.b = s.buf.b[:min(limit, int64(len(s.buf.b)))]
		return fail(harvest.FaultTooLarge, tooLarge(limit))
	}
	if found == codingGzip || declared == codingGzip {
		resp.Header.Del("Content-Encoding")
		resp.Header.Del("Content-Length")
	}
	return replaced, nil
}

func isSuccess(status int) bool { return status >= 200 && status <= 299 }

func tooLarge(limit int64) error {
	return fmt.Errorf("the body has more than %d decoded bytes (--max-body)", limit)
}

// openSink gives the sink its first buffer: of the announced length, or as large as recent bodies.
func (c *Client) openSink(s *sink, resp *http.Response, gz bool) error {
	switch {
	case resp.ContentLength == 0 || resp.Body == http.NoBody:
	case resp.ContentLength > 0 && !gz:
		return s.open(int(min(resp.ContentLength+1, maxAnnounced)))
	default:
		return s.open(int(min(c.typical.Load(), maxAnnounced)))
	}
	return nil
}

// memoryFault returns the fault of a body without memory: it needs too much, or the caller has
// stopped waiting.
func memoryFault(err error) harvest.Fault {
	if errors.Is(err, harvest.ErrMemory) {
		return harvest.FaultTooLarge
	}
	return harvest.FaultReset
}

// pour fills the sink, unpacked; found is the coding that the body had.
func (c *Client) pour(s *sink, r io.Reader, declared coding, limit int64) (found coding, tooLong bool, err error) {
	if declared == codingNone && c.cfg.Raw {
		tooLong, err = s.fill(r, limit)
		return declared, tooLong, err
	}
	z := c.inflaters.get(r)
	defer c.inflaters.put(z)
	if found = sniff(&z.in, declared, c.cfg.Raw); found == codingNone {
		tooLong, err = s.fill(&z.in, limit)
		return found, tooLong, err
	}
	tooLong, err = z.read(s, limit)
	return found, tooLong, err
}
