package plain

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/itchyny/gojq"

	"shoal/internal/harvest"
)

// mostWait bounds what --wait may yield, so that it fits a Duration.
const mostWait = 366 * 24 * time.Hour

var errNumber = errors.New("a number that PostgreSQL's numeric cannot hold")

// Records makes the records of a stored body again. It makes no request and
// keeps nothing of the body. Without --extract there are none.
func (u *Upstream) Records(body []byte) ([]harvest.Record, error) {
	if u.extract == nil || len(body) == 0 {
		return nil, nil
	}
	found, err := scan(body, u.config.MaxDepth)
	if err != nil {
		return nil, fmt.Errorf("read a stored body: no JSON that can be kept: %w", err)
	}
	if found.values > u.config.MaxValues {
		return nil, fmt.Errorf("read a stored body: %d values, jq works on at most %d", found.values, u.config.MaxValues)
	}
	if found.mend() {
		body = mend(body)
	}
	u.slots <- struct{}{}
	defer func() { <-u.slots }()
	records, _, err := u.records(decode(body))
	if err != nil {
		return nil, fmt.Errorf("extract records: %w", err)
	}
	return records, nil
}

// records runs --extract. Every record is JSON that jsonb accepts; the findings
// say what had to be mended for that.
func (u *Upstream) records(value any) ([]harvest.Record, findings, error) {
	var (
		records []harvest.Record
		all     findings
		bytes   int
	)
	err := u.extract.each(value, u.config.Limit, func(v any) error {
		if len(records) == u.config.MaxRecords {
			return fmt.Errorf("it yields more than %d records", u.config.MaxRecords)
		}
		data, found, err := u.record(v, u.config.MaxYield-bytes)
		if err != nil {
			return fmt.Errorf("record %d: %w", len(records), err)
		}
		bytes += len(data)
		all.nul, all.surrogate, all.utf8 = all.nul || found.nul, all.surrogate || found.surrogate, all.utf8 || found.utf8
		records = append(records, harvest.Record{Ordinal: len(records), Kind: Kind, Data: data})
		return nil
	})
	if err != nil {
		return nil, findings{}, err
	}
	return records, all, nil
}

// record writes one value of at most most bytes.
func (u *Upstream) record(v any, most int) ([]byte, findings, error) {
	e := encoder{most: most, depth: u.config.MaxDepth}
	err := e.encode(v, 0)
	if errors.Is(err, errLarge) || (err == nil && len(e.out) > most) {
		return nil, findings{}, fmt.Errorf("all records together have more than %d bytes", u.config.MaxYield)
	}
	if err != nil {
		return nil, findings{}, err
	}
	found, err := scan(e.out, u.config.MaxDepth)
	switch {
	case err != nil:
		return nil, findings{}, err
	case found.number != "":
		return nil, findings{}, fmt.Errorf("%s: %w", found.number, errNumber)
	case found.mend():
		return mend(e.out), found, nil
	}
	return e.out, found, nil
}

// passes tells whether --check is true for the answer: it yields something, and nothing of it is false or null.
func (u *Upstream) passes(value any) bool {
	some := false
	err := u.check.each(value, u.config.Limit, func(v any) error {
		some = true
		if v == nil || v == false {
			return errors.New("not true")
		}
		return nil
	})
	return err == nil && some
}

// asked is the longest wait that --wait yields.
func (u *Upstream) asked(value any) (time.Duration, error) {
	var longest time.Duration
	err := u.wait.each(value, u.config.Limit, func(v any) error {
		if v == nil {
			return nil
		}
		seconds, ok := gojq.ToFloat64(v)
		if !ok {
			return fmt.Errorf("--wait yields a %s, want seconds", gojq.TypeOf(v))
		}
		longest = max(longest, span(seconds))
		return nil
	})
	return longest, err
}

// span is a number of seconds rounded up to milliseconds, between 0 and mostWait.
func span(seconds float64) time.Duration {
	switch {
	case !(seconds > 0): // NaN too
		return 0
	case seconds >= mostWait.Seconds():
		return mostWait
	}
	return time.Duration(math.Ceil(seconds*1000)) * time.Millisecond
}
