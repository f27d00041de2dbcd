package doctor

import (
	"strconv"
	"strings"
	"time"
)

// robots is what a robots.txt asks of one agent, by RFC 9309.
type robots struct {
	named bool // by a group of its own, rather than by that for all
	rules []rule
	delay time.Duration // between two requests, which some sites ask for besides
}

// rule allows or disallows the paths that its pattern matches.
type rule struct {
	pattern string
	allow   bool
}

// parseRobots reads the groups for an agent, given as its product token in lower case: all that
// name it, else all for *.
func parseRobots(text, agent string) robots {
	var own, all robots
	var mine, everyone, inRules bool
	for line := range strings.Lines(strings.TrimPrefix(text, "\uFEFF")) {
		line, _, _ = strings.Cut(line, "#")
		key, value, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		key, value = strings.ToLower(strings.TrimSpace(key)), strings.TrimSpace(value)
		if key == "user-agent" {
			if inRules { // a new group begins
				mine, everyone, inRules = false, false, false
			}
			name := strings.ToLower(value)
			mine, everyone = mine || productOf(name) == agent, everyone || name == "*"
			own.named = own.named || mine
			continue
		}
		if inRules = inRules || key != "sitemap"; mine {
			own.add(key, value)
		}
		if everyone {
			all.add(key, value)
		}
	}
	if own.named {
		return own
	}
	return all
}

// productOf returns the part of a User-Agent by which robots.txt names it.
func productOf(agent string) string {
	end := strings.IndexFunc(agent, func(r rune) bool { return r != '-' && r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') })
	if end < 0 {
		return agent
	}
	return agent[:end]
}

func (r *robots) add(key, value string) {
	switch key {
	case "allow", "disallow":
		if value != "" {
			r.rules = append(r.rules, rule{value, key == "allow"})
		}
	case "crawl-delay":
		if seconds, err := strconv.ParseFloat(value, 64); err == nil && seconds > 0 && seconds < 86400 {
			r.delay = time.Duration(seconds * float64(time.Second))
		}
	}
}

// allows returns whether the path, with its query, may be asked for, and the rule that decides:
// that with the longest pattern, and of two alike the one that allows.
func (r *robots) allows(path string) (allowed bool, by string) {
	allowed = true
	for _, one := range r.rules {
		if matches(one.pattern, path) && (len(one.pattern) > len(by) || len(one.pattern) == len(by) && one.allow) {
			allowed, by = one.allow, one.pattern
		}
	}
	return allowed, by
}

// matches reports whether a path begins as the pattern does, in which * is any text and $ at the
// end is the end of the path.
func matches(pattern, path string) bool {
	pattern, ends := strings.CutSuffix(pattern, "$")
	pieces := strings.Split(pattern, "*")
	rest, ok := strings.CutPrefix(path, pieces[0])
	if !ok {
		return false
	}
	for i, piece := range pieces[1:] {
		if ends && i == len(pieces)-2 {
			return strings.HasSuffix(rest, piece)
		}
		at := strings.Index(rest, piece)
		if at < 0 {
			return false
		}
		rest = rest[at+len(piece):]
	}
	return !ends || rest == "" || len(pieces) > 1
}
