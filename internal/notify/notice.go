package notify

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	"shoal/internal/harvest"
)

// Event names what happened to a run.
type Event string

// The events. Receivers rely on the words.
const (
	Finished Event = "finished" // every item of the run has ended
	Failed   Event = "failed"   // the process ended with an error that needs a person
	Refused  Event = "refused"  // the upstream refuses us: exit code 4
	Stalled  Event = "stalled"  // nothing ends any more: a service is away, no worker is on the run, a stage is stuck
	Silenced Event = "silenced" // the upstream asked for a long silence
	Paused   Event = "paused"   // an operator paused the host for long
	Resumed  Event = "resumed"  // items end again after one of the three before
)

// Events returns all of them.
func Events() []Event {
	return []Event{Finished, Failed, Refused, Stalled, Silenced, Paused, Resumed}
}

// Notice is one event of a run as it is posted. Receivers rely on its names: a field may be added,
// none is renamed or removed. Counts are of the run where the role is coordinator, else of the
// process.
type Notice struct {
	Event Event     `json:"event"`
	ID    string    `json:"id"` // the same at each try, and of no other event
	Run   string    `json:"run"`
	Host  string    `json:"host"`  // of the upstream
	Role  string    `json:"role"`  // worker or coordinator
	Shard string    `json:"shard"` // i/N or auto; all in the coordinator
	Text  string    `json:"text"`  // a sentence, escaped as Slack requires
	At    time.Time `json:"at"`    // when it happened
	Sent  time.Time `json:"sent"`  // when this try left, for receivers to refuse old ones

	Since *time.Time `json:"since,omitempty"` // when a stall, silence or pause began
	Until *time.Time `json:"until,omitempty"` // when a silence or pause ends, if that is known
	Cause string     `json:"cause,omitempty"`
	Exit  *int       `json:"exit_code,omitempty"`

	Total    int64   `json:"total,omitempty"` // items, if known
	Already  int64   `json:"already"`         // items that had ended before this process
	Landed   int64   `json:"landed"`
	Missing  int64   `json:"missing"`
	Skipped  int64   `json:"skipped"`
	Dead     int64   `json:"dead"`
	Rejected int64   `json:"rejected"`
	Requests int64   `json:"requests"`
	Rate     float64 `json:"rate"`   // requests/s
	Budget   float64 `json:"budget"` // requests/s of the whole fleet
}

// The limits of foreign text in a notice.
const (
	maxCause = 300
	maxText  = 1000
)

// notice makes the notice of an event from a snapshot. The sentence follows the run's name.
func notice(event Event, p harvest.Progress, cause, sentence string) Notice {
	role, shard := roleOf(p)
	n := Notice{
		Event: event, Run: p.Run, Host: p.Host, Role: role, Shard: shard, At: p.Now.UTC().Truncate(time.Millisecond), Cause: clip(cause, maxCause),
		Total: p.Total, Already: p.Already, Landed: p.Counts.Landed, Missing: p.Counts.Missing, Skipped: p.Counts.Skipped, Dead: p.Counts.Dead, Rejected: p.Counts.Rejected,
		Requests: p.Requests, Rate: p.Rate, Budget: p.Budget,
	}
	n.Text = slack(clip(subject(n)+" "+sentence, maxText))
	id := sha256.Sum256([]byte(strings.Join([]string{n.Run, string(event), role, shard, n.At.Format(time.RFC3339Nano)}, "\n")))
	n.ID = hex.EncodeToString(id[:8])
	return n
}

// subject names what a sentence is about.
func subject(n Notice) string {
	s := "Shoal"
	if n.Run != "" {
		s = "Run " + n.Run
	}
	if n.Host != "" {
		s += " (" + n.Host + ")"
	}
	if n.Role == RoleWorker && n.Shard != "" && n.Shard != "0/1" && n.Event != Finished {
		s += ", shard " + n.Shard + ","
	}
	return s
}

func clip(text string, most int) string {
	text = harvest.Line(text)
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	return string(runes[:most-1]) + "…"
}

// slack escapes what Slack would take for a mention or a link.
func slack(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

// body returns the notice as it is posted at an instant.
func (n Notice) body(now time.Time) ([]byte, error) {
	n.Sent = now.UTC().Truncate(time.Millisecond)
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(n)
	return []byte(strings.TrimSuffix(b.String(), "\n")), err
}

// SignatureHeader carries [Sign] of the body.
const SignatureHeader = "X-Shoal-Signature-256"

// Sign returns the signature of a body: sha256= and the hex digits of its HMAC-SHA256.
func Sign(key, body []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}
