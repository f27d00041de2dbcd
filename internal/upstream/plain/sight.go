package plain

import (
	"encoding/hex"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"

	"shoal/internal/harvest"
)

// EmptySight is the harvest.Listed.Sight of an answer without items.
const EmptySight = "none"

const (
	listsWithin = 4 // how deep in an answer its lists are looked for
	maxSeen     = 1 << 20
)

// sight returns a hash of the items of one answer: those that --items names, else the lists in it,
// else all of its bytes. Times, counters and cursors around the lists change from answer to answer,
// and are not items. The order of the items does not count.
func (u *Upstream) sight(entries []harvest.Entry, in *input, body []byte) string {
	if len(entries) > 0 {
		keys := make([]string, len(entries))
		for i := range entries {
			key := entries[i].Item.Key
			if rejected := entries[i].Rejected; rejected != nil {
				key = rejected.Key
			}
			keys[i] = string(key[:])
		}
		return "items:" + inAnyOrder(keys)
	}
	value, err := in.value()
	if err != nil {
		return "" // nothing is known
	}
	e := encoder{most: maxSeen, depth: u.config.MaxDepth}
	var seen []string
	lists, empty := 0, true
	eachList(value, 0, func(list []any) {
		lists, empty = lists+1, empty && len(list) == 0
		for _, one := range list {
			from := len(e.out)
			_ = e.encode(one, 0) // what does not fit is cut off
			seen = append(seen, strconv.Itoa(lists)+" "+string(e.out[from:]))
		}
	})
	switch {
	case lists > 0 && empty, lists == 0 && blank(value, body):
		return EmptySight
	case lists == 0:
		seen = []string{string(body[:min(len(body), maxSeen)])}
	}
	return "lists:" + strconv.Itoa(len(e.out)) + ":" + inAnyOrder(seen)
}

// inAnyOrder returns one hash of all texts, whatever their order.
func inAnyOrder(texts []string) string {
	slices.Sort(texts)
	sum := fnv.New128a()
	for _, text := range texts {
		_, _ = sum.Write([]byte(strconv.Itoa(len(text)) + " " + text)) // a hash never fails
	}
	return hex.EncodeToString(sum.Sum(nil))
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
