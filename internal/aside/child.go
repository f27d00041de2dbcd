package aside

import (
	"bufio"
	"encoding/binary"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"
)

// Job does one job and passes each frame that it yields to emit. The bytes of job are its own. It
// returns after an error of emit.
type Job func(job []byte, emit func(frame []byte) error) error

// Called reports whether the program was started to do jobs. args are its arguments without the
// program's name.
func Called(args []string) bool { return len(args) == 2 && args[0] == Argument }

// Serve does jobs from in until in ends; it is the whole life of a process that was started to do
// them.
func Serve(args []string, in io.Reader, out io.Writer, do Job) int {
	memory, err := strconv.ParseInt(args[1], 10, 64)
	if err != nil || memory <= 0 {
		return 2
	}
	// A terminal's ^C and a supervisor's SIGTERM reach every process of the group. The process that
	// started us decides.
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	debug.SetMemoryLimit(memory * 3 / 4)
	debug.SetMaxStack(int(min(memory/4, 256<<20)))
	confine(memory)
	parent := os.Getppid()
	r, w := bufio.NewReaderSize(in, 64<<10), bufio.NewWriterSize(out, 64<<10)
	for {
		job, limit, err := read(r)
		if err != nil {
			return 0 // the parent is gone, or does not need this process any more
		}
		done := watch(memory, parent, limit)
		err = do(job, func(frame []byte) error { return send(w, frameValue, frame) })
		kind, text := byte(frameEnd), ""
		if err != nil {
			kind, text = frameError, err.Error()
		}
		done()
		if send(w, kind, []byte(text)) != nil || w.Flush() != nil {
			return 0
		}
	}
}

func read(r *bufio.Reader) (job []byte, limit time.Duration, err error) {
	var head [12]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, 0, err
	}
	job = make([]byte, binary.LittleEndian.Uint32(head[:]))
	_, err = io.ReadFull(r, job)
	return job, time.Duration(binary.LittleEndian.Uint64(head[4:])), err
}

func send(w *bufio.Writer, kind byte, frame []byte) error {
	head := [frameHead]byte{kind}
	binary.LittleEndian.PutUint32(head[1:], uint32(len(frame)))
	if _, err := w.Write(head[:]); err != nil {
		return err
	}
	_, err := w.Write(frame)
	return err
}

// late is how long the process waits, beyond a job's limit, for its starter to end it.
const late = time.Second

// unwatched is how long a job may run before the watch looks at it: most jobs are over by then.
const unwatched = 20 * time.Millisecond

// watch makes the process end itself: when its starter is gone, and when the kernel does not bound
// its memory.
func watch(memory int64, parent int, limit time.Duration) (done func()) {
	begun, over := time.Now(), make(chan struct{})
	timer := time.AfterFunc(unwatched, func() {
		tick := time.NewTicker(unwatched)
		defer tick.Stop()
		for {
			select {
			case <-over:
				return
			case now := <-tick.C:
				if now.Sub(begun) > limit+late || os.Getppid() != parent || heap() > uint64(memory) {
					os.Exit(1)
				}
			}
		}
	})
	return func() {
		close(over)
		timer.Stop()
	}
}
