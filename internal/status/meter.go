package status

import (
	"encoding/json"
	"io"
	"sync"
	"time"

	"shoal/internal/harvest"
)

// How progress is shown.
const (
	Auto  = "auto"  // Bar on a terminal, else Plain
	Bar   = "bar"   // a few lines, redrawn in their place; one where the terminal has room for no more
	Plain = "plain" // a line a minute
	JSON  = "json"  // a line a second, see Snapshot
	None  = "none"
)

// MeterOptions are how a [Meter] shows progress.
type MeterOptions struct {
	Mode     string
	Terminal bool       // Screen is a terminal
	Screen   *Screen    // shared with the logger
	Lines    io.Writer  // where JSON lines go; nil: to Screen
	Columns  func() int // of the terminal, asked at each redraw; nil: 80
}

// Meter shows what a worker is doing, again and again, from a goroutine of its own.
type Meter struct {
	options  MeterOptions
	get      func() harvest.Progress
	items    Speed
	requests Speed
	note     string
	lastOut  time.Time
	quit     chan struct{}
	done     chan struct{}
	once     sync.Once
	end      *End // set before quit is closed
}

// End is how a process ends.
type End struct {
	Reason string // in words
	Exit   int    // its code
}

// End is [Meter.Stop] with how the process ends, which the last [JSON] line has.
func (m *Meter) End(end End) {
	m.stop(&end)
}

// How often the worker is polled, and how often a line of each kind is due.
const (
	askEvery   = 200 * time.Millisecond
	plainEvery = time.Minute
	jsonEvery  = time.Second
)

// StartMeter shows what get returns until [Meter.Stop]. It calls get five times a second, from one
// goroutine. It measures a Rate that get leaves 0.
func StartMeter(get func() harvest.Progress, o MeterOptions) *Meter {
	if o.Mode == Auto || o.Mode == "" {
		o.Mode = Plain
		if o.Terminal {
			o.Mode = Bar
		}
	}
	if o.Mode == Bar && !o.Screen.Redraws() {
		o.Mode = Plain
	}
	if o.Lines == nil {
		o.Lines = o.Screen
	}
	if o.Columns == nil {
		o.Columns = func() int { return 80 }
	}
	m := &Meter{options: o, get: get, quit: make(chan struct{}), done: make(chan struct{})}
	go m.run()
	return m
}

// Stop removes the bar, or writes the last [JSON] line, and waits for that at most a second. It may
// be called several times.
func (m *Meter) Stop() { m.stop(nil) }

func (m *Meter) stop(end *End) {
	m.once.Do(func() {
		m.end = end
		close(m.quit)
	})
	timer := time.NewTimer(time.Second)
	defer timer.Stop()
	select {
	case <-m.done:
	case <-timer.C:
	}
}

func (m *Meter) run() {
	defer close(m.done)
	ticker := time.NewTicker(askEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			m.show(false)
		case <-m.quit:
			m.show(true)
			return
		}
	}
}

// show takes one snapshot and writes what is due.
func (m *Meter) show(last bool) {
	p := m.get()
	m.items.Add(p.Now, p.Counts.Items())
	m.requests.Add(p.Now, p.Requests)
	if p.Rate == 0 {
		p.Rate = m.requests.PerSecond()
	}
	v := viewOf(p, m.items.PerSecond())
	switch m.options.Mode {
	case Bar:
		var lines []string
		if !last {
			// A full last column makes some terminals wrap, and ^C is echoed after the bar.
			lines = v.bar(m.options.Columns()-1-len("^C"), m.options.Screen)
		}
		m.options.Screen.draw(lines...)
	case Plain:
		news := v.Note != "" && m.note == ""
		if m.due(p.Now, plainEvery) || news {
			m.lastOut = p.Now
			_, _ = io.WriteString(m.options.Screen, v.plainLine()+"\n")
		}
		m.note = v.Note
	case JSON:
		if last || m.due(p.Now, jsonEvery) {
			m.lastOut = p.Now
			m.writeJSON(v, last)
		}
	}
}

// due reports whether a line should come now; the first one comes after a full interval.
func (m *Meter) due(now time.Time, every time.Duration) bool {
	if m.lastOut.IsZero() {
		m.lastOut = now
	}
	return now.Sub(m.lastOut) >= every
}

func (m *Meter) writeJSON(v view, last bool) {
	s := snapshotOf(v, last)
	if last && m.end != nil {
		s.Reason, s.Exit = &m.end.Reason, &m.end.Exit
	}
	line, err := json.Marshal(s)
	if err != nil {
		return
	}
	_, _ = m.options.Lines.Write(append(line, '\n'))
}
