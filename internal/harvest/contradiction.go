package harvest

import (
	"fmt"
	"strconv"
	"strings"
)

const shardsFlag = "--shards"

// Contradiction reports that a run was opened with another input than the one given now.
type Contradiction struct {
	Run, Field    string
	Stored, Given string
}

// Error names the input, as stored and as given, and what to do.
func (c *Contradiction) Error() string {
	return fmt.Sprintf("run %s was opened with %s %s, now %s is given: leave the flag out to resume the run, or choose another --run",
		c.Run, c.Field, orNone(c.Stored), orNone(c.Given))
}

// Redefinable reports whether a run in which nothing has landed may be opened anew with the given
// inputs. The number of shards may not change: shards have rows.
func (c *Contradiction) Redefinable() bool { return c.Field != shardsFlag }

func orNone(s string) string {
	if s == "" {
		return "(none)"
	}
	return fmt.Sprintf("%q", s)
}

// Contradicts compares the inputs that a run was opened with and those given now. A missing input
// means "as stored". The corpus may be read from another place now than when the run's table was
// filled.
func Contradicts(stored, given Run) *Contradiction {
	fields := []struct{ name, stored, given string }{
		{"--upstream", stored.Upstream, given.Upstream},
		{"--api or --url", stored.API, given.API},
		{"host", stored.Host, given.Host},
		{"--extract", stored.Extract, given.Extract},
		{"--body", stored.Body, given.Body},
		{"--corpus", stored.Corpus, given.Corpus},
		{"--next", stored.Next, given.Next},
		{"--items", stored.Items, given.Items},
		{"--split", stored.Split, given.Split},
		{"--id", stored.ID, given.ID},
		{"--absent", stored.Absent, given.Absent},
		{shardsFlag, orUnset(stored.Shards), orUnset(given.Shards)},
	}
	for _, f := range fields {
		if f.given == "" || f.given == f.stored {
			continue
		}
		if f.name == shardsFlag && f.stored == "" {
			continue // a worker opened it; from now on it is led
		}
		if f.name == "--corpus" && (unsaidCorpus(f.given) || unsaidCorpus(f.stored)) {
			continue
		}
		return &Contradiction{Run: stored.Name, Field: f.name, Stored: f.stored, Given: f.given}
	}
	return nil
}

func unsaidCorpus(corpus string) bool {
	return corpus == "" || strings.HasPrefix(corpus, StoreCorpus)
}

// orUnset returns a number that may be unset.
func orUnset(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}
