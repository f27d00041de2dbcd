package dashboard

import (
	"fmt"
	"net/http"
	"time"

	"shoal/internal/harvest"
)

// events streams that something has changed: the page then loads itself again. It ends with the
// process, and browsers come again two seconds later.
func (p *page) events(w http.ResponseWriter, r *http.Request) {
	name := r.URL.Query().Get("run")
	if name != "" && harvest.CheckRunName(name) != nil {
		http.NotFound(w, r)
		return
	}
	out := http.NewResponseController(w)
	_ = out.SetReadDeadline(time.Time{}) // a visitor may stay for hours; a server that cannot do this ends the stream, and the browser comes again
	w.Header().Set("Content-Type", "text/event-stream")
	send := func(text string) bool {
		_ = out.SetWriteDeadline(time.Now().Add(10 * time.Second))
		_, err := fmt.Fprint(w, text)
		return err == nil && out.Flush() == nil
	}
	last := p.turn(name)
	if !send(fmt.Sprintf("retry: 2000\nevent: begin\ndata: %d\n\n", last)) {
		return
	}
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for quiet := 0; ; quiet++ {
		select {
		case <-r.Context().Done():
			return
		case <-p.life.Done():
			return
		case <-tick.C:
		}
		if turn := p.turn(name); turn != last {
			last, quiet = turn, 0
			if !send(fmt.Sprintf("event: change\ndata: %d\n\n", turn)) {
				return
			}
		}
		if quiet > 10 {
			quiet = 0
			if !send(": still here\n\n") {
				return
			}
		}
	}
}

// turn is a number that changes with what a page shows.
func (p *page) turn(run string) uint64 {
	if run == "" {
		_, turn, _ := p.looks.runs.get(p.life, time.Now(), 0)
		for _, line := range p.lines() {
			turn += line.turn
		}
		return turn
	}
	f, err := p.looks.look(run)
	if err != nil {
		return 0
	}
	return f.turn
}
