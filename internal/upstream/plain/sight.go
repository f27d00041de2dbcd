package plain

import (
	"encoding/hex"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"

	"shoal/internal/harvest"
)

// EmptySight is the Listed.Sight of an answer without items.
const EmptySight = "none"

const (
	listsWithin = 4 // how deep in an answer its lists are looked for
	maxSeen     = 1 << 20
)

// sight returns a hash of the items of one answer: those that --items names, else the lists in it,
// else all of its bytes. Times, counters and cursors around the lists change from answer to answer,
// and are not items.
func (u *Upstream) sight(entries []harvest.Entry, in *input, body []byte) string {
	if len(entries) > 0 {
		sum := fnv.New128a()
		for i := range entries {
			key := entries[i].Item.Key
			if rejected := entries[i].Rejected; rejected != nil {
				key = rejected.Key
			}
			_, _ = sum.Write(key[:]) // a hash never fails
		}
		return "items:" + hex.EncodeToString(sum.Sum(nil))
	}
	value, err := in.value()
	if err != nil {
		return "" // nothing is known
	}
	e := encoder{most: maxSeen, depth: u.config.MaxDepth}
	found, empty := false, true
	eachList(value, 0, func(list []any) {
		found, empty = true, empty && len(list) == 0
		_ = e.list(list, 0) // what does not fit is cut off
	})
	switch {
	case found && empty, !found && blank(value, body):
		return EmptySight
	case found:
		body = e.out
	}
	sum := fnv.New128a()
	_, _ = sum.Write(body[:min(len(body), maxSeen)])
	return "lists:" + strconv.Itoa(len(body)) + ":" + hex.EncodeToString(sum.Sum(nil))
}

// blank reports whether an answer without any list has no items: null, {}, or no body.
func blank(value any, body []byte) bool {
	if object, ok := value.(map[string]any); ok {
		return len(object) == 0
	}
	return value == nil && (len(body) == 0 || string(body) == "null")
}

// eachList visits the lists that are not part of another one, in the order of their keys; links are
// not items.
func eachList(value any, depth int, visit func([]any)) {
	switch v := value.(type) {
	case []any:
		if len(v) == 0 || slices.ContainsFunc(v, func(one any) bool { return !isLink(one) }) {
			visit(v)
		}
	case map[string]any:
		if depth == listsWithin {
			return
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			eachList(v[key], depth+1, visit)
		}
	}
}

// isLink reports whether a value is a link of HAL or its like.
func isLink(value any) bool {
	object, _ := value.(map[string]any)
	_, rel := object["rel"]
	return rel && (object["href"] != nil || object["url"] != nil || object["uri"] != nil)
}
