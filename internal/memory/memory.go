// Package memory shares out what this process may take.
//
// In go GOMEMLIMIT or the limit of the container; out come a limit for Go and a [Plan] with the parts of those who hold
// data. It holds none itself and ends nothing.
package memory

import (
	"errors"
	"math"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// Bound has Go keep to its part of GOMEMLIMIT, or where that is unset of nine tenths of what the container allows (cgroup
// v1 or v2); the rest is for the processes in which expressions run. A process calls it once, at its start. Without either
// limit it changes nothing.
func Bound() error {
	limit, err := memlimit.Set()
	if errors.Is(err, memlimit.ErrCgroupsNotSupported) {
		return nil // another system: GOMEMLIMIT is the way to say it
	}
	if limit < math.MaxInt64 {
		debug.SetMemoryLimit(limit / 4 * 3)
	}
	return err
}

// Plan is the part of each who holds data. Together they and [base] stay within the limit.
type Plan struct {
	Limited bool  // there is a limit
	Answers int64 // of all answers on their way: bodies, what is decoded of them, records, until their pages have landed
	Largest int64 // what one of them may hold
	Yield   int64 // of all records of one answer
	Aside   int64 // what one process for expressions may take
	Asides  int   // how many there are
}

const (
	mib = 1 << 20
	gib = 1 << 30

	// base is what is needed for all that is no data: the program, connections, the store's buffers, pools, and what the
	// collector has not found yet.
	base = 96 * mib
)

// Share is the plan for what Go may take now, see [Bound], on so many processors.
func Share(processors int) Plan { return share(debug.SetMemoryLimit(-1), processors) }

// Roomy is what one answer with a body of so many bytes may hold where there is no limit; else 0.
func (p Plan) Roomy(body int64) int64 {
	if p.Limited {
		return 0
	}
	return 16 * body
}

func share(limit int64, processors int) Plan {
	if limit == math.MaxInt64 {
		return Plan{Answers: 512 * mib, Largest: gib, Yield: 64 * mib, Aside: gib, Asides: processors}
	}
	// Answers may take one half, and one of them, so that it can end, the other half too.
	answers := max(limit-base, limit/3) / 2
	asides := limit / 3
	n := int(min(max(asides/(256*mib), 1), int64(processors)))
	return Plan{Limited: true, Answers: answers, Largest: answers, Yield: min(64*mib, answers/4), Aside: min(gib, asides/int64(n)), Asides: n}
}
