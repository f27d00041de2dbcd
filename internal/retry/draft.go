package retry

import (
	"strings"
	"time"
)

// rateLimit reads the RateLimit header of the IETF draft: a list of named
// policies with what remains (r) and the seconds to the reset (t), or the
// dictionary of the drafts before 08.
func (r *reader) rateLimit(name, line string) {
	if !strings.HasPrefix(strings.TrimLeft(line, " \t"), `"`) {
		r.rateLimitOld(name, line)
		return
	}
	items, ok := parseList(line)
	if !ok {
		r.bad(name)
		return
	}
	for _, it := range items {
		if left, ok := it.params["r"]; it.kind != kindString || !ok || left.kind != kindInteger || it.params["t"].noInteger() {
			r.bad(name)
			return
		}
	}
	for _, it := range items {
		w := r.window("draft " + it.text)
		w.source = name
		w.remaining, _ = it.params["r"].count()
		r.draftReset(w, name, it.params["t"])
	}
}

// rateLimitOld reads "limit=100, remaining=50, reset=30".
func (r *reader) rateLimitOld(name, line string) {
	members, ok := parseDictionary(line)
	left, reset := members["remaining"], members["reset"]
	if !ok || left.kind != kindInteger || reset.noInteger() || members["limit"].noInteger() {
		r.bad(name)
		return
	}
	w := r.window("draft dictionary")
	w.source = name
	w.remaining, _ = left.count()
	r.draftReset(w, name, reset)
	if limit, ok := members["limit"].count(); ok {
		w.limit = limit
	}
}

// draftReset takes the seconds to a reset; more than any wait is wrong.
func (r *reader) draftReset(w *window, name string, seconds value) {
	t, ok := seconds.count()
	switch {
	case !ok:
	case t > int64(MostWait/time.Second):
		r.bad(name)
	default:
		w.reset = span(t * 1000)
	}
}

// policy reads RateLimit-Policy: `"burst";q=100;w=60`, or the older `100;w=60`.
func (r *reader) policy(name, line string) {
	items, ok := parseList(line)
	if !ok {
		r.bad(name)
		return
	}
	for _, it := range items {
		quota, length := it.params["q"], it.params["w"]
		family := "draft " + it.text
		if it.kind == kindInteger {
			quota, family = it.value, "policy "+it.text
		}
		q, ok := quota.count()
		if !ok || length.noInteger() || (it.kind != kindString && it.kind != kindInteger) {
			r.bad(name)
			return
		}
		w := r.window(family)
		w.limit = q
		if seconds, ok := length.count(); ok {
			w.length = span(seconds * 1000)
		}
		switch unit := it.params["qu"]; {
		case unit.kind == kindAbsent, unit.text == "requests":
		case unit.text == "concurrent-requests":
			w.foreign, w.parallel = true, true
		default:
			w.foreign = true
		}
	}
}
