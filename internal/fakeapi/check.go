package fakeapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// UnmarshalJSON sets what data names and leaves the rest of b as it is. A name that is not a field
// of a [Behaviour] is an error: a misspelt fault would never happen.
func (b *Behaviour) UnmarshalJSON(data []byte) error {
	type plain Behaviour // without this method
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode((*plain)(b)); err != nil {
		return fmt.Errorf("read a behaviour: %w", err)
	}
	return nil
}

// check refuses what no server can do.
func (b Behaviour) check() error {
	return errors.Join(b.checkNumbers(), b.checkBudget(), b.checkPartner(), b.checkFaults())
}

func (b Behaviour) checkNumbers() error {
	var errs []error
	for _, n := range []struct {
		name  string
		value float64
	}{
		{"Rate", b.Rate}, {"Burst", float64(b.Burst)}, {"RetryAfter", float64(b.RetryAfter)}, {"Latency", float64(b.Latency)},
		{"TokenLife", float64(b.TokenLife)}, {"Items", float64(b.Items)}, {"MissingEvery", float64(b.MissingEvery)},
		{"Size", float64(b.Size)}, {"GoAwayEvery", float64(b.GoAwayEvery)}, {"PageMost", float64(b.PageMost)},
		{"CursorTTL", float64(b.CursorTTL)}, {"Days", float64(b.Days)}, {"BatchMost", float64(b.BatchMost)},
		{"PoisonID", float64(b.PoisonID)},
	} {
		if !(n.value >= 0) { // NaN too
			errs = append(errs, fmt.Errorf("%s is %v, and must not be below 0", n.name, n.value))
		}
	}
	return errors.Join(errs...)
}

func (b Behaviour) checkBudget() error {
	switch {
	case !slices.Contains([]Hint{HintSeconds, HintFraction, HintDate, HintNone, HintXRateLimit, HintRateLimit}, b.Hint):
		return fmt.Errorf("there is no Hint %q", b.Hint)
	case !slices.Contains([]Reset{ResetDelta, ResetEpoch, ResetEpochMS}, b.ResetAs):
		return fmt.Errorf("there is no ResetAs %q; it is empty, %q or %q", b.ResetAs, ResetEpoch, ResetEpochMS)
	case b.ResetAs != "" && !b.Partner && b.Hint != HintXRateLimit:
		return fmt.Errorf("ResetAs %q needs Partner or Hint %q: no other answer bears X-RateLimit-Reset", b.ResetAs, HintXRateLimit)
	case b.Burst > 0 && b.Rate == 0:
		return fmt.Errorf("a Burst of %d needs a Rate that fills it again", b.Burst)
	case b.Outage != 0 && (b.Outage < 200 || b.Outage > 599):
		return fmt.Errorf("an Outage of %d is not the status of an answer", b.Outage)
	}
	return nil
}

func (b Behaviour) checkPartner() error {
	if !b.Partner {
		for _, field := range []struct {
			name string
			set  bool
		}{
			{"PageMost", b.PageMost != 0}, {"CursorTTL", b.CursorTTL != 0}, {"Days", b.Days != 0}, {"ListMissing", b.ListMissing},
			{"BatchMost", b.BatchMost != 0}, {"PoisonID", b.PoisonID != 0}, {"PoisonAlone", b.PoisonAlone},
		} {
			if field.set {
				return fmt.Errorf("%s is of a partner's API, and needs Partner", field.name)
			}
		}
		return nil
	}
	switch {
	case b.Items == 0:
		return errors.New("a Partner needs Items: its listings have an end")
	case b.PoisonAlone && b.PoisonID == 0:
		return errors.New("PoisonAlone needs a PoisonID")
	case b.PoisonID > 0 && !b.exists(b.PoisonID):
		return fmt.Errorf("there is no item %d for PoisonID", b.PoisonID)
	case b.ListMissing && b.MissingEvery == 0:
		return errors.New("ListMissing needs MissingEvery: no item is missing")
	}
	return nil
}

func (b Behaviour) checkFaults() error {
	for i, f := range b.Faults {
		switch {
		case !slices.Contains(kinds, f.Kind):
			return fmt.Errorf("fault %d: there is no Kind %q", i+1, f.Kind)
		case !(f.Share >= 0 && f.Share <= 1):
			return fmt.Errorf("fault %d: a Share of %v is not between 0 and 1", i+1, f.Share)
		case f.Every < 0 || f.First < 0 || f.Size < 0 || f.Delay < 0:
			return fmt.Errorf("fault %d: Every, First, Size and Delay must not be below 0", i+1)
		case f.Status != 0 && (f.Status < 200 || f.Status > 599):
			return fmt.Errorf("fault %d: %d is not the status of an answer", i+1, f.Status)
		case slices.ContainsFunc(f.At, func(n int) bool { return n < 1 }):
			return fmt.Errorf("fault %d: arrivals count from 1, and At is %v", i+1, f.At)
		}
	}
	return nil
}

var kinds = []Kind{
	KindStatus, KindUnavailable, KindTooMany, KindStall, KindStallBody, KindCut, KindShort, KindTruncated, KindTruncatedGz, KindReset,
	KindRefused, KindGoAway, KindCalm, KindHTML, KindText, KindEmpty, KindJunk, KindErrorObject, KindTemporary, KindBomb, KindEncoding, KindEndless,
	KindDrip, KindHeaders, KindRedirect, KindAway, KindLoop, KindNoContent,
}
