package mediawiki

import (
	"strings"

	"golang.org/x/text/unicode/norm"
)

// namespaces are the names that every MediaWiki takes in any case: its own, and those of
// Wikimedia's projects, which are a namespace at home and a link to another wiki elsewhere. Source:
// https://www.mediawiki.org/wiki/Help:Namespaces, https://www.mediawiki.org/wiki/Manual:Interwiki.
var namespaces = func() map[string]string {
	names := map[string]string{"special": "Special", "media": "Media", "talk": "Talk"}
	for _, name := range []string{
		"User", "Project", "File", "Image", "MediaWiki", "Template", "Help", "Category",
		"Wikipedia", "Wiktionary", "Wikibooks", "Wikinews", "Wikiquote", "Wikisource", "Wikiversity", "Wikivoyage",
	} {
		names[strings.ToLower(name)] = name
		names[strings.ToLower(name)+" talk"] = name + " talk"
	}
	return names
}()

// folded returns a title as its key has it. It folds only what every MediaWiki folds, so that two
// such spellings are one item and its records land once: text is in Unicode's form C, runs of
// blanks are one blank, and a namespace's name has its own capitals. Whether a wiki takes apple for
// Apple differs between wikis, namespaces and letters, and is left to the wiki.
func folded(title string) string {
	title = strings.Join(strings.FieldsFunc(norm.NFC.String(title), func(r rune) bool { return r == ' ' || r == '_' }), " ")
	before, rest, ok := strings.Cut(title, ":")
	name := namespaces[strings.ToLower(strings.TrimSpace(before))]
	if !ok || name == "" {
		return title
	}
	return name + ":" + strings.TrimLeft(rest, " ")
}
