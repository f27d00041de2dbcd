package harvest

import "strings"

// EvictsAnyKey reports whether a Redis with this maxmemory-policy may throw away keys that have no
// expiry when its memory is full: the budget of a host among them.
func EvictsAnyKey(policy string) bool { return strings.HasPrefix(policy, "allkeys-") }
