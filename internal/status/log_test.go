package status

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
)

// stuck is a pipe without a reader until it is opened.
type stuck struct {
	open    chan struct{}
	entered chan struct{}
}

func newStuck() *stuck {
	return &stuck{open: make(chan struct{}), entered: make(chan struct{}, 1)}
}

func (s *stuck) Write(p []byte) (int, error) {
	select {
	case s.entered <- struct{}{}:
	default:
	}
	<-s.open
	return len(p), nil
}

func TestBlockedWriterDropsAndCounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pipe := newStuck()
		log, queue := NewLogger(pipe, slog.LevelInfo, "text")
		log.Info("first")
		<-pipe.entered
		const more = 30
		for range queued + more {
			log.Info("next")
		}
		if got := queue.Dropped(); got != more {
			t.Errorf("Dropped() = %d, want %d", got, more)
		}
		began := time.Now()
		queue.Close(3 * time.Second)
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("Close(3s) on a blocked writer took %v, want 3s", took)
		}
		if got := queue.Dropped(); got != queued+more {
			t.Errorf("Dropped() after Close = %d, want %d", got, queued+more)
		}
		log.Info("too late")
		if got := queue.Dropped(); got != queued+more+1 {
			t.Errorf("Dropped() after a late line = %d, want %d", got, queued+more+1)
		}
		close(pipe.open)
	})
}

func TestCloseLetsLinesOut(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log, queue := NewLogger(&out, slog.LevelInfo, "text")
	for range 500 {
		log.Info("landed")
	}
	log.Debug("below the level")
	queue.Close(time.Minute)
	queue.Close(time.Minute)
	if got := strings.Count(out.String(), "msg=landed"); got != 500 || queue.Dropped() != 0 {
		t.Errorf("after Close: %d lines, %d dropped, want 500, 0", got, queue.Dropped())
	}
	if strings.Contains(out.String(), "below") {
		t.Error("a debug line passed at level info")
	}
}

func TestFailingWriterIsCounted(t *testing.T) {
	t.Parallel()
	log, queue := NewLogger(failing{}, slog.LevelInfo, "json")
	log.Info("lost")
	queue.Close(time.Minute)
	if got := queue.Dropped(); got != 1 {
		t.Errorf("Dropped() = %d, want 1", got)
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestLogsHoldNoControlCharacters(t *testing.T) {
	t.Parallel()
	hostile := "a\x1b[2Jb\nlevel=ERROR msg=forged\r\u009b31m\u202e\u2028\x00\x7f"
	for _, format := range []string{"text", "json"} {
		var out bytes.Buffer
		log, queue := NewLogger(&out, slog.LevelInfo, format)
		log.Info(hostile, "url", hostile, hostile, 1, "err", errors.New(hostile))
		queue.Close(time.Minute)
		line := out.String()
		if strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, "\n") {
			t.Errorf("%s: %q, want one line", format, line)
		}
		if i := strings.IndexFunc(strings.TrimSuffix(line, "\n"), func(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) }); i >= 0 {
			t.Errorf("%s: unsafe character at %d of %q", format, i, line)
		}
		var back map[string]any
		if format == "json" {
			if err := json.Unmarshal([]byte(line), &back); err != nil || back["url"] != hostile {
				t.Errorf("json: %q reads back as %q, %v, want the same text", line, back["url"], err)
			}
		}
	}
}

func TestScreenKeepsTheBarBelow(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s := NewScreen(&out)
	write := func(text string) {
		if _, err := io.WriteString(s, text); err != nil {
			t.Fatal(err)
		}
	}
	write("one\n")
	s.draw("BAR1")
	write("two\n")
	s.draw("BAR2")
	s.draw("")
	s.draw("")
	write("three\n")
	on := func(bar string) string { return cutOn + bar + cutOff }
	want := "one\n" + clearLine + on("BAR1") + clearLine + "two\n" + on("BAR1") + clearLine + on("BAR2") + clearLine + "three\n"
	if out.String() != want {
		t.Errorf("screen got %q, want %q", out.String(), want)
	}
}
