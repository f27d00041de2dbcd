package postgres

import (
	"fmt"

	"shoal/internal/store/internal/sqltext"
)

// dialect is how PostgreSQL writes the statements that it has in common with other stores.
var dialect = sqltext.Dialect{
	Schema: "shoal.", Parameter: func(n int) string { return fmt.Sprintf("$%d", n) }, Now: func(int) string { return "clock_timestamp()" },
	ChainName: sqltext.ChainNameHashed, Integer: "::bigint", Smaller: "least", Larger: "greatest",
}
