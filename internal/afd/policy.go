package afd

import "strings"

// longestTitle is MediaWiki's bound on the bytes of a title.
const longestTitle = 255

// discussions are the pages of the project space that hold debates and files, not policies.
var discussions = [...]string{
	"articles for deletion", "votes for deletion", "afd/", "vfd/", "wikiproject", "deletion review", "deletion sorting", "guide to deletion", "deletion process",
	"signatures", "administrators", "sockpuppet investigations", "village pump", "requests for", "help desk", "teahouse", "reference desk",
	"miscellany for deletion", "redirects for d", "templates for d", "categories for d", "files for d", "articles for creation", "proposed deletion/", "bots/", "reliable sources/noticeboard",
}

// policyOf returns the policy, guideline or essay that a link's target names, as WP:X in any
// spelling; "" if it names none.
func policyOf(target string) string {
	target = strings.TrimLeft(target, ": ")
	if len(target) > longestTitle {
		return ""
	}
	space, page, ok := strings.Cut(target, ":")
	if space = strings.TrimSpace(space); !ok || !(equalTitle(space, "wp") || equalTitle(space, "wikipedia") || equalTitle(space, "project")) {
		return ""
	}
	page, _, _ = strings.Cut(page, "#")
	page = strings.Join(strings.FieldsFunc(page, func(r rune) bool { return r == '_' || r == ' ' || r == '\n' || r == '\t' }), " ")
	if page == "" {
		return ""
	}
	for _, d := range discussions {
		if hasPrefixFold(page, d) {
			return ""
		}
	}
	return "WP:" + page
}
