package plain

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/itchyny/gojq"

	"shoal/internal/harvest"
)

// maxWait bounds what --wait may yield, so that it fits a [time.Duration].
const maxWait = 366 * 24 * time.Hour

var errNumber = errors.New("a number that PostgreSQL's numeric cannot hold")

// Records makes the records of a stored body again. It makes no request and keeps nothing of the
// body. Without --extract there are none.
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
	in, done, err := u.enter(nil, body, found)
	if err != nil {
		return nil, err
	}
	defer done()
	records, _, err := u.records(in)
	if err != nil {
		return nil, fmt.Errorf("extract records: %w", err)
	}
	return records, nil
}

// records runs --extract. Every record is JSON that jsonb accepts; the findings report what had to
// be replaced for that.
func (u *Upstream) records(d *input) ([]harvest.Record, findings, error) {
	var (
		records []harvest.Record
		all     findings
		size    int
	)
	err := u.extract.each(d, u.bounds(), func(y yield) error {
		if len(records) == u.config.MaxRecords {
			return fmt.Errorf("it yields more than %d records", u.config.MaxRecords)
		}
		data, found, err := u.record(y, u.config.MaxYield-size)
		if err != nil {
			return fmt.Errorf("record %d: %w", len(records), err)
		}
		size += len(data)
		all.nul, all.surrogate, all.utf8 = all.nul || found.nul, all.surrogate || found.surrogate, all.utf8 || found.utf8
		records = append(records, harvest.Record{Ordinal: len(records), Kind: RecordKind, Data: data})
		return nil
	})
	if err != nil {
		return nil, findings{}, err
	}
	return records, all, nil
}

// record writes one value of at most most bytes.
func (u *Upstream) record(y yield, most int) ([]byte, findings, error) {
	e, err := encoder{out: y.text, most: most, depth: u.config.MaxDepth}, y.err
	switch {
	case err != nil:
	case y.text != nil:
		e.out = bytes.Clone(y.text)
	default:
		err = e.encode(y.v, 0)
	}
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
	case found.dirty():
		return sanitize(e.out), found, nil
	}
	return e.out, found, nil
}

// passes reports whether --check is true for the answer: it yields something, and none of it is
// false or null. The error is that of a run that was ended.
func (u *Upstream) passes(d *input) (bool, error) {
	some, all := false, true
	err := u.check.each(d, u.bounds(), func(y yield) error {
		v, err := y.value()
		some, all = true, all && v != nil && v != false
		return err
	})
	if errors.Is(err, ErrStuck) {
		return false, fmt.Errorf("--check: %w", err)
	}
	return err == nil && some && all, nil
}

// asked returns the longest wait that --wait yields.
func (u *Upstream) asked(d *input) (time.Duration, error) {
	var longest time.Duration
	err := u.wait.each(d, u.bounds(), func(y yield) error {
		v, err := y.value()
		if v == nil {
			return err
		}
		seconds, ok := gojq.ToFloat64(v)
		if !ok {
			return fmt.Errorf("--wait yields a %s, expected seconds", gojq.TypeOf(v))
		}
		longest = max(longest, span(seconds))
		return nil
	})
	return longest, err
}

// span returns a number of seconds rounded up to milliseconds, between 0 and maxWait.
func span(seconds float64) time.Duration {
	switch {
	case !(seconds > 0): // NaN too
		return 0
	case seconds >= maxWait.Seconds():
		return maxWait
	}
	return time.Duration(math.Ceil(seconds*1000)) * time.Millisecond
}
