package harvest

import "time"

// ReportEvery is how often a process saves its [Work].
const ReportEvery = 3 * time.Second

// Work is what one process did for a run, as it reports every few seconds.
type Work struct {
	Run     string
	Worker  string // host:pid, and when it started, where the host may reuse the pid
	Shard   string // the one at work, i/N; empty when none is
	Started time.Time
	Seen    time.Time // when it last reported, by the store's clock
	Ended   bool      // it has left in good order
	Stats   Stats
	Minutes []Minute // those that changed since the last time
	Quiets  []Quiet  // those that began or changed since the last time
}

// Quiet is a time in which the fleet was to be silent, or could not send, as one process met it.
type Quiet struct {
	From, Until time.Time
	Kind        Limit  // LimitBackoff: the upstream asked for it; LimitHold: an operator did; else what was away
	Cause       string // of a backoff: the header or the fault that asked for it; else what a person saw
}

// Stats add up over the life of a process.
type Stats struct {
	Items     Counts             `json:"items"`
	Records   int64              `json:"records,omitempty"`
	Requests  int64              `json:"requests"`
	Wire      int64              `json:"wire"`                // bytes received
	Retries   map[string]int64   `json:"retries,omitempty"`   // by reason
	Pauses    map[string]Silence `json:"pauses,omitempty"`    // by what asked for them
	Refused   int64              `json:"refused,omitempty"`   // how many of the pauses began because we asked too fast
	Malformed map[string]int64   `json:"malformed,omitempty"` // rate-limit headers that could not be understood, by name
	Stages    map[string]float64 `json:"stages,omitempty"`    // seconds that fetchers spent, by stage
	Limits    map[string]float64 `json:"limits,omitempty"`    // seconds of the clock, by what held the worker back

	Budgets map[string]float64 `json:"budgets,omitempty"` // seconds of the clock, by the budget in force in requests/s

	Rate      float64 `json:"rate"` // requests/s over the last seconds
	Budget    float64 `json:"budget"`
	Lowered   float64 `json:"lowered,omitempty"` // requests/s that the fleet keeps below, since the upstream refused there again and again; 0: no such rate
	Limit     Limit   `json:"limit,omitempty"`
	Auto      bool    `json:"auto,omitempty"` // it takes one free shard after the other
	Left      int64   `json:"left,omitempty"` // items of the shard at work that have not ended, 0 while unknown
	Note      string  `json:"note,omitempty"`
	LastError string  `json:"last_error,omitempty"`
	EndedBy   string  `json:"ended_by,omitempty"`     // the error that ended the process; empty while it works, and if it was stopped or came to its end
	Corpus    int64   `json:"corpus,omitempty"`       // items of the whole corpus as far as the process knows, 0 while unknown
	Guess     bool    `json:"corpus_guess,omitempty"` // Corpus is an estimate
	Version   string  `json:"version,omitempty"`      // of the program
}

// Silence are the pauses that have one cause.
type Silence struct {
	Times   int64   `json:"times"`
	Seconds float64 `json:"seconds"`
}

// Minute counts the requests that a process sent in each second of one minute of the clock.
type Minute struct {
	Unix    int64   // minutes since 1970, UTC
	Seconds [60]int // requests
}

// The stages whose time is measured, in the order in which a request meets them.
const (
	StageConnect = "connect" // a stream of a live connection
	StagePermit  = "permit"  // pace
	StageFetch   = "fetch"   // the exchange
	StageDecode  = "decode"  // pages and records of the answer
	StageLand    = "land"    // the store's transaction
)

// Stages lists the stages.
func Stages() []string {
	return []string{StageConnect, StagePermit, StageFetch, StageDecode, StageLand}
}

// Lower is the lower one of two rates that a fleet was lowered to, of which 0 is none.
func Lower(one, other float64) float64 {
	if one == 0 || other > 0 && other < one {
		return other
	}
	return one
}
