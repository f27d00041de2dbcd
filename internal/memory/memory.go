// Package memory divides the memory that this process may take.
//
// In go GOMEMLIMIT or the limit of the container; out come a limit for Go and a [Plan] with the
// part of each holder of data. It never holds data itself and never ends a process.
package memory

import (
	"errors"
	"math"
	"runtime/debug"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// Bound makes Go keep to its part of GOMEMLIMIT or, if that is unset, of nine tenths of the
// container's limit (cgroup v1 or v2). The rest is for the processes that run expressions. A
// process calls it once, at its start. Without either limit it changes nothing.
func Bound() error {
	limit, err := memlimit.Set()
	if errors.Is(err, memlimit.ErrCgroupsNotSupported) {
		return nil // on other systems GOMEMLIMIT sets it
	}
	if limit < math.MaxInt64 {
		debug.SetMemoryLimit(limit / 4 * 3)
	}
	return err
}

// Plan is the part of each holder of data. Together with [base] the parts stay within the limit.
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

	// base is the memory for everything that is not data: the program, connections, the store's
	// buffers, pools, and garbage that is not collected yet.
	base = 96 * mib
)

// Share returns the plan for what Go may take now, see [Bound], on that many processors.
func Share(processors int) Plan { return share(debug.SetMemoryLimit(-1), processors) }

// Roomy returns what one answer with a body of that many bytes may hold if there is no limit; else
// 0.
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
	// Answers may take one half. One of them may also take the other half, so that it can finish.
	answers := max(limit-base, limit/3) / 2
	asides := limit / 3
	n := int(min(max(asides/(256*mib), 1), int64(processors)))
	return Plan{Limited: true, Answers: answers, Largest: answers, Yield: min(64*mib, answers/4), Aside: min(gib, asides/int64(n)), Asides: n}
}
