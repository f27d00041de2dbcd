package simple

import (
	"maps"

	"shoal/internal/harvest"
)

// Suspect is an item that was in flight when an owner of its shard crashed, or is in flight now.
type Suspect struct {
	Shard   harvest.Shard
	Token   int64 // of the lease under which it is in flight; 0: none
	Crashes int
}

// concerns reports whether the owner of a shard must know the suspect: under another N, the key of
// a step does not tell of which shard its listing is.
func (s Suspect) concerns(at harvest.Shard) bool { return s.Shard == at || s.Shard.Of != at.Of }

// Suspects are the suspects of a run.
type Suspects map[harvest.Key]Suspect

// Crash counts a lease that was not given back.
func (all Suspects) Crash(at harvest.Shard, token int64) {
	for key, s := range all {
		if s.Shard == at && s.Token == token {
			all[key] = Suspect{s.Shard, 0, s.Crashes + 1}
		}
	}
}

// Concern reports whether the owner of a shard is to suspect its items.
func (all Suspects) Concern(at harvest.Shard) bool {
	for _, s := range all {
		if s.concerns(at) {
			return true
		}
	}
	return false
}

// Load is that of [store.Suspects].
func (all Suspects) Load(at harvest.Shard) map[harvest.Key]int {
	found := map[harvest.Key]int{}
	for key, s := range all {
		if s.Crashes > 0 && s.concerns(at) {
			found[key] = s.Crashes
		}
	}
	return found
}

// Note is that of [store.Suspects].
func (all Suspects) Note(at harvest.Shard, token int64, keys []harvest.Key) {
	for _, key := range keys {
		all[key] = Suspect{at, token, all[key].Crashes}
	}
}

// Withdraw is that of [store.Suspects].
func (all Suspects) Withdraw(token int64, keys []harvest.Key) {
	for _, key := range keys {
		s := all[key]
		switch {
		case s.Token != token:
		case s.Crashes == 0:
			delete(all, key)
		default:
			all[key] = Suspect{s.Shard, 0, s.Crashes}
		}
	}
}

// Release withdraws whatever is in flight under the token of a lease that is given back.
func (all Suspects) Release(token int64) {
	for key := range all {
		all.Withdraw(token, []harvest.Key{key})
	}
}

// Clear forgets items that have landed, are cleared, or are put back.
func (all Suspects) Clear(keys []harvest.Key) {
	for _, key := range keys {
		delete(all, key)
	}
}

// Drain forgets the suspects of a shard of which all items have ended.
func (all Suspects) Drain(at harvest.Shard) {
	maps.DeleteFunc(all, func(_ harvest.Key, s Suspect) bool { return s.Shard == at })
}

// Forgive is that of [store.Retries].
func (all Suspects) Forgive(crashes int) int64 {
	before := len(all)
	maps.DeleteFunc(all, func(_ harvest.Key, s Suspect) bool { return s.Crashes >= crashes })
	return int64(before - len(all))
}
