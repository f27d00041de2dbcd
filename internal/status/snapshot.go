package status

import "time"

// Snapshot is one line of --progress json. Scripts rely on its names: a field may be added, none is
// renamed or removed. Counts are of this process unless noted otherwise; an unknown value is null.
type Snapshot struct {
	Type     string    `json:"type"` // progress; where other lines are in the same stream: message or log
	Time     time.Time `json:"time"`
	Run      string    `json:"run"`
	Shard    string    `json:"shard"`     // i/N
	Elapsed  float64   `json:"elapsed_s"` // since this process started
	Final    bool      `json:"final"`     // the last line of this process
	Reason   *string   `json:"reason"`    // why it ended, in words; in the last line
	Exit     *int      `json:"exit_code"` // that it leaves with; in the last line
	Total    *int64    `json:"total"`     // items of the shard
	Guess    bool      `json:"total_estimated"`
	Done     int64     `json:"done"`    // items of the shard that have ended, earlier starts included
	Already  int64     `json:"already"` // of these, those that earlier starts had ended
	Seen     int64     `json:"seen"`    // items of the shard that the corpus gave so far
	Landed   int64     `json:"landed"`
	Missing  int64     `json:"missing"`
	Skipped  int64     `json:"skipped"`
	Dead     int64     `json:"dead"`
	Rejected int64     `json:"rejected"` // corpus lines that are not items

	Requests int64      `json:"requests"`
	Retries  int64      `json:"retries"`
	Pauses   int64      `json:"pauses"` // silences that the upstream asked for
	InFlight int64      `json:"in_flight"`
	Rate     float64    `json:"rate"`         // requests/s over the last seconds
	Budget   float64    `json:"budget"`       // requests/s of the whole fleet
	Lowered  float64    `json:"lowered_to"`   // requests/s that the fleet keeps below, since the upstream refused again and again at the budget; 0: no such rate
	Limit    string     `json:"limit"`        // what holds the worker back
	Silent   *time.Time `json:"silent_until"` // no request before this instant
	ETA      *float64   `json:"eta_s"`

	WireBytes     int64  `json:"wire_bytes"` // received
	BodyBytes     int64  `json:"body_bytes"` // as stored
	BytesPerItem  *int64 `json:"bytes_per_item"`
	ExpectedBytes *int64 `json:"expected_bytes"` // of the whole shard
	Note          string `json:"note"`           // a state that a person should see
	CorpusEnded   bool   `json:"corpus_ended"`
	LogsDropped   int64  `json:"logs_dropped"`
}

func snapshotOf(v view, last bool) Snapshot {
	s := Snapshot{
		Type: "progress",
		Time: v.Now, Run: v.Run, Shard: v.Shard.String(), Elapsed: millis(v.elapsed), Final: last,
		Total: known(v.Total), Guess: v.Guess, Done: v.done, Already: v.Already, Seen: v.Seen,
		Landed: v.Counts.Landed, Missing: v.Counts.Missing, Skipped: v.Counts.Skipped, Dead: v.Counts.Dead, Rejected: v.Counts.Rejected,
		Requests: v.Requests, Retries: v.Retries, Pauses: v.Pauses, InFlight: v.InFlight,
		Rate: v.Rate, Budget: v.Budget, Lowered: v.Lowered, Limit: string(v.Limit),
		WireBytes: v.Wire, BodyBytes: v.Counts.Bytes, BytesPerItem: known(v.itemBytes), ExpectedBytes: known(v.allBytes),
		Note: v.Note, CorpusEnded: v.CorpusEnded, LogsDropped: v.LogsDropped,
	}
	if v.silent > 0 {
		s.Silent = &v.SilentUntil
	}
	if v.etaKnown {
		seconds := millis(v.eta)
		s.ETA = &seconds
	}
	return s
}

// millis returns seconds, to three places.
func millis(d time.Duration) float64 { return float64(d.Round(time.Millisecond).Milliseconds()) / 1000 }

// known returns a pointer to n, or nil for the 0 that means unknown.
func known(n int64) *int64 {
	if n == 0 {
		return nil
	}
	return &n
}
