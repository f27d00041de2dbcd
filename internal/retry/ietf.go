package retry

import (
	"strconv"
	"strings"
	"time"

	"github.com/dunglas/httpsfv"
)

// rateLimit reads the RateLimit header of the IETF draft: a list of named
// policies with what remains (r) and the seconds to the reset (t), or the
// dictionary of the drafts before 08.
func (r *reader) rateLimit(name, line string) {
	if !strings.HasPrefix(strings.TrimLeft(line, " \t"), `"`) {
		r.rateLimitOld(name, line)
		return
	}
	policies, ok := parseItems(line)
	if !ok {
		r.bad(name)
		return
	}
	for _, p := range policies {
		_, named := p.Value.(string)
		if !named || !integer(param(p, "r")) || !integerOrAbsent(param(p, "t")) {
			r.bad(name)
			return
		}
	}
	for _, p := range policies {
		w := r.window(draftFamily(p.Value))
		w.source = name
		w.remaining, _ = count(param(p, "r"))
		r.draftReset(w, name, param(p, "t"))
	}
}

// rateLimitOld reads "limit=100, remaining=50, reset=30". The parameters of the members do not
// count.
func (r *reader) rateLimitOld(name, line string) {
	members, err := httpsfv.UnmarshalDictionary([]string{line})
	if err != nil {
		r.bad(name)
		return
	}
	member := func(key string) any {
		m, _ := members.Get(key)
		it, ok := m.(httpsfv.Item)
		if !ok && m != nil {
			return m // a list, which is not an integer
		}
		return it.Value
	}
	left, reset := member("remaining"), member("reset")
	if !integer(left) || !integerOrAbsent(reset) || !integerOrAbsent(member("limit")) {
		r.bad(name)
		return
	}
	w := r.window("draft dictionary")
	w.source = name
	w.remaining, _ = count(left)
	r.draftReset(w, name, reset)
	if limit, ok := count(member("limit")); ok {
		w.limit = limit
	}
}

// draftReset takes the seconds to a reset; more than any wait is wrong.
func (r *reader) draftReset(w *window, name string, seconds any) {
	t, ok := count(seconds)
	switch {
	case !ok:
	case t > int64(MaxWait/time.Second):
		r.bad(name)
	default:
		w.reset = span(t * 1000)
	}
}

// policy reads RateLimit-Policy: `"burst";q=100;w=60`, or the older `100;w=60`.
func (r *reader) policy(name, line string) {
	policies, ok := parseItems(line)
	if !ok {
		r.bad(name)
		return
	}
	for _, p := range policies {
		quota, length := param(p, "q"), param(p, "w")
		if integer(p.Value) {
			quota = p.Value
		}
		q, ok := count(quota)
		family := draftFamily(p.Value)
		if !ok || family == "" || !integerOrAbsent(length) {
			r.bad(name)
			return
		}
		w := r.window(family)
		w.limit = q
		if seconds, ok := count(length); ok {
			w.length = span(seconds * 1000)
		}
		switch unit := text(param(p, "qu")); unit {
		case "", "requests":
		default:
			w.foreign = true
			w.parallel = w.parallel || unit == "concurrent-requests"
		}
	}
}

// draftFamily is the window's family of a policy: by its name, or by its quota in the older drafts.
// "" is a policy that has neither.
func draftFamily(policy any) string {
	switch v := policy.(type) {
	case string:
		return "draft " + v
	case int64:
		return "policy " + strconv.FormatInt(v, 10)
	}
	return ""
}

// parseItems reads a list of RFC 9651 that holds items only, one at least.
func parseItems(line string) ([]httpsfv.Item, bool) {
	list, err := httpsfv.UnmarshalList([]string{line})
	if err != nil || len(list) == 0 {
		return nil, false
	}
	all := make([]httpsfv.Item, len(list))
	for i, member := range list {
		var ok bool
		if all[i], ok = member.(httpsfv.Item); !ok {
			return nil, false
		}
	}
	return all, true
}

// param is a parameter of an item, nil when it is absent. Of one that is given twice the last
// counts.
func param(it httpsfv.Item, key string) any {
	v, _ := it.Params.Get(key)
	return v
}

func integer(v any) bool {
	_, ok := v.(int64)
	return ok
}

func integerOrAbsent(v any) bool { return v == nil || integer(v) }

// count is a non-negative integer; negative ones count as none.
func count(v any) (int64, bool) {
	n, ok := v.(int64)
	if !ok || n < 0 {
		return 0, false
	}
	return n, true
}

// text is a string or a token; what is neither is named by its place in no list of units.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case httpsfv.Token:
		return string(v)
	}
	return "?"
}
