package console

import (
	"context"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"shoal/internal/harvest"
	"shoal/internal/status"
)

// The exit codes after a signal.
const (
	ExitSIGINT  = 130
	ExitSIGTERM = 143
)

// Version returns what the build recorded: a release's tag, or the commit.
func Version() string { return harvest.Version() }

// Signals turns the first SIGINT, SIGTERM or SIGHUP (a terminal that has gone) into a request to
// stop. The second leaves at once: what is not landed is fetched again another day.
type Signals struct {
	Stop chan struct{}
	code atomic.Int64
}

// lastMoment is when the program leaves after the first signal, whatever hangs: supervisors kill
// after 30 s.
const lastMoment = 28 * time.Second

// CatchSignals starts to listen. The first signal prints the sentence.
func CatchSignals(screen *status.Screen, sentence string) *Signals {
	return catchSignals(screen, sentence, lastMoment)
}

func catchSignals(screen *status.Screen, sentence string, moment time.Duration) *Signals {
	s := &Signals{Stop: make(chan struct{})}
	caught := make(chan os.Signal, 2)
	signal.Notify(caught, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		sig := <-caught
		s.note(sig)
		close(s.Stop)
		go screen.Interrupted(sig == syscall.SIGINT, sentence) // a blocked terminal must not hide the second signal
		var last func()
		select {
		case sig := <-caught:
			s.note(sig)
			last = func() { screen.Leave(sig == syscall.SIGINT) }
		case <-time.After(moment):
			last = func() {
				fmt.Fprintf(screen, "something does not end within %s and is left behind; what has not landed is fetched again\n", moment)
			}
		}
		briefly(last)
		os.Exit(s.Code())
	}()
	return s
}

// briefly waits a moment for what a blocked terminal may hold up.
func briefly(do func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		do()
	}()
	select {
	case <-done:
	case <-time.After(200 * time.Millisecond):
	}
}

func (s *Signals) note(sig os.Signal) {
	code := ExitSIGINT
	if sig != syscall.SIGINT {
		code = ExitSIGTERM
	}
	s.code.Store(int64(code))
}

// Code returns the exit code of the signal that came, or 0.
func (s *Signals) Code() int { return int(s.code.Load()) }

// Console is where a program talks to a person: logs, sentences and progress on stderr, lines for
// scripts on stdout. If both are one stream, all lines beside those of --progress json are JSON as
// well.
type Console struct {
	Screen *status.Screen
	Log    *slog.Logger
	Mode   string // --progress

	out   io.Writer
	logs  *status.Queue
	meter *status.Meter
}

// New opens the console of a program. Where sentences and progress share a stream of JSON,
// sentences are JSON too.
func New(stdout *os.File, screen *status.Screen, level slog.Level, mode string) *Console {
	c := &Console{Screen: screen, Mode: mode, out: harvest.NewVisible(stdout)}
	c.open(level, mode == status.JSON && screen.Same(stdout))
	return c
}

// NewJSON opens a console for scripts: each sentence and each log line is a line of JSON.
func NewJSON(stdout *os.File, screen *status.Screen, level slog.Level, mode string) *Console {
	c := &Console{Screen: screen, Mode: mode, out: harvest.NewVisible(stdout)}
	c.open(level, true)
	return c
}

func (c *Console) open(level slog.Level, asJSON bool) {
	format := "text"
	if asJSON {
		format = "json"
		c.Screen.ToJSON()
	}
	c.Log, c.logs = status.NewLogger(c.Screen.Logs(), level, format)
	redis.SetLogger(redisLog{c.Log})
	// The HTTP libraries write their complaints about a peer's frames to the standard log.
	log.SetOutput(slog.NewLogLogger(c.Log.Handler(), slog.LevelDebug).Writer())
	log.SetFlags(0)
}

// redisLog keeps the Redis client's own lines away from the bar: it complains of errors that we get
// and report ourselves.
type redisLog struct{ log *slog.Logger }

// Printf implements the Redis client's logger.
func (l redisLog) Printf(ctx context.Context, format string, args ...any) {
	l.log.DebugContext(ctx, "redis client", "message", fmt.Sprintf(format, args...))
}

// Say prints one sentence for a person.
func (c *Console) Say(sentence string) {
	_, _ = fmt.Fprintln(c.Screen, harvest.Line(sentence))
}

// Lines prints a text of several lines, which was made with [harvest.Linef].
func (c *Console) Lines(text string) {
	for line := range strings.SplitSeq(status.Wrap(text, c.Screen.Width()), "\n") {
		c.Say(line)
	}
}

// Watch shows the progress of a worker from now on.
func (c *Console) Watch(get func() harvest.Progress) {
	dropped := func() harvest.Progress {
		p := get()
		p.LogsDropped = c.logs.Dropped()
		return p
	}
	c.meter = status.StartMeter(dropped, status.MeterOptions{
		Mode: c.Mode, Terminal: c.Screen.Is(), Screen: c.Screen, Lines: c.out, Columns: c.columns,
	})
}

func (c *Console) columns() int {
	if width := c.Screen.Width(); width > 0 {
		return width
	}
	return 80
}

// Rest removes the progress from the screen.
func (c *Console) Rest() {
	if c.meter != nil {
		c.meter.Stop()
		c.meter = nil
	}
}

// End is [Console.Rest] with how the program ends, for scripts.
func (c *Console) End(reason string, exit int) {
	if c.meter != nil {
		c.meter.End(status.End{Reason: reason, Exit: exit})
		c.meter = nil
	}
}

// Close prints the last lines.
func (c *Console) Close() {
	c.Rest()
	c.logs.Close(2 * time.Second)
}
