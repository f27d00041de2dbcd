package harvest

import "time"

// Limit names what slows a worker down at a moment.
type Limit string

// What can slow a worker down.
const (
	LimitBudget  Limit = "budget"           // the upstream's budget: this is normal
	LimitRamp    Limit = "ramp"             // returning from a silence: a growing part of the budget
	LimitBackoff Limit = "backoff"          // the upstream asked for silence
	LimitHold    Limit = "hold"             // the operator asked for silence
	LimitOutage  Limit = "outage"           // the upstream does not answer; a probe goes out now and then
	LimitLatency Limit = "upstream latency" // all fetchers wait for answers
	LimitStore   Limit = "store"            // the store does not accept more
	LimitPace    Limit = "redis"            // Redis is unreachable: no permit without it
	LimitStandby Limit = "standby"          // the profile does not admit more workers
	LimitRetry   Limit = "retry"            // what is left failed, and waits for its next try
	LimitCorpus  Limit = "corpus"           // the corpus gives too few new items
)

// Limits returns everything that can slow a worker down.
func Limits() []Limit {
	return []Limit{
		LimitBudget, LimitRamp, LimitBackoff, LimitHold, LimitOutage, LimitLatency, LimitStore, LimitPace, LimitStandby, LimitRetry, LimitCorpus,
	}
}

// Meaning explains what a limit means for a worker, and what to do about it.
func (l Limit) Meaning() (what, todo string) {
	switch l {
	case LimitBudget:
		return "the fleet uses the whole rate: as it should be", "nothing; a higher `--rate` where the upstream allows it"
	case LimitRamp:
		return "the rate grows back after a silence", "nothing; where it comes again and again, a lower `--rate`"
	case LimitBackoff:
		return "the upstream asked for silence, and all workers keep it", "wait"
	case LimitHold:
		return "an operator paused the host", "`coordinator resume`"
	case LimitOutage:
		return "the upstream gives no good answer; one probe goes out now and then, and no item pays for it", "wait; the note beside it describes what the upstream did"
	case LimitLatency:
		return "all `--concurrency` requests wait for answers", "more `--concurrency`, if the upstream permits"
	case LimitStore:
		return "the store takes no more: it is slow, full or away", "repair it; fetching stops and starts by itself"
	case LimitPace:
		return "Redis is away, and nothing is sent without it", "repair it"
	case LimitStandby:
		return "the profile lets no more workers send at once", "nothing; this worker replaces one that leaves"
	case LimitRetry:
		return "what is left of the shard failed, and waits for its next try", "nothing; `coordinator status` shows the last error"
	case LimitCorpus:
		return "the corpus gives too few new items: it is slow to read, it was done before, or its end is near", "nothing"
	}
	return "", ""
}

// Corpus returns how many items the whole corpus has, by those of the shards at hand; 0 while
// unknown. guess is set for an estimate.
func (p Progress) Corpus() (items int64, guess bool) {
	shards := int64(max(1, p.Shards))
	return p.Total * int64(p.Shard.Of) / shards, p.Guess || p.Shard.Of > 1
}

// Progress is a worker at one moment. All counts are of this process unless noted otherwise.
type Progress struct {
	Run      string
	Shard    Shard
	Shards   int // that this process has worked on, one after the other; 0 means one
	Started  time.Time
	Now      time.Time
	Total    int64  // items of this shard, 0 while unknown
	Guess    bool   // Total is estimated from the part of the corpus that was read
	Already  int64  // items that an earlier start had done
	Seen     int64  // corpus items of this shard that were read
	Counts   Counts // ended by this process and committed
	Records  int64  // extracted from the pages that this process landed
	Requests int64
	Retries  int64
	Pauses   int64
	Wire     int64 // bytes received
	InFlight int64

	Rate        float64 // requests/s of this process over the last seconds
	Budget      float64 // requests/s of the whole fleet
	Lowered     float64 // requests/s that the fleet keeps below, since the upstream refused there again and again; 0: no such rate
	Limit       Limit
	SilentUntil time.Time // zero when there is no silence
	Stuck       string    // the stage that has stopped passing anything on, for a person; empty when all is well
	Note        string    // a state that a person should see, such as "store full, 1,000 rows kept, next try in 30 s"

	Host  string // of the upstream
	Part  string // the shard that was requested: i/N, or auto; empty: Shard
	Led   bool   // a coordinator leads the run
	Fleet bool   // of all workers of the run, as the coordinator that leads it sees them
	Idle  string // of a fleet that has no worker though it needs one: what to start

	Failures    []RecentFailure  // the latest one of each of the latest reasons, newest first; read-only
	Malformed   map[string]int64 // rate-limit headers that could not be parsed, by name; read-only
	CorpusEnded bool
	LogsDropped int64
}

// RecentFailure is what has failed lately for one reason: items that did not land, and requests
// that were tried again.
type RecentFailure struct {
	Reason string // as stored with items, such as dead: status_500; of a retry its source
	Times  int64  // since this reason is among the latest
	At     time.Time
	Item   string // the last one that failed: its id, else its URL; empty for a retry
}
