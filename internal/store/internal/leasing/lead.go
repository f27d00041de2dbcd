package leasing

import (
	"context"
	"fmt"
	"time"
)

// leadPoll is how often a process that waits to lead looks again.
const leadPoll = time.Second

// Lead calls try until the process leads the run. While another does, try returns its name, as far
// as it is known, and waiting, if there is one, is called once for each.
func Lead(ctx context.Context, run string, waiting func(sentence string), try func() (leads bool, who string, err error)) error {
	told := ""
	for {
		leads, who, err := try()
		if leads || err != nil {
			return err
		}
		if who != told && who != "" && waiting != nil {
			told = who
			waiting(fmt.Sprintf("run %s is led by %s: waiting, to take over when it ends", run, who))
		}
		if err := Pause(ctx, leadPoll); err != nil {
			return err
		}
	}
}
