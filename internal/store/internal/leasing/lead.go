package leasing

import (
	"fmt"
	"time"
)

// Leads says who leads a run.
func Leads(run, who string) string {
	return fmt.Sprintf("run %s is led by %s: waiting, to take over when it ends", run, who)
}

// LeadPoll is how often those who wait to lead look again.
const LeadPoll = time.Second
