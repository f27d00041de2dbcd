package harvest

import (
	"fmt"
	"regexp"
	"time"
)

// Inputs are what a run was opened with. A later start with other inputs is refused.
type Inputs struct {
	Upstream string // plain
	API      string // base of a mediawiki api.php, or the --url template
	Host     string // the budget's host, see HostOf
	Extract  string // jq expression or parser name; empty: no records
	Body     string // json, raw or none
	Corpus   string // as the operator typed it; no credential

	Next, Items       string // of a listing: jq, Next also link
	Split, ID, Absent string // of requests for many ids: jq, and what an id is that was not answered
}

// Run is one named refresh.
type Run struct {
	Name string
	Inputs
	Rate        string // newest operator's rate, as typed; not an input
	Titles      string // how keys are made of a wiki's titles, TitlesWritten; empty in runs of older versions
	Check, Wait string // newest jq that judges an answer; not inputs
	Pack        int    // newest number of ids to a request, 0 before one was set; not an input
	CorpusItems int64  // of the first full pass; 0 before it
	CorpusSum   string // Digest.Sum of the first full pass; empty before it
	Base        string // the run before it: {since} in the corpus is the time that one was opened; empty without one
	Shards      int    // set by the coordinator that opened it; 0 otherwise
	Generation  string // uuid, new at each rebuild of the ledger
	BucketBits  int
	Version     string // of the program that opened it
	OpenedAt    time.Time
	FinishedAt  time.Time // zero while unfinished
}

// Refresh takes from the run, as it is stored now, what it gains while it lasts. The rest of it
// stays as it is: others may read it at the same time.
func (r *Run) Refresh(now Run) {
	r.CorpusItems, r.CorpusSum, r.FinishedAt = now.CorpusItems, now.CorpusSum, now.FinishedAt
}

// TitlesWritten is the value of Run.Titles if a title's key keeps its first letter as the corpus
// writes it. Older runs capitalised it, which in some wikis is another page.
const TitlesWritten = "written"

var runName = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,39}$`)

// CheckRunName returns an error that explains what a run may be called.
func CheckRunName(name string) error {
	if !runName.MatchString(name) {
		return fmt.Errorf("run %q: 1 to 40 of a-z, 0-9, dot, underscore and dash, starting with a letter or digit, such as 2026q4", name)
	}
	return nil
}

// QuarterName returns the name of the run that t falls into, such as 2026q4 (UTC).
func QuarterName(t time.Time) string {
	t = t.UTC()
	return fmt.Sprintf("%dq%d", t.Year(), (int(t.Month())+2)/3)
}

// Counts are the items of a run or of a shard, by how they ended.
type Counts struct {
	Landed, Missing, Skipped, Dead int64
	Rejected                       int64 // corpus lines that are not items
	Bytes                          int64 // of bodies, as stored
	PutBack                        int64 // items that are asked for again: they count when their new outcome lands
}

// Add counts one page.
func (c *Counts) Add(o Outcome, bytes int64) {
	switch o {
	case Landed:
		c.Landed++
	case Missing:
		c.Missing++
	case Skipped:
		c.Skipped++
	case Dead:
		c.Dead++
	}
	c.Bytes += bytes
}

// Plus returns the sum of two counts.
func (c Counts) Plus(d Counts) Counts {
	return Counts{
		Landed: c.Landed + d.Landed, Missing: c.Missing + d.Missing, Skipped: c.Skipped + d.Skipped,
		Dead: c.Dead + d.Dead, Rejected: c.Rejected + d.Rejected, Bytes: c.Bytes + d.Bytes, PutBack: c.PutBack + d.PutBack,
	}
}

// Minus returns what is left of c without d.
func (c Counts) Minus(d Counts) Counts {
	return Counts{
		Landed: c.Landed - d.Landed, Missing: c.Missing - d.Missing, Skipped: c.Skipped - d.Skipped,
		Dead: c.Dead - d.Dead, Rejected: c.Rejected - d.Rejected, Bytes: c.Bytes - d.Bytes, PutBack: c.PutBack - d.PutBack,
	}
}

// Items returns how many items have ended; rejected lines are not items.
func (c Counts) Items() int64 { return c.Landed + c.Missing + c.Skipped + c.Dead }
