package exchange

import (
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"shoal/internal/harvest"
)

// The rate of counters is the mean over this many whole seconds; over more if few requests were
// sent in them.
const (
	rateSpan     = 10
	rateSpanSlow = 60
	rateRequests = 20
)

// Counters adds up what a process does, over all shards that it works on. It is safe for concurrent
// use; the methods of nil do nothing.
type Counters struct {
	mu      sync.Mutex
	stats   harvest.Stats
	stages  map[string]time.Duration
	limits  map[string]time.Duration
	budgets map[string]time.Duration
	minutes map[int64]*harvest.Minute
	watched time.Time // at the last Take
	budget  float64   // then
	first   int64     // second of the first request; 0 before it
	nulls   harvest.Nulls
	clocks  clocks
	quiets  quiets
	failed  []harvest.RecentFailure // newest first, one for each reason
	timer   Timer                   // nil for none
}

// Timer is given how long each passage through a stage took. It must not wait.
type Timer interface {
	Took(stage string, took time.Duration)
}

// maxFailures is how many reasons of the latest failures are kept.
const maxFailures = 3

// NewCounters returns empty counters.
func NewCounters() *Counters { return NewTimed(nil) }

// NewTimed returns empty counters that give a timer the length of each passage; nil for none.
func NewTimed(timer Timer) *Counters {
	return &Counters{
		timer:  timer,
		stats:  harvest.Stats{Retries: map[string]int64{}, Pauses: map[string]harvest.Silence{}, Malformed: map[string]int64{}},
		stages: map[string]time.Duration{}, limits: map[string]time.Duration{}, budgets: map[string]time.Duration{}, minutes: map[int64]*harvest.Minute{},
	}
}

// sent counts a request in its second.
func (c *Counters) sent(now time.Time) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats.Requests++
	at := now.Unix()
	if c.first == 0 {
		c.first = at
	}
	m := c.minutes[at/60]
	if m == nil {
		m = &harvest.Minute{Unix: at / 60}
		c.minutes[at/60] = m
	}
	m.Seconds[at%60]++
}

// unsent takes back a request that was counted at began and did not leave.
func (c *Counters) unsent(began time.Time) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats.Requests--
	if m := c.minutes[began.Unix()/60]; m != nil {
		m.Seconds[began.Unix()%60]--
	}
}

func (c *Counters) received(bytes int64) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats.Wire += bytes
}

// Sum returns what was added up so far.
func (c *Counters) Sum() harvest.Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats
	s.Retries, s.Pauses, s.Malformed = maps.Clone(s.Retries), maps.Clone(s.Pauses), maps.Clone(s.Malformed)
	return s
}

// Landed adds what was committed.
func (c *Counters) Landed(counts harvest.Counts) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats.Items = c.stats.Items.Plus(counts)
}

// Recorded adds the records of pages that were committed.
func (c *Counters) Recorded(pages []harvest.Page) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range pages {
		c.stats.Records += int64(len(pages[i].Records))
		for _, record := range pages[i].Records {
			if record.Kind == harvest.ExtractedKind { // those of a parser may lack a member by right
				c.nulls.Add(record.Data)
			}
		}
	}
}

// minNulls is how many records must lack a member before that is worth a question.
const minNulls = 5

// Nulls returns the members that are null in each of the first records; none before there are
// enough of these.
func (c *Counters) Nulls() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.nulls.Records() < minNulls {
		return nil
	}
	return c.nulls.Names()
}

// Retried counts a retry by its reason, which is also the last error.
func (c *Counters) Retried(reason string) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats.Retries[reason]++
	c.fail(reason, "")
}

// maxMisread is how many names of such headers are counted apart; the rest are counted as others.
// An upstream may invent any number, and each name is a series for Prometheus.
const (
	maxMisread = 20
	misreadAs  = "others"
)

// misread counts rate-limit headers that could not be parsed.
func (c *Counters) misread(names []string) {
	if c == nil || len(names) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, name := range names {
		if _, known := c.stats.Malformed[name]; !known && len(c.stats.Malformed) >= maxMisread {
			name = misreadAs
		}
		c.stats.Malformed[name]++
	}
}

// Failed notes the last error: why an item did not land. item is its id or its URL.
func (c *Counters) Failed(reason, item string) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fail(reason, item)
}

func (c *Counters) fail(reason, item string) {
	c.stats.LastError = reason
	f := harvest.RecentFailure{Reason: reason}
	if i := slices.IndexFunc(c.failed, func(f harvest.RecentFailure) bool { return f.Reason == reason }); i >= 0 {
		f = c.failed[i]
		c.failed = slices.Delete(c.failed, i, i+1)
	}
	f.Times, f.At, f.Item = f.Times+1, time.Now(), item
	c.failed = slices.Insert(c.failed, 0, f)
	c.failed = c.failed[:min(len(c.failed), maxFailures)]
}

// Failures returns the latest failure of each of the latest reasons, newest first.
func (c *Counters) Failures() []harvest.RecentFailure {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.failed)
}

// EndedBy notes the error that ends the process.
func (c *Counters) EndedBy(err error) {
	if c == nil || err == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats.EndedBy = harvest.Sentence(err)
}

// Paused counts a silence that the upstream asked for at an instant. It is a refusal if we asked
// too fast, but not if the upstream has trouble of its own, such as lag.
func (c *Counters) Paused(at time.Time, source string, length time.Duration, refused bool) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.stats.Pauses[source]
	s.Times, s.Seconds = s.Times+1, s.Seconds+length.Seconds()
	c.stats.Pauses[source] = s
	c.quiets.add(harvest.Quiet{From: at, Until: at.Add(length), Kind: harvest.LimitBackoff, Cause: harvest.Printable(source)})
	if refused {
		c.stats.Refused++
	}
}

// Take returns the counters at this moment, together with the state in p, and the minutes that were
// not Saved yet. The time since the last Take counts for what slows the worker down now.
func (c *Counters) Take(p harvest.Progress) (harvest.Stats, []harvest.Minute) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.watched.IsZero() && p.Limit != "" {
		c.limits[string(p.Limit)] += p.Now.Sub(c.watched)
	}
	c.budgeted(p)
	c.watched = p.Now
	c.quiets.watch(p)
	s := c.stats
	s.Retries, s.Pauses, s.Malformed = maps.Clone(s.Retries), maps.Clone(s.Pauses), maps.Clone(s.Malformed)
	s.Stages, s.Limits, s.Budgets = seconds(c.stages), seconds(c.limits), seconds(c.budgets)
	s.Rate, s.Budget, s.Lowered, s.Limit, s.Note = c.rate(p.Now.Unix()), p.Budget, p.Lowered, p.Limit, harvest.Printable(p.Note)
	if p.Total > 0 {
		s.Left = max(0, p.Total-p.Already-p.Counts.Items())
		s.Corpus, s.Guess = p.Corpus()
	}
	var all []harvest.Minute
	for _, unix := range slices.Sorted(maps.Keys(c.minutes)) {
		all = append(all, *c.minutes[unix])
	}
	return s, all
}

// budgeted counts the time since the last Take for the budget that was in force then.
func (c *Counters) budgeted(p harvest.Progress) {
	since, budget := c.watched, c.budget
	if since.IsZero() {
		since, budget = p.Started, p.Budget
	}
	if budget > 0 && !since.IsZero() {
		c.budgets[strconv.FormatFloat(budget, 'g', -1, 64)] += p.Now.Sub(since)
	}
	c.budget = p.Budget
}

// Saved forgets minutes that are over and stored. The minute before the present stays for the rate.
func (c *Counters) Saved(minutes []harvest.Minute, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range minutes {
		if kept := c.minutes[m.Unix]; kept != nil && *kept == m && m.Unix < now.Unix()/60-1 {
			delete(c.minutes, m.Unix)
		}
	}
}

// Rate returns how many requests a second this process has sent lately.
func (c *Counters) Rate(now time.Time) float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rate(now.Unix())
}

// rate returns the mean of the last whole seconds, of those since the first request.
func (c *Counters) rate(now int64) float64 {
	sum, seconds := 0, int64(0)
	for at := now - 1; at >= max(c.first, now-rateSpanSlow) && (seconds < rateSpan || sum < rateRequests); at-- {
		seconds++
		if m := c.minutes[at/60]; m != nil {
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
