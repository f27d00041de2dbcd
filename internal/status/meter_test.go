package status

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"shoal/internal/harvest"
)

// recorder is a terminal that remembers.
type recorder struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.Write(p)
}

func (r *recorder) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.String()
}

// running is a worker that ends 50 items a second.
func running(began time.Time) func() harvest.Progress {
	return func() harvest.Progress {
		p := busy()
		p.Started, p.Now = began, time.Now()
		p.Counts = harvest.Counts{Landed: int64(p.Now.Sub(began).Seconds() * 50)}
		return p
	}
}

// meter runs a [Meter] for some time of a fake clock and returns what it showed.
func meter(t *testing.T, o MeterOptions, during time.Duration, get func() harvest.Progress) (shown string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		out := &recorder{}
		o.Screen = NewScreen(out)
		if get == nil {
			get = running(time.Now())
		}
		m := StartMeter(get, o)
		<-time.After(during)
		synctest.Wait()
		m.Stop()
		m.Stop()
		shown = out.String()
	})
	return shown
}

func TestMeterPlain(t *testing.T) {
	t.Parallel()
	got := meter(t, MeterOptions{Mode: Auto}, 5*time.Minute+time.Second, nil)
	lines := strings.Split(strings.TrimSuffix(got, "\n"), "\n")
	if len(lines) != 5 || strings.ContainsAny(got, "\x1b\r") {
		t.Errorf("in 5 minutes: %q, want 5 lines without control characters", got)
	}
	if want := "103,010/300,000, 49.6 of 50/s, limit: budget, ETA 1h"; !strings.Contains(lines[0], want) {
		t.Errorf("first line = %q, want it to say %q", lines[0], want)
	}
}

func TestMeterPlainTellsOfANoteAtOnce(t *testing.T) {
	t.Parallel()
	noted := func() harvest.Progress {
		p := busy()
		p.Now, p.Note = time.Now(), "store full"
		return p
	}
	if got := meter(t, MeterOptions{Mode: Plain}, 30*time.Second, noted); strings.Count(got, "store full") != 1 {
		t.Errorf("in 30 s with a note: %q, want one line", got)
	}
}

func TestMeterBar(t *testing.T) {
	t.Parallel()
	widths := 0
	got := meter(t, MeterOptions{Mode: Auto, Terminal: true, Columns: func() int { widths++; return 100 }}, 10*time.Second+time.Millisecond, nil)
	frames := strings.Split(got, clearLine)
	if len(frames) != 52 || frames[0] != "" || frames[51] != "" {
		t.Errorf("in 10 s: %d frames, last %q, want 50 and an empty one", len(frames)-2, frames[len(frames)-1])
	}
	if widths != 50 || !strings.Contains(frames[50], "█") || strings.Contains(got, "\n") {
		t.Errorf("asked %d times for the width, last frame %q, want 50 times and a bar without line breaks", widths, frames[50])
	}
}

func TestMeterJSON(t *testing.T) {
	t.Parallel()
	lines := &recorder{}
	if got := meter(t, MeterOptions{Mode: JSON, Lines: lines}, 10*time.Second+time.Millisecond, nil); got != "" {
		t.Errorf("on the screen: %q, want nothing", got)
	}
	var last Snapshot
	all := strings.Split(strings.TrimSuffix(lines.String(), "\n"), "\n")
	for i, line := range all {
		if err := json.Unmarshal([]byte(line), &last); err != nil {
			t.Fatalf("line %d: %q: %v", i, line, err)
		}
		if last.Final != (i == len(all)-1) {
			t.Errorf("line %d of %d: final = %v", i+1, len(all), last.Final)
		}
	}
	if len(all) < 10 || len(all) > 12 || *last.Total != 300_000 || last.Done != 100_500 || last.Landed != 500 || last.ETA == nil || last.Silent != nil {
		t.Errorf("%d lines, the last is %+v, want one a second and the numbers of the worker", len(all), last)
	}
}

// TestSnapshotNames pins the names that scripts rely on.
func TestSnapshotNames(t *testing.T) {
	t.Parallel()
	const want = "type time run shard elapsed_s final reason exit_code total total_estimated done already seen landed missing skipped dead rejected " +
		"requests retries pauses in_flight rate budget lowered_to limit silent_until eta_s " +
		"wire_bytes body_bytes bytes_per_item expected_bytes note corpus_ended logs_dropped"
	var names []string
	for field := range reflect.TypeFor[Snapshot]().Fields() {
		names = append(names, field.Tag.Get("json"))
	}
	if got := strings.Join(names, " "); got != want {
		t.Errorf("names of Snapshot = %q, want %q", got, want)
	}
	line, err := json.Marshal(snapshotOf(viewOf(harvest.Progress{}, 0), false))
	if err != nil || !strings.Contains(string(line), `"total":null`) || !strings.Contains(string(line), `"eta_s":null`) {
		t.Errorf("a snapshot of nothing = %s, %v, want null for what is not known", line, err)
	}
}

func TestMeterMeasuresTheRate(t *testing.T) {
	t.Parallel()
	began := time.Time{}
	get := func() harvest.Progress {
		if began.IsZero() {
			began = time.Now()
		}
		p := harvest.Progress{Started: began, Now: time.Now(), Budget: 50, Total: 1000}
		p.Requests = int64(p.Now.Sub(began).Seconds() * 25)
		return p
	}
	if got := meter(t, MeterOptions{Mode: Plain}, time.Minute+time.Second, get); !strings.Contains(got, "25 of 50/s") {
		t.Errorf("with 25 requests/s: %q, want it to say 25 of 50/s", got)
	}
}

func TestMeterNone(t *testing.T) {
	t.Parallel()
	if got := meter(t, MeterOptions{Mode: None}, 5*time.Minute, nil); got != "" {
		t.Errorf("in mode none: %q, want nothing", got)
	}
}

func TestStopDoesNotWaitForABlockedTerminal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		pipe := newStuck()
		m := StartMeter(running(time.Now()), MeterOptions{Mode: Bar, Screen: NewScreen(pipe)})
		<-pipe.entered
		began := time.Now()
		m.Stop()
		if took := time.Since(began); took != time.Second {
			t.Errorf("Stop() on a blocked terminal took %v, want 1s", took)
		}
		close(pipe.open)
	})
}
