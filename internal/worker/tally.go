package worker

import (
	"maps"
	"slices"
	"sync"
	"time"

	"shoal/internal/harvest"
)

// The rate of a tally is the mean of so many whole seconds; of more where so few requests were sent in them.
const (
	rateSpan     = 10
	rateSpanSlow = 60
	rateRequests = 20
)

// Tally adds up what a process does, over all shards that it works on. Its methods may be called at once; those of nil
// do nothing.
type Tally struct {
	mu      sync.Mutex
	stats   harvest.Stats
	stages  map[string]time.Duration
	limits  map[string]time.Duration
	minutes map[int64]*harvest.Minute
	watched time.Time
	first   int64 // second of the first request; 0 before it
	clocks  clocks
}

// NewTally begins one.
func NewTally() *Tally {
	return &Tally{
		stats:  harvest.Stats{Retries: map[string]int64{}, Pauses: map[string]harvest.Silence{}, Malformed: map[string]int64{}},
		stages: map[string]time.Duration{}, limits: map[string]time.Duration{}, minutes: map[int64]*harvest.Minute{},
	}
}

// sent counts a request in its second.
func (t *Tally) sent(now time.Time) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stats.Requests++
	at := now.Unix()
	if t.first == 0 {
		t.first = at
	}
	m := t.minutes[at/60]
	if m == nil {
		m = &harvest.Minute{Unix: at / 60}
		t.minutes[at/60] = m
	}
	m.Seconds[at%60]++
}

// unsent takes a request back that was counted at began and did not leave.
func (t *Tally) unsent(began time.Time) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stats.Requests--
	if m := t.minutes[began.Unix()/60]; m != nil {
		m.Seconds[began.Unix()%60]--
	}
}

// spent adds the time since began to a stage.
func (t *Tally) spent(stage string, began time.Time) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stages[stage] += time.Since(began)
}

func (t *Tally) received(bytes int64) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stats.Wire += bytes
}

// Sum is what was added up so far.
func (t *Tally) Sum() harvest.Stats {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.stats
	s.Retries, s.Pauses, s.Malformed = maps.Clone(s.Retries), maps.Clone(s.Pauses), maps.Clone(s.Malformed)
	return s
}

// Landed adds what was committed.
func (t *Tally) Landed(counts harvest.Counts) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stats.Items = t.stats.Items.Plus(counts)
}

// Recorded adds the records of pages that were committed.
func (t *Tally) Recorded(pages []harvest.Page) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range pages {
		t.stats.Records += int64(len(pages[i].Records))
	}
}

// retried counts a retry by its reason, which is also the last error.
func (t *Tally) retried(reason string) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stats.Retries[reason]++
	t.stats.LastError = reason
}

// misread counts rate-limit headers that could not be understood.
func (t *Tally) misread(names []string) {
	if t == nil || len(names) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, name := range names {
		t.stats.Malformed[name]++
	}
}

// failed notes the last error: why an item ended otherwise than wanted.
func (t *Tally) failed(reason string) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stats.LastError = reason
}

// paused counts a silence that the upstream asked for. It is a refusal where we asked too fast, and none where the
// upstream has trouble of its own, such as lag.
func (t *Tally) paused(source string, length time.Duration, refused bool) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.stats.Pauses[source]
	s.Times, s.Seconds = s.Times+1, s.Seconds+length.Seconds()
	t.stats.Pauses[source] = s
	if refused {
		t.stats.Refused++
	}
}

// Take is the tally at this moment, together with what p says of now, and the minutes that were not Saved yet. The time
// since the last Take counts for what holds the worker back now.
func (t *Tally) Take(p harvest.Progress) (harvest.Stats, []harvest.Minute) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.watched.IsZero() && p.Limit != "" {
		t.limits[string(p.Limit)] += p.Now.Sub(t.watched)
	}
	t.watched = p.Now
	s := t.stats
	s.Retries, s.Pauses, s.Malformed = maps.Clone(s.Retries), maps.Clone(s.Pauses), maps.Clone(s.Malformed)
	s.Stages, s.Limits = seconds(t.stages), seconds(t.limits)
	s.Rate, s.Budget, s.Limit, s.Note = t.rate(p.Now.Unix()), p.Budget, p.Limit, harvest.Printable(p.Note)
	if p.Total > 0 {
		s.Left = max(0, p.Total-p.Already-p.Counts.Items())
	}
	var all []harvest.Minute
	for _, unix := range slices.Sorted(maps.Keys(t.minutes)) {
		all = append(all, *t.minutes[unix])
	}
	return s, all
}

// Saved forgets minutes that are over and kept elsewhere. The one before the present stays for the rate.
func (t *Tally) Saved(minutes []harvest.Minute, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, m := range minutes {
		if kept := t.minutes[m.Unix]; kept != nil && *kept == m && m.Unix < now.Unix()/60-1 {
			delete(t.minutes, m.Unix)
		}
	}
}

// Rate is how many requests a second this process has sent lately.
func (t *Tally) Rate(now time.Time) float64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.rate(now.Unix())
}

// rate is the mean of the last whole seconds, of those since the first request.
func (t *Tally) rate(now int64) float64 {
	sum, seconds := 0, int64(0)
	for at := now - 1; at >= max(t.first, now-rateSpanSlow) && (seconds < rateSpan || sum < rateRequests); at-- {
		seconds++
		if m := t.minutes[at/60]; m != nil {
			sum += m.Seconds[at%60]
		}
	}
	return float64(sum) / float64(max(1, seconds))
}

func seconds(all map[string]time.Duration) map[string]float64 {
	out := make(map[string]float64, len(all))
	for name, d := range all {
		out[name] = d.Seconds()
	}
	return out
}
