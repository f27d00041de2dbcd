package sqlite

import (
	"fmt"

	"shoal/internal/store/internal/sqltext"
)

// numbered is the n-th parameter of a statement.
func numbered(n int) string { return fmt.Sprintf("?%d", n) }

// dialect is how SQLite writes the statements that it has in common with other stores.
var dialect = sqltext.Dialect{
	Parameter: numbered, Now: numbered, ChainName: sqltext.ChainName, Smaller: "min", Larger: "max",
}
