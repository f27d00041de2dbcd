package plain

import (
	stdjson "encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"shoal/internal/harvest"
)

// The names under which answers hold the place where a listing continues, without case, dots,
// dashes, at signs and underscores.
var (
	nextNames = words("next nextpage nexttoken nextpagetoken nextcursor nextcursormark nextlink nexturl nexturi nextpageurl nextpagelink nexthref nextmarker nextkey nextoffset " +
		"nextstart nextposition nextid nextbatch nextcontinuationtoken nextresults nextpagecursor nextscroll nextrecordsurl odatanextlink nextsearchafter")
	cursorNames = words("cursor endcursor continuationtoken continuation continue token pagetoken pagecursor scrollid searchafter marker after resumptiontoken " +
		"lastevaluatedkey bookmark newoffset")
	moreNames  = words("hasmore hasnext hasnextpage more moreitems moreresults moreavailable morerecords morepages istruncated truncated incomplete hasmoreitems hasmoreresults hasmorepages haspagenext moreresultsavailable moreitemsavailable moredataavailable moredata hasmoredata hasnextlink")
	pageNames  = words("page currentpage pagenumber pageno pageindex")
	totalNames = words("total totalcount totalresults totalitems totalhits totalrecords totalsize totalelements numfound")
	sizeNames  = words("limit pagesize perpage maxresults itemsperpage resultsperpage size rows")
	fromNames  = words("offset start startat startindex skip from")
	lastNames  = words("pages totalpages lastpage pagecount numpages pagestotal")
	endNames   = words("last islast islastpage lastpage done complete finished end isend endoflist")
)

func words(list string) map[string]bool {
	set := map[string]bool{}
	for word := range strings.FieldsSeq(list) {
		set[word] = true
	}
	return set
}

// path is a jq expression that only names one member: .meta.next or .["next"].
var path = regexp.MustCompile(`^\s*(?:\.?\[?"?[\w@$-]+"?\]?|\.(?:[\w$]+|"[^"]+"|\["[^"]+"\])(?:\.?(?:[\w$]+|"[^"]+"|\["[^"]+"\]))*)\??\s*$`)

// more returns the sign in an answer that the listing continues, though --next ends it: a cursor,
// an address, a flag, a Link header. It returns nothing if the answer itself marks the end, and
// nothing for a member that an expression longer than a path names, because that expression has
// looked at it.
func (u *Upstream) more(value any, header http.Header) string {
	if u.config.Next == NextNone || u.config.Next == "" {
		return ""
	}
	f := lookout{expression: u.config.Next, path: path.MatchString(u.config.Next)}
	if u.config.Next == NextLink {
		f.path = true
	}
	f.named = f.path && u.config.Next != NextLink && holds(value, u.config.Next)
	f.look(value, "", 0)
	if f.over {
		return ""
	}
	lines := header.Values("Link")
	if f.found == "" && u.config.Next == NextLink && slices.ContainsFunc(lines, func(line string) bool {
		return strings.Contains(strings.ToLower(line), "next") && !strings.Contains(line, "<")
	}) {
		return "a Link header that is none: " + harvest.Quote(strings.Join(lines, ", "))
	}
	if f.found == "" && u.config.Next != NextLink && !f.named {
		if target := linkNext(lines); target != "" {
			return "a Link header with rel=next: " + harvest.Quote(target)
		}
	}
	return f.found
}

// How likely a find is.
const (
	isPage = iota + 1
	isCursor
	isMore
	isNext
)

// lookout goes through an answer.
type lookout struct {
	expression string
	path       bool   // it is one
	named      bool   // it names what is present, and null: only a flag is stronger
	found      string // the likeliest
	rank       int
	over       bool // the answer marks the end
}

// look searches objects, and lists of links.
func (f *lookout) look(value any, at string, depth int) {
	object, ok := value.(map[string]any)
	if !ok || depth > listsWithin {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		v := object[key]
		where := strings.TrimPrefix(at+"."+key, ".")
		f.member(plainName(key), where, v, depth)
		if list, ok := v.([]any); ok {
			f.links(list, where)
			continue
		}
		f.look(v, where, depth+1)
	}
	f.pages(object, at)
}

// member judges one member of an object by its name.
func (f *lookout) member(name, where string, v any, depth int) {
	flag, isFlag := v.(bool)
	switch {
	case moreNames[name] && isFlag && flag:
		f.take(isMore, where, v)
	case moreNames[name] && isFlag, endNames[name] && isFlag && flag:
		f.over = true
	case endNames[name] && isFlag && depth < 2: // isLast: false
		f.take(isPage, where, v)
	case nextNames[name] && fills(v):
		f.take(isNext, where, v)
	case cursorNames[name] && fills(v) && depth < 2: // deeper than that it is data
		f.take(isCursor, where, v)
	}
}

// links looks for a link whose relation is next.
func (f *lookout) links(list []any, at string) {
	for _, one := range list[:min(len(list), 20)] {
		link, _ := one.(map[string]any)
		rel, _ := link["rel"].(string)
		for _, name := range []string{"href", "url", "uri"} {
			if strings.EqualFold(rel, "next") && fills(link[name]) {
				f.take(isNext, at+" with rel next", link[name])
			}
		}
	}
}

// pages compares the number of a page with that of the last one, and what an answer holds with the
// total.
func (f *lookout) pages(object map[string]any, at string) {
	page, last := -1.0, -1.0
	total, from, size, held, given := -1.0, 0.0, 0.0, 0, false
	for key, v := range object {
		n, ok := number(v)
		if list, isList := v.([]any); isList {
			held = max(held, len(list))
		}
		switch name := plainName(key); {
		case ok && totalNames[name]:
			total = n
		case ok && sizeNames[name]:
			size, given = max(size, n), true
		case ok && fromNames[name]:
			from, given = max(0, n), true
		case ok && pageNames[name]:
			page = n
		case ok && lastNames[name]:
			last = max(last, n)
		}
	}
	if page > 0 && last > page {
		f.take(isPage, strings.TrimPrefix(at+" page", " "), strconv.FormatFloat(page, 'f', -1, 64)+" of "+strconv.FormatFloat(last, 'f', -1, 64))
	}
	if given && held > 0 && total > from+max(size, float64(held)) {
		f.take(isPage, strings.TrimPrefix(at+" total", " "), strconv.FormatFloat(total, 'f', -1, 64))
	}
}

// take keeps the likeliest find.
func (f *lookout) take(rank int, where string, v any) {
	last := where[strings.LastIndexByte(where, '.')+1:]
	if rank <= f.rank || f.named && rank != isMore || !f.path && strings.Contains(f.expression, last) {
		return
	}
	shown := "…"
	switch v := v.(type) {
	case string:
		shown = harvest.Quote(v)
	case bool:
		shown = strconv.FormatBool(v)
	default:
		if text := idText(v); text != "" {
			shown = text
		}
	}
	f.rank, f.found = rank, harvest.Printable(where)+" "+shown
}

// fills reports whether a value can be a place where a listing continues.
func fills(v any) bool {
	switch v := v.(type) {
	case string:
		return strings.TrimSpace(v) != ""
	case map[string]any:
		return len(v) > 0
	}
	n, ok := number(v)
	return ok && n > 0
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case float64:
		return v, true
	case stdjson.Number:
		n, err := v.Float64()
		return n, err == nil
	}
	return 0, false
}

func plainName(key string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("_-.@$ ", r) {
			return -1
		}
		return r
	}, strings.ToLower(key))
}

// holds reports whether the member that a path names is present.
func holds(value any, path string) bool {
	names := strings.FieldsFunc(strings.TrimSpace(path), func(r rune) bool { return strings.ContainsRune(".[]\"?", r) })
	for _, name := range names {
		object, ok := value.(map[string]any)
		if !ok {
			return false
		}
		if value, ok = object[name]; !ok {
			return false
		}
	}
	return len(names) > 0
}
