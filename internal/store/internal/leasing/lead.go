package leasing

import (
	"fmt"
	"time"
)

// Leads names the leader of a run.
func Leads(run, who string) string {
	return fmt.Sprintf("run %s is led by %s: waiting, to take over when it ends", run, who)
}

// LeadPoll is how often a process that waits to lead looks again.
const LeadPoll = time.Second
