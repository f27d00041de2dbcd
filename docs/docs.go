// Package docs holds the pages that programs print: an installed program has no folder beside it.
//
// Nothing goes in; out comes the text of a page. It never changes one.
package docs

import _ "embed"

// ExitCodes is exit-codes.md, with a section for each kind of error.
//
//go:embed exit-codes.md
var ExitCodes string
