package worker

import (
	"fmt"

	"shoal/internal/harvest"
	"shoal/internal/retry"
)

// refusal returns the error of a stop, with examples and what a person can do. Without a stop one
// attempt decided, for the given reason.
func (w *Worker) refusal(stop retry.Stop, reason string) error {
	why := map[retry.Stop]string{
		"": reason + " (look with --try 3)",

		retry.StopCanary: "the first items of this run all ended without landing; is the path, a parameter, --extract, --check, --split or --id wrong? " +
			"(look with --try 3; if these items really are missing, --no-canary records that)",
		retry.StopForeign: "it answers item after item with something that is not an API's answer; is the address right? (look with --try 3)",
		retry.StopRefused: "it answers 401, 403 or a TLS error to item after item; is the credential or the User-Agent refused? (look with --try 3)",
		retry.StopLimited: "it answers 429 to every item and never served one; this may be a ban: ask the operator of the API",
	}[stop]
	said := fmt.Errorf("%w: %s; nothing of this was recorded. Examples", ErrRefused, why)
	return &harvest.Detailed{Err: said, Below: w.canary.Examples()}
}
