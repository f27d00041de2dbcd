package aside

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"time"
)

// Pool holds processes that do jobs. It is safe for concurrent use.
type Pool struct {
	program string
	name    string
	memory  int64
	places  chan struct{}

	mu     sync.Mutex
	idle   []*process
	closed bool
}

// New makes a pool of at most size processes of this program, each of which may take memory bytes.
// It starts none.
func New(size int, memory int64) (*Pool, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return &Pool{program: program, name: os.Args[0], memory: memory, places: make(chan struct{}, max(1, size))}, nil
}

// Do runs one job, whose bytes are the parts joined, and passes each frame that it yields to visit;
// a frame is valid until visit returns. An error of visit ends the job. If a job ends a process
// that had done others before, Do runs it once more in a new process: what the others left behind
// may have been too much, not this job.
func (p *Pool) Do(limit time.Duration, visit func(frame []byte) error, parts ...[]byte) error {
	p.places <- struct{}{}
	defer func() { <-p.places }()
	for {
		proc, err := p.take()
		if err != nil {
			return err
		}
		fresh, visited := proc.jobs == 0, false
		err = proc.do(limit, func(frame []byte) error { visited = true; return visit(frame) }, parts)
		var own jobError
		if err == nil || errors.As(err, &own) {
			p.put(proc)
			return err
		}
		proc.end()
		if !errors.Is(err, ErrDied) {
			return err
		}
		if fresh || visited {
			return fmt.Errorf("%w: it may have %d MiB", err, p.memory>>20)
		}
	}
}

// jobError is an error of the job itself: its process is still usable.
type jobError struct{ text string }

func (e jobError) Error() string { return e.text }

func (p *Pool) take() (*process, error) {
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		proc := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return proc, nil
	}
	p.mu.Unlock()
	return p.start()
}

func (p *Pool) put(proc *process) {
	p.mu.Lock()
	closed := p.closed
	if !closed {
		p.idle = append(p.idle, proc)
	}
	p.mu.Unlock()
	if closed {
		proc.end()
	}
}

// Close ends the idle processes at once, and each busy one after its job.
func (p *Pool) Close() error {
	p.mu.Lock()
	idle := p.idle
	p.idle, p.closed = nil, true
	p.mu.Unlock()
	for _, proc := range idle {
		proc.end()
	}
	return nil
}

// process is one process that does jobs.
type process struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	buf  []byte
	jobs int
}

func (p *Pool) start() (*process, error) {
	cmd := exec.Command(p.program) //nolint:noctx // it outlives the call that starts it, and is ended by its pipe
	cmd.Args = []string{p.name, Argument, strconv.FormatInt(p.memory, 10)}
	cmd.Env = []string{"GOMAXPROCS=2", "GOTRACEBACK=none"}
	cmd.Dir = string(os.PathSeparator)
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return &process{cmd: cmd, in: in, out: bufio.NewReaderSize(out, 64<<10)}, nil
}

// end ends the process, whatever it is doing.
func (p *process) end() {
	_ = p.cmd.Process.Kill() // it may have ended by itself
	_ = p.in.Close()
	_ = p.cmd.Wait()
}

// do runs one job. After an error that is not a [jobError] the process is not usable any more.
func (p *process) do(limit time.Duration, visit func([]byte) error, parts [][]byte) error {
	late := make(chan struct{})
	timer := time.AfterFunc(limit, func() {
		close(late)
		_ = p.cmd.Process.Kill() // wakes the reader of its pipes
	})
	err := p.exchange(limit, visit, parts)
	p.jobs++
	if !timer.Stop() {
		<-late
		var own jobError
		if err == nil || errors.As(err, &own) || errors.Is(err, ErrDied) {
			return fmt.Errorf("%w %s", ErrTime, limit)
		}
	}
	return err
}

func (p *process) exchange(limit time.Duration, visit func([]byte) error, parts [][]byte) error {
	total := 0
	for _, part := range parts {
		total += len(part)
	}
	head := binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint32(p.buf[:0], uint32(total)), uint64(limit))
	if len(parts) > 0 { // a small one goes with the head, in one write
		head = append(head, parts[0]...)
		parts = parts[1:]
	}
	if _, err := p.in.Write(head); err != nil {
		return fmt.Errorf("%w: %w", ErrDied, err)
	}
	p.buf = head
	for _, part := range parts {
		if _, err := p.in.Write(part); err != nil {
			return fmt.Errorf("%w: %w", ErrDied, err)
		}
	}
	return p.replies(visit)
}

func (p *process) replies(visit func([]byte) error) error {
	for {
		head, err := p.out.Peek(frameHead)
		if err != nil {
			return ErrDied
		}
		kind, length := head[0], int(binary.LittleEndian.Uint32(head[1:]))
		_, _ = p.out.Discard(frameHead) // they are there
		if cap(p.buf) < length {
			p.buf = make([]byte, length)
		}
		frame := p.buf[:length]
		if _, err := io.ReadFull(p.out, frame); err != nil {
			return ErrDied
		}
		if cap(p.buf) > maxKept {
			p.buf = nil
		}
		switch kind {
		case frameValue:
			if err := visit(frame); err != nil {
				return err
			}
		case frameError:
			return jobError{string(frame)}
		default:
			return nil
		}
	}
}

// maxKept is the largest buffer that is kept for the next job.
const maxKept = 1 << 20
