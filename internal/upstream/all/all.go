// Package all is the table of the kinds of API that this program can harvest, and the only one that
// links them.
//
// In goes nothing; out comes the table. It holds no rule: what is particular to a kind is in the
// kind's package.
package all

import (
	"shoal/internal/upstream"
	"shoal/internal/upstream/mediawiki"
	"shoal/internal/upstream/plain"
)

// Kinds returns the table, a row a kind. The first is the usual kind.
func Kinds() upstream.Table {
	return upstream.Table{
		plain.Kind(),
		mediawiki.Kind(),
	}
}
